"""The audit of any map-style dataset with any network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from datacleanse.auditing.recipe import carry_out
from datacleanse.auditing.result import AuditResult, choose_place
from datacleanse.auditing.tasks.dataset import plan_dataset
from datacleanse.auditing.without_clean import check_needs_no_clean
from datacleanse.detection.second_opinion.background import Adviser
from datacleanse.errors import SettingsError
from datacleanse.models.model_files import load_into
from datacleanse.progress import SILENT, Progress
from datacleanse.settings import Settings
from datacleanse.stopping import NEVER
from datacleanse.thread_limit import use_one_thread
from datacleanse.training.influence.choice import unwrap
from datacleanse.training.optimisers import Optimisation
from datacleanse.user_code import name_factory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from torch import nn
    from torch.utils.data import Dataset as MapDataset

    from datacleanse.training.optimisers import OptimiserFactory


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
    progress: Progress = SILENT,
    **settings: Any,  # noqa: ANN401  # Settings checks names and values
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
        progress: receives stages and messages.
        **settings: fields of `Settings`: ``epochs``, ``batch_size``, ``fdr``, ``seed``, ...

    Returns:
        ``table``, ``ledger``, ``manifest``, ``save()``; its ``model`` is ``model`` here.

    Raises:
        InputError: a dataset cannot be used; the message says which example and why.
        SettingsError: a setting is out of its range.
        UserCodeError: the network, the optimiser or a dataset fails.
        ModelError: the network cannot be trained.

    Examples:
        >>> result = audit_dataset(model, images, verified, epochs=10)  # doctest: +SKIP
        >>> result.table.sort_values("rank").head(20)  # doctest: +SKIP
    """
    if optimizer is not None and "lr" in settings:
        raise _make_two_rates_error()
    chosen = Settings(model=name_factory(type(model)), **settings)
    if trusted is None:
        check_needs_no_clean(chosen)
    optimisation = Optimisation(optimizer, clip_norm)
    progress.stage("Reading", None)
    with use_one_thread():
        datasets = (data,) if trusted is None else (data, trusted)
        task, inputs = plan_dataset(model, datasets, classes, chosen, optimisation)
        place, temporary = choose_place(out)
        folder = carry_out(
            task,
            inputs,
            place,
            adviser=Adviser(),
            force=force,
            resume=resume,
            progress=progress,
            stop=NEVER,
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
