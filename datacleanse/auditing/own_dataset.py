"""The audit of any map-style dataset with any network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datacleanse.auditing.conduct import Conduct
from datacleanse.auditing.recipe import carry_out
from datacleanse.auditing.result import AuditResult, choose_place
from datacleanse.auditing.tasks.dataset import plan_dataset
from datacleanse.auditing.without_clean import check_needs_no_clean
from datacleanse.detection.second_opinion.background import Adviser
from datacleanse.errors import SettingsError
from datacleanse.keyword_arguments import suggest_keywords
from datacleanse.models.model_files import load_into
from datacleanse.progress import follow
from datacleanse.settings import Settings
from datacleanse.thread_limit import use_one_thread
from datacleanse.training.influence.choice import unwrap
from datacleanse.training.optimisers import Optimisation
from datacleanse.user_code import name_factory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from torch import nn
    from torch.utils.data import Dataset as MapDataset

    from datacleanse.progress import ProgressOption
    from datacleanse.settings import DeviceName, RuleName
    from datacleanse.training.optimisers import OptimiserFactory


@suggest_keywords
def audit_dataset(
    model: nn.Module,
    data: MapDataset[Any],
    trusted: MapDataset[Any] | None = None,
    *,
    classes: Sequence[str] | None = None,
    optimizer: OptimiserFactory | None = None,
    clip_norm: float | None = None,
    out: str | PathLike[str] | None = None,
    force: bool = False,
    resume: bool = False,
    rule: RuleName | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    meta_batch: int | None = None,
    meta_every: int | None = None,
    meta_average: float = 0.0,
    fast: bool = False,
    hold_back: float = 0.0,
    repeats: int = 0,
    fdr: float = 0.10,
    top: int = 500,
    device: DeviceName = "auto",
    seed: int = 0,
    jobs: int | None = None,
    progress: ProgressOption = None,
) -> AuditResult:
    """Audit the labels of a dataset with a network of your own.

    Copies of the network are trained, one with learned weights and one plainly. In the end
    ``model`` has the parameters of the first, in evaluation mode; without ``trusted``, of the
    second.

    Args:
        model: inputs (B, ...) to logits (B, C), C >= 2.
        data: ``len(data)`` examples (input, label): a tensor or array, and the class from 0 to
            C - 1 as an integer of Python or NumPy or as a tensor or array of a single one. Asked
            for one by one in this process, whenever they are wanted; a
            `torch.utils.data.TensorDataset` is kept on the device as it is.
        trusted: the like, with labels that are right; none of its examples should be in ``data``.
            None: there is none yet. Then the network is trained plainly alone, the examples are
            ranked, and neither a rate nor a flag is given.
        classes: (C,) names; None: ``0``, ``1``, ...
        optimizer: given the list of (name, parameter) to train, makes a torch optimiser of any
            parameter groups. Their learning rates are the peaks of a cosine that falls to 0. None:
            AdamW with ``lr``.
        clip_norm: largest norm of the gradient of all parameters together, > 0.
        out: run folder to write; None: a temporary one, see `AuditResult.save`.
        force: replace the run in ``out``.
        resume: go on with the unfinished run in ``out``. That the inputs of a dataset, a
            `TensorDataset` apart, are those of then is yours to see to.
        rule: how the examples of a batch are weighed: ``l2rw`` (trusted examples steer), ``lilaw``,
            ``uniform`` (plain training) or ``random``. None: ``l2rw``, or ``uniform`` without
            ``trusted``.
        epochs: passes over the training examples, at least 2; None: chosen by their number.
        batch_size: examples a step, at least 2; None: chosen by the number of training examples.
        lr: peak learning rate of AdamW, > 0; None: the default. Not together with ``optimizer``.
        meta_batch: trusted examples that a steering gradient is made from, at least 1; None: the
            default.
        meta_every: steps that a steering gradient serves, at least 1; None: the default.
        meta_average: share of the former steering gradient in the next one, in [0, 1).
        fast: whether one reweighted training does instead of two; half of the trusted examples
            calibrate then.
        hold_back: share of the trusted examples that nothing learns from, in [0, 0.5].
        repeats: further runs with other random draws, to see which flags stay; at least 0.
        fdr: largest expected share of false alarms among the flags, in (0, 1).
        top: suspects listed in the reports, at least 1.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:K`` to train on; ``auto``: a GPU where there
            is one. Of several, ``cuda:0,cuda:1``, each trains one network at a time.
        seed: of all random draws, from 0 to 2**32 - 1.
        jobs: networks trained side by side, at least 1; None: as many as there are cores. On Linux
            each has a forked process; elsewhere, on a GPU, and where ``data`` is asked for examples
            they follow each other. The results are the same.
        progress: as for `datacleanse.audit`.

    Returns:
        ``table``, ``ledger``, ``manifest``, ``save()``; its ``model`` is ``model`` here.

    Raises:
        InputError: a dataset cannot be used; the message says which example and why.
        SettingsError: a setting is out of its range.
        UserCodeError: the network, the optimiser or a dataset fails.
        ModelError: the network cannot be trained.
        TypeError: there is no argument of such a name; the message says which was meant.

    Examples:
        >>> result = audit_dataset(model, images, verified, epochs=10)  # doctest: +SKIP
        >>> result.table.sort_values("rank").head(20)  # doctest: +SKIP
    """
    if optimizer is not None and lr is not None:
        raise _make_two_rates_error()
    chosen = Settings(
        rule=rule,
        model=name_factory(type(model)),
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        meta_batch=meta_batch,
        meta_every=meta_every,
        meta_average=meta_average,
        fast=fast,
        hold_back=hold_back,
        repeats=repeats,
        fdr=fdr,
        top=top,
        device=device,
        seed=seed,
        jobs=jobs,
    )
    if trusted is None:
        check_needs_no_clean(chosen)
    optimisation = Optimisation(optimizer, clip_norm)
    with use_one_thread(), follow(progress) as told:
        told.stage("Reading", None)
        datasets = (data,) if trusted is None else (data, trusted)
        task, inputs = plan_dataset(model, datasets, classes, chosen, optimisation)
        place, temporary = choose_place(out)
        folder = carry_out(
            task, inputs, Conduct(place, force, resume, progress=told), adviser=Adviser()
        )
    load_into(unwrap(model), folder.model_dir)
    model.eval()
    return AuditResult(folder, None, temporary)


def _make_two_rates_error() -> SettingsError:
    return SettingsError(
        "Both lr and optimizer are given.",
        slug="settings-contradict",
        hint="Leave lr out: the learning rates are those of the optimizer's parameter groups.",
    )
