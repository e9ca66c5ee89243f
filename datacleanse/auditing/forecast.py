"""What an audit would take: a record of what was counted and tried."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from datacleanse.auditing.shown import describe_forecast
from datacleanse.option_names import speak_python


@dataclass(frozen=True, repr=False)
class Forecast:
    """What an audit would take, told before it is begun.

    The last line of a notebook's cell shows it in words, and so does ``print``. How near forecasts
    come is measured by `benchmarks.cost.forecast`.
    """

    rows: int
    """N, of DATA."""
    clean_rows: int
    """Verified rows."""
    features: int | None
    """Numbers and codes that the network reads of a row; None: pictures."""
    classes: int
    """C; 0 where labels are numbers."""
    reweighted: int
    """Networks that would be trained with learned weights, in repeated runs too."""
    plain: int
    """Networks that would be trained plainly, the final one among them."""
    epochs: int
    """Passes of each over its rows."""
    steps: int
    """Steps of a pass."""
    side_by_side: int
    """Networks, and second opinions, that would be at work at a time."""
    device: str
    """What the networks would be trained on."""
    seconds: float
    """Wall time, in seconds: on the command line of the whole program, reports too; in Python of
    the call of `datacleanse.audit`."""
    memory_bytes: int
    """Largest memory of all its processes together, in bytes; this one as it is now, too."""
    disk_bytes: int
    """Size of the run folder, in bytes."""
    scratch_bytes: int
    """Bytes on its disk that are wanted besides, as long as it runs."""

    def to_json(self) -> dict[str, Any]:
        """Return all as plain values."""
        return asdict(self)

    def __repr__(self) -> str:
        return speak_python(describe_forecast(self))
