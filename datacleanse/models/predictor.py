"""A trained network with its preprocessing: saved as safetensors and JSON, no pickle anywhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from datacleanse.data import read_new_rows
from datacleanse.data.label_types import type_schema_classes
from datacleanse.errors import InputError
from datacleanse.models.encoding import Encoding, encode
from datacleanse.models.inference import compute_finite, compute_logits
from datacleanse.models.model_files import FORMAT_VERSION, save_description, save_parameters
from datacleanse.models.user_network import UserNetwork, make_probe_rows
from datacleanse.thread_limit import use_one_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from datacleanse.data import AllowedValues, KnownValues, Source
    from datacleanse.models.frozen_network import Backbone
    from datacleanse.models.residual import ResidualNetwork
    from datacleanse.models.tabular import TabularNetwork
    from datacleanse.records import Dataset, Schema

PROBE_TOLERANCE = 1e-3
"""Largest difference of a network's outputs from those when it was saved, over their largest: what
another processor may do, far below what another network does."""

IMAGES_AT_ONCE = 1024
"""That a network classifies; a batch of them lies in memory as numbers."""

RESIZE = "the whole image onto width x height, bilinear with antialiasing"
"""How images become as large as the network's input, for people who read `model.json`."""

SHOWN = 20
"""Classes and columns that are named."""


