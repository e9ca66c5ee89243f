"""The ledger written while networks are trained: by one process, or by each rank its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.storage.atomic_files import make_own_folder
from datacleanse.storage.ledger import write_epoch
from datacleanse.training.shared_sums import cut_evenly

if TYPE_CHECKING:
    from datacleanse.storage.ledger import EpochRecord
    from datacleanse.storage.run_folder import RunFolder
    from datacleanse.training.ranks import Ranks
    from datacleanse.training.side_by_side import Keep


def keep_epochs(folder: RunFolder, ranks: Ranks) -> Keep:
    """What writes each epoch's record; all ranks call theirs.

    A run that is gone on with may have left the epoch in another form, or in more parts.
    """

    def keep(epoch: int, record: EpochRecord) -> None:
        if ranks.number == 0:
            folder.forget_epoch(epoch)
        if ranks.count == 1:
            write_epoch(folder.epoch_file(epoch), epoch, record)
            return
        ranks.meet()
        file = folder.part_file(epoch, ranks.number)
        make_own_folder(file.parent)
        write_epoch(file, epoch, record, cut_evenly(len(record.weight), ranks))

    return keep
