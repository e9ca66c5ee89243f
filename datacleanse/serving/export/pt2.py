"""`--format pt2`: the network with its encoding as a torch.export program, for any batch."""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.export import Dim

from datacleanse.errors import OutputError
from datacleanse.models.number_predictor import NumberImagePredictor, NumberPredictor
from datacleanse.models.predictor import ImagePredictor
from datacleanse.serving.export.interface import refuse_pretrained, refuse_text
from datacleanse.serving.export.raw_network import (
    Numbers,
    Probabilities,
    RawNetwork,
    code_categories,
)
from datacleanse.serving.export.safetensors_file import describe_model
from datacleanse.serving.export.samples import (
    check_agreement,
    choose_tolerance,
    make_sample_images,
    read_sample_rows,
)
from datacleanse.serving.raw_columns import read_raw_columns
from datacleanse.storage.atomic_files import check_place, write_aside
from datacleanse.storage.damage import say_on_one_line

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from datacleanse.serving.export.interface import FinishedRun

    Batch = Tensor | dict[str, Tensor]

DESCRIBED = "model.json"
"""The description's name among the program's extra files."""


@dataclass(frozen=True)
class Pt2Format:
    """One torch.export program from raw columns to class probabilities or numbers."""

    name: str = "pt2"
    default_target: str = "model.pt2"

    def check(self, target: Path) -> None:
        """Refuse a place where no file can be written."""
        check_place(target)

    def list_beside(self, target: Path) -> tuple[Path, ...]:
        """Nothing."""
        del target
        return ()

    def write(self, run: FinishedRun, target: Path) -> tuple[str, ...]:
        """Write the program if it does what the run does; say on what that was tried."""
        trial = _make_trial(run)
        content = io.BytesIO()
        program = _trace(trial.whole.eval().requires_grad_(False), trial.batches[-1])
        described = json.dumps(describe_model(run), ensure_ascii=False, allow_nan=False)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tensors on devices that are not in use
            torch.export.save(program, content, extra_files={DESCRIBED: described})
        content.seek(0)
        module = torch.export.load(content).module()
        with torch.no_grad():
            for batch, expected in zip(trial.batches, trial.expected, strict=True):
                found = module(batch).numpy()
                check_agreement(self.name, expected, found, tolerance=trial.tolerance)
        with write_aside(target) as aside:
            aside.write_bytes(content.getvalue())
        tried = sum(len(each) for each in trial.expected)
        return (f"It agrees with the run's own predictions on {tried:,} examples.",)


@dataclass(frozen=True)
class _Trial:
    """What is exported, and what it must do."""

    whole: nn.Module
    batches: list[Batch]
    """Inputs; the last is traced with."""
    expected: list[NDArray[np.float64]]
    """What the run itself says of each batch: (n, C) probabilities, or (n,) numbers."""
    tolerance: float
    """See `choose_tolerance`."""


def _make_trial(run: FinishedRun) -> _Trial:
    predictor = refuse_pretrained(Pt2Format().name, run.predictor)
    network, tolerance = predictor.network.cpu(), choose_tolerance(predictor)
    last = (
        Numbers(predictor.label)
        if isinstance(predictor, NumberPredictor | NumberImagePredictor)
        else Probabilities()
    )
    if isinstance(predictor, ImagePredictor | NumberImagePredictor):
        images = make_sample_images(predictor)
        expected = predictor.answer(images)
        whole = nn.Sequential(network, last)
        return _Trial(whole, [torch.from_numpy(images)], [expected], tolerance)
    refuse_text(Pt2Format().name, predictor.schema)
    samples = read_sample_rows(run, predictor)
    return _Trial(
        RawNetwork(network, last, predictor.schema, predictor.encoding),
        [code_categories(read_raw_columns(rows), predictor.encoding) for rows in samples],
        [predictor.answer(rows) for rows in samples],
        tolerance,
    )


def _trace(whole: nn.Module, batch: Batch) -> torch.export.ExportedProgram:
    """The program.

    Raises:
        OutputError: torch cannot trace a network of the user's own.
    """
    rows = {0: Dim("rows")}
    shapes = dict.fromkeys(batch, rows) if isinstance(batch, dict) else rows
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own deprecations
            return torch.export.export(whole, (batch,), dynamic_shapes=(shapes,))
    except Exception as error:  # torch raises its own kinds, many of them
        raise name_untraceable("pt2", error) from error


def name_untraceable(name: str, error: Exception) -> OutputError:
    """The error for a network that torch cannot follow."""
    return OutputError(
        f"torch cannot trace this network for {name} ({type(error).__name__}: "
        f"{say_on_one_line(error)}).",
        slug="export-untraceable",
        hint="Export it with --format safetensors, or write its forward pass without Python "
        "control flow that depends on values or on the number of rows.",
    )
