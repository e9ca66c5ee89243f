"""An audit by several ranks: the first carries it out, the others train with it and write parts."""

from __future__ import annotations

import json
from functools import partial
from time import sleep
from typing import TYPE_CHECKING

from datacleanse.auditing.final_model import NOTHING, hear_worth
from datacleanse.auditing.layout import lay_out_final, lay_out_fold
from datacleanse.auditing.ledger_parts import keep_epochs
from datacleanse.auditing.plan import redraw_runs
from datacleanse.auditing.resuming import open_checkpoints
from datacleanse.errors import RunFolderError
from datacleanse.storage.run_folder import RunFolder
from datacleanse.training.checkpoint import FILES, ROWS, VERSIONS
from datacleanse.training.ranks import RanksError
from datacleanse.training.trainer import Trainer

if TYPE_CHECKING:
    from collections.abc import Callable

    from datacleanse.auditing.conduct import Conduct
    from datacleanse.auditing.plan import Plan
    from datacleanse.auditing.reading import Inputs
    from datacleanse.auditing.tasks.interface import Audited
    from datacleanse.training.checkpoint import Identity
    from datacleanse.training.examples import Examples
    from datacleanse.training.ranks import Ranks
    from datacleanse.training.side_by_side import Keep, TrainedNetwork

SEEING = 10.0
"""Seconds until another machine sees, on a disk that both share, a file that one wrote."""

_SHOWN = 12
"""Signs of a digest that tell two of them apart."""


def follow(task: Audited, inputs: Inputs, conduct: Conduct) -> RunFolder:
    """Train as rank 0 does, which writes and judges all but this rank's parts of the ledger.

    To be called within `use_one_thread`, by all ranks but the first.

    Args:
        task: what is audited.
        inputs: what was read for it.
        conduct: of the audit, whose run folder rank 0 makes.

    Raises:
        RanksError: another rank failed, or works on something else.
        RunFolderError: the run folder is not where rank 0 sees it.
    """
    ranks = conduct.ranks
    compare_identities(ranks, task.identity)
    run_id, folder = ranks.tell(None), RunFolder(conduct.place)
    if run_id == NOTHING:
        return folder
    _check_sees(folder, run_id)
    examples = task.make_examples(inputs)
    trainer = make_trainer(task, examples, folder, lambda part: None, conduct)
    control = _train_folds(task, examples, trainer, folder)
    worth = hear_worth(ranks, len(examples.labels))
    if worth is not None:
        rows, is_fast = lay_out_final(examples, task.plan), task.settings.fast
        trainer.refit(rows, worth, control, is_fast=is_fast)
    return folder


def make_trainer(
    task: Audited,
    examples: Examples,
    folder: RunFolder,
    lap: Callable[[str], None],
    conduct: Conduct,
) -> Trainer:
    """Make what trains the audit's networks, on rows that all ranks encoded alike.

    Args:
        task: what is audited.
        examples: what the networks see.
        folder: of the run, which keeps the checkpoints.
        lap: called with the name of each part when it is done.
        conduct: of the audit.

    Raises:
        RanksError: another rank's rows differ.
    """
    checkpoints = open_checkpoints(folder, task.identity, examples)
    compare_identities(conduct.ranks, checkpoints.identity)
    return Trainer(
        task.lesson,
        task.device,
        lap,
        conduct.progress,
        checkpoints,
        conduct.stop,
        ranks=conduct.ranks,
    )


def _train_folds(
    task: Audited, examples: Examples, trainer: Trainer, folder: RunFolder
) -> TrainedNetwork:
    """Train all but the final network, in the order of `judge`; the run's own control."""

    def learn(plan: Plan, trainer: Trainer, keep: Keep | None = None) -> TrainedNetwork:
        folds = [partial(lay_out_fold, examples, plan, fold) for fold in plan.folds]
        return trainer.learn(folds, examples, keep=keep).control

    control = learn(task.plan, trainer, keep_epochs(folder, trainer.ranks))
    for redrawn in redraw_runs(task.plan, trainer, task.settings.repeats):
        learn(*redrawn)
    return control


def compare_identities(ranks: Ranks, identity: Identity) -> None:
    """See that all ranks train on the same rows, with the same settings and libraries.

    Raises:
        RanksError: one does not; it names what differs first.
    """
    if ranks.count == 1:
        return
    told = [json.loads(each) for each in ranks.compare(json.dumps(identity))]
    for number, other in enumerate(told):
        for key in (*FILES, *VERSIONS, *sorted(told[0].keys() | other.keys())):
            if other.get(key) != told[0].get(key):
                raise _make_other_error(ranks.name(number), key, other.get(key), told[0].get(key))


def _make_other_error(name: str, key: str, found: object, expected: object) -> RanksError:
    if key in FILES:
        said = f"{name} reads another {key} than rank 0: its sha256 is {_cut(found)}, not "
        hint = f"Give all ranks the same {key}, or a place on a disk that they share."
        return RanksError(f"{said}{_cut(expected)}.", slug="ranks-differ", hint=hint)
    if key == ROWS:
        return RanksError(
            f"{name} encodes the same files in another way than rank 0.",
            slug="ranks-differ",
            hint="Give all machines the same versions of numpy, pandas, pyarrow and torch.",
        )
    return RanksError(
        f"On {name[0].lower()}{name[1:]} {key} is {found}, and on rank 0 {expected}.",
        slug="ranks-differ",
        hint="Give all ranks the same command and the same versions.",
    )


def _cut(digest: object) -> str:
    return f"{str(digest)[:_SHOWN]}…" if digest else "that of no file"


def _check_sees(folder: RunFolder, run_id: str) -> None:
    """See that this rank finds the run that rank 0 has begun.

    Raises:
        RunFolderError: it does not.
    """
    for _ in range(int(2 * SEEING)):
        try:
            found = folder.begun()
        except RunFolderError:
            found = None
        if found is not None and found.run_id == run_id:
            return
        sleep(0.5)
    raise RunFolderError(
        f"{folder.path.resolve()} is not the run folder that rank 0 has begun.",
        slug="ranks-differ",
        hint="Give a place on a disk that all ranks share with --out.",
    )
