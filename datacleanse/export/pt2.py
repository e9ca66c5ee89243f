"""`--format pt2`: the network with its encoding as a torch.export program, for any batch."""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.export import Dim

from datacleanse.atomic import check_place, written_aside
from datacleanse.errors import OutputError
from datacleanse.export.raw_network import RawNetwork, coded
from datacleanse.export.safetensors_file import description
from datacleanse.export.samples import check_agreement, sample_rows_of
from datacleanse.raw_columns import raw_columns

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from datacleanse.export.interface import FinishedRun

DESCRIBED = "model.json"
"""The description's name among the program's extra files."""


@dataclass(frozen=True)
class Pt2Format:
    """See the module."""

    name: str = "pt2"
    default_target: str = "model.pt2"

    def check(self, target: Path) -> None:
        """See `ExportFormat`."""
        check_place(target)

    def write(self, run: FinishedRun, target: Path) -> tuple[str, ...]:
        """See `ExportFormat`."""
        predictor, samples = run.predictor, sample_rows_of(run)
        batches = [coded(raw_columns(rows), predictor.encoding) for rows in samples]
        whole = RawNetwork(predictor.network.cpu(), predictor.schema, predictor.encoding)
        content = io.BytesIO()
        program = _traced(whole.eval().requires_grad_(False), batches[-1])
        described = json.dumps(description(run), ensure_ascii=False, allow_nan=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tensors on devices that are not in use
            torch.export.save(program, content, extra_files={DESCRIBED: described})
        content.seek(0)
        module = torch.export.load(content).module()
        with torch.no_grad():
            for rows, batch in zip(samples, batches, strict=True):
                expected = predictor.probabilities(rows)
                check_agreement(self.name, expected, module(batch).numpy())
        with written_aside(target) as aside:
            aside.write_bytes(content.getvalue())
        tried = sum(rows.n_rows for rows in samples)
        return (f"It agrees with the run's own predictions on {tried:,} rows.",)


def _traced(whole: RawNetwork, batch: dict[str, Tensor]) -> torch.export.ExportedProgram:
    """The program.

    Raises:
        OutputError: torch cannot trace a network of the user's own.
    """
    rows = Dim("rows")
    shapes = {name: {0: rows} for name in batch}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own deprecations
            return torch.export.export(whole, (batch,), dynamic_shapes=(shapes,))
    except Exception as error:  # torch raises its own kinds, many of them
        raise untraceable("pt2", error) from error


def untraceable(name: str, error: Exception) -> OutputError:
    """The error for a network that torch cannot follow."""
    last = " ".join(str(error).split())[:300]
    return OutputError(
        f"torch cannot trace this network for {name} ({type(error).__name__}: {last}).",
        slug="export-untraceable",
        hint="Export it with --format safetensors, or write its forward pass without Python "
        "control flow that depends on values or on the number of rows.",
    )