@dataclass(frozen=True)
class Predictor:
    """Classifies new rows."""

    network: TabularNetwork | UserNetwork
    """In evaluation mode; encoded rows (n, F) to logits (n, C)."""
    encoding: Encoding
    """From columns to what the network reads."""
    schema: Schema
    """DATA's columns and classes."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities' columns."""
        return self.schema.classes

    @property
    def known(self) -> tuple[KnownValues, ...]:
        """What was learned of each column's values."""
        return self.encoding.list_known()

    def predict_proba(self, source: Source, *, allow_unknown: bool = False) -> NDArray[np.float64]:
        """Class probabilities of each row of a file or frame: (n, C), rows sum to 1.

        Values that are unknown, unreadable or missing where none was are told by `DataWarning`.

        Args:
            source: new rows, labels are not needed.
            allow_unknown: whether rows are classified although a column holds no value that can be
                read or is known; it counts as missing then.

        Raises:
            InputError: a column is missing, of another kind than in DATA, or not DATA's; or none of
                its values is known, and that is not to be allowed.
        """
        allowed: AllowedValues = "any" if allow_unknown else "known"
        rows = read_new_rows(source, self.schema, self.known, allowed=allowed)
        return self.answer(rows)

    def predict(self, source: Source, *, allow_unknown: bool = False) -> NDArray[Any]:
        """Likeliest class of each row, (n,), in the type of DATA's labels.

        Arguments as for `predict_proba`. Of labels in a pandas categorical the values come back,
        and of a CSV whole numbers or booleans where all labels look so.
        """
        probabilities = self.predict_proba(source, allow_unknown=allow_unknown)
        return choose_likeliest(self.schema, probabilities)

    def answer(self, data: Dataset) -> NDArray[np.float64]:
        """Class probabilities of rows that are read already: (n, C), rows sum to 1."""
        inputs = torch.from_numpy(encode(data, self.encoding)).to(_find_device(self.network))
        return _work_out_probabilities(self.network, inputs)

    def _repr_html_(self) -> str:
        return render_model(_describe_network(self.network), self.schema)

    def render(self, facts: Sequence[tuple[str, str]]) -> str:
        """HTML on the network for a notebook, with facts in the place of its columns."""
        schema = replace(self.schema, columns=(), set_aside=())
        return render_model(_describe_network(self.network), schema, facts)

    def save(
        self,
        directory: Path,
        backbone: Backbone | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        """Write `model.safetensors` and `model.json`.

        Args:
            directory: to write to.
            backbone: the pretrained network whose features the columns are; None: there is none.
            about: what else `model.json` is to say.
        """
        said = {
            **(about or {}),
            **({} if backbone is None else {"backbone": backbone.to_json()}),
            "encoding": self.encoding.to_json(),
            "schema": asdict(self.schema),
            "probe": self._probe().tolist(),
        }
        beside = {k: torch.from_numpy(v) for k, v in self.encoding.name_tensors().items()}
        _save(self.network, said, directory, beside)

    def _probe(self) -> Tensor:
        """(2, C) logits of made rows: they tell whether this is the network that was saved."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            rows = make_probe_rows(self.encoding).to(_find_device(self.network))
            return compute_logits(self.network, rows).cpu()

    def check_probe(self, saved: Sequence[Sequence[float]]) -> bool:
        """Whether the network gives the logits that it gave when it was saved."""
        before, now = torch.tensor(saved), self._probe()
        return bool(((now - before).abs() <= PROBE_TOLERANCE * (1 + before.abs().max())).all())


@dataclass(frozen=True)
class ImagePredictor:
    """Classifies new images, decoded and scaled as those of the audit were."""

    network: ResidualNetwork
    """In evaluation mode; images (n, C, H, W) to logits (n, K)."""
    schema: Schema
    """DATA's classes; without columns."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the probabilities' columns."""
        return self.schema.classes

    @property
    def size(self) -> tuple[int, int, int]:
        """(C, H, W) that images must have: 1 or 3 channels, height and width in pixels."""
        return self.network.size

    def predict_proba(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Class probabilities of images (n, C, H, W), 0 (black) to 255: (n, K), rows sum to 1.

        Raises:
            InputError: they are no such array, or of another size.
        """
        result = np.empty((len(images), len(self.classes)))
        for start, part in list_portions(self.network, images):
            result[start : start + len(part)] = _work_out_probabilities(self.network, part)
        return result

    def answer(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """As `predict_proba`: every model has this name for what it says of what is read."""
        return self.predict_proba(images)

    def predict(self, images: NDArray[np.uint8]) -> NDArray[Any]:
        """Likeliest class of each image, (n,), in the type of DATA's labels."""
        return choose_likeliest(self.schema, self.predict_proba(images))

    def _repr_html_(self) -> str:
        channels, height, width = self.size
        colours = "grey" if channels == 1 else "colour"
        reads = ("Reads", f"{colours} pictures of {width} × {height} pixels")
        return render_model(_describe_network(self.network), self.schema, [reads])

    def save(self, directory: Path, about: Mapping[str, Any] | None = None) -> None:
        """Write `model.safetensors` and `model.json`; ``about``: what else that is to say."""
        said = {**(about or {}), "resize": RESIZE, "schema": asdict(self.schema)}
        _save(self.network, said, directory)


def list_portions(
    network: ResidualNetwork, images: NDArray[np.uint8]
) -> Iterator[tuple[int, Tensor]]:
    """Images (n, C, H, W) in portions that fit into memory, each with its first position.

    Raises:
        InputError: they are no such array, or of another size than the network reads.
    """
    check_images(images, network.size)
    device = _find_device(network)
    for start in range(0, len(images), IMAGES_AT_ONCE):
        # A copy: torch warns of arrays that it could not write to.
        yield start, torch.from_numpy(np.array(images[start : start + IMAGES_AT_ONCE])).to(device)


def check_images(images: NDArray[np.uint8], size: tuple[int, int, int]) -> None:
    """See that images are bytes of a size (C, H, W), (n, C, H, W) in all.

    Raises:
        InputError: they are not.
    """
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8:
        met = images.dtype if isinstance(images, np.ndarray) else type(images).__name__
        raise InputError(
            f"The images are {met}, not an array of bytes.",
            slug="images-kind",
            hint="Give a NumPy array of uint8 with values from 0 to 255.",
        )
    if images.ndim != 4 or images.shape[1:] != size:
        wanted = ", ".join(map(str, size))
        raise InputError(
            f"The images are an array of {images.shape}; the network was trained on (n, {wanted}).",
            slug="images-size",
            hint=f"Scale them to {wanted} (channels, height, width).",
        )


def _work_out_probabilities(network: nn.Module, inputs: Tensor) -> NDArray[np.float64]:
    """(n, C) class probabilities, worked out in float64; rows sum to 1.

    Raises:
        ModelError: the network gives NaN or infinity.
    """
    with use_one_thread():  # as in the audit, so that the same rows have the same digits
        logits = compute_finite(network, inputs, what="no class could be told")
    result: NDArray[np.float64] = torch.softmax(logits, dim=1).cpu().numpy()
    return result


def choose_likeliest(schema: Schema, probabilities: NDArray[np.float64]) -> NDArray[Any]:
    """(n,) likeliest class, as labels are typed, of each row of (n, C) probabilities."""
    result: NDArray[Any] = type_schema_classes(schema)[probabilities.argmax(axis=1)]
    return result


def _describe_network(network: nn.Module) -> str:
    n = sum(parameter.numel() for parameter in network.parameters())
    return f"{type(network).__name__}, {n:,} parameters"


def _find_device(network: nn.Module) -> torch.device:
    return next(network.parameters()).device


def _save(
    network: TabularNetwork | UserNetwork | ResidualNetwork,
    about: dict[str, Any],
    directory: Path,
    beside: Mapping[str, Tensor] | None = None,
) -> None:
    """Write the parameters, and the description: version, architecture, and what is about both."""
    save_parameters(network, directory, beside)
    description = {
        "format_version": FORMAT_VERSION,
        "architecture": network.describe_architecture(),
        **about,
    }
    save_description(description, directory)


def render_model(network: str, schema: Schema, beside: Sequence[tuple[str, str]] = ()) -> str:
    """A model as a piece of HTML: what it tells apart, and what it reads.

    Args:
        network: what it is, in a few words.
        schema: of the data that it was made from.
        beside: further lines, each with its title.
    """
    lines = [
        ("Predicts", f"{schema.label or 'the class'}: {_name(schema.classes)}"),
        *([("Reads", _name([each.name for each in schema.columns]))] if schema.columns else []),
        *([("Set aside", _name([e.name for e in schema.set_aside]))] if schema.set_aside else []),
        *beside,
    ]
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;vertical-align:top">{escape(title)}</th>'
        f'<td style="text-align:left">{escape(_show(text))}</td></tr>'
        for title, text in lines
    )
    return f"<div><p><strong>{escape(_show(network))}</strong></p><table>{rows}</table></div>"


def _name(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _show(text: str) -> str:
    """Text without characters that hide or turn what stands around them."""
    return "".join(sign if sign.isprintable() else f"\\x{ord(sign):02x}" for sign in text)
