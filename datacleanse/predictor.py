"""A trained network with its preprocessing: saved as safetensors and JSON, no pickle anywhere."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes

from datacleanse.atomic import written_aside
from datacleanse.data import read_like
from datacleanse.encode import Encoding, encode
from datacleanse.errors import RunFolderError
from datacleanse.models.tabular import TabularNetwork, TabularShape
from datacleanse.records import Column, Dataset, Schema, SetAside
from datacleanse.train import logits_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from datacleanse.data import Source

FORMAT_VERSION = 1
"""Of `model.json`.

1: first version.
"""

PARAMETERS = "model.safetensors"
DESCRIPTION = "model.json"


@dataclass(frozen=True)
class Predictor:
    """Classifies new rows."""

    network: TabularNetwork
    encoding: Encoding
    schema: Schema

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities' columns."""
        return self.schema.classes

    def predict_proba(self, source: Source) -> NDArray[np.float64]:
        """Class probabilities of each row of a file or frame: (n, C), rows sum to 1.

        Raises:
            InputError: a column is missing or of another kind than in DATA.
        """
        return self.probabilities(read_like(source, self.schema, role="NEW"))

    def predict(self, source: Source) -> NDArray[np.object_]:
        """Likeliest class name of each row: (n,) strings."""
        names = np.array(self.classes, dtype=object)
        result: NDArray[np.object_] = names[self.predict_proba(source).argmax(axis=1)]
        return result

    def probabilities(self, data: Dataset) -> NDArray[np.float64]:
        """As `predict_proba`, for rows that are read already."""
        device = next(self.network.parameters()).device
        inputs = torch.from_numpy(encode(data, self.encoding)).to(device)
        logits = logits_of(self.network, inputs).double()
        result: NDArray[np.float64] = torch.softmax(logits, dim=1).cpu().numpy()
        return result

    def save(self, directory: Path) -> None:
        """Write `model.safetensors` and `model.json`."""
        tensors = {k: v.cpu().contiguous() for k, v in self.network.state_dict().items()}
        with written_aside(directory / PARAMETERS) as aside:
            # Not by safetensors: its errors do not tell a full disk from a bug.
            aside.write_bytes(to_bytes(tensors))
        description = {
            "format_version": FORMAT_VERSION,
            "architecture": {"name": "tabular", **self.network.shape.to_json()},
            "encoding": self.encoding.to_json(),
            "schema": asdict(self.schema),
        }
        with written_aside(directory / DESCRIPTION) as aside:
            text = json.dumps(description, ensure_ascii=False, allow_nan=False)
            aside.write_text(text + "\n", encoding="utf-8")


def load_predictor(directory: Path) -> Predictor:
    """Inverse of `Predictor.save`; executes nothing from the files.

    Raises:
        RunFolderError: a file is missing, damaged or of a later version.
    """
    try:
        description = json.loads((directory / DESCRIPTION).read_text(encoding="utf-8"))
        _check_version(directory, description)
        architecture = {k: v for k, v in description["architecture"].items() if k != "name"}
        network = TabularNetwork(TabularShape.from_json(architecture))
        network.load_state_dict(load_file(directory / PARAMETERS))
        encoding = Encoding.from_json(description["encoding"])
        schema = _schema(description["schema"])
    except RunFolderError:
        raise
    except Exception as error:  # safetensors and torch raise their own kinds
        raise RunFolderError(
            f"The model in {directory} is missing or damaged ({type(error).__name__}: {error}).",
            slug="model-damaged",
            hint="Repeat the audit.",
        ) from error
    return Predictor(network.eval(), encoding, schema)


def _check_version(directory: Path, description: dict[str, Any]) -> None:
    version = description["format_version"]
    if version > FORMAT_VERSION:
        raise RunFolderError(
            f"The model in {directory} has format {version}; this program reads up to "
            f"{FORMAT_VERSION}.",
            slug="model-newer",
            hint="Update datacleanse: pip install -U datacleanse.",
        )


def _schema(saved: dict[str, Any]) -> Schema:
    return Schema(
        label=saved["label"],
        id=saved["id"],
        classes=tuple(saved["classes"]),
        columns=tuple(Column(**column) for column in saved["columns"]),
        set_aside=tuple(SetAside(**column) for column in saved["set_aside"]),
    )
