"""What a training needs to go on as if never interrupted: one file a training, no pickle anywhere.

The file is safetensors with a JSON description in its header, written aside and renamed, so that a
run killed at any moment finds a whole one.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from torch import Tensor

from datacleanse.errors import DatacleanseError, RunFolderError, is_shortage
from datacleanse.storage.atomic_files import make_own_folder, write_aside
from datacleanse.storage.damage import say_on_one_line
from datacleanse.storage.mapped_files import copy_rows, is_kept_on_disk, release_mapped
from datacleanse.storage.typed_json import (
    Count,
    Number,
    UnexpectedValueError,
    from_json,
    parse_json,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO

FORMAT_VERSION = 2
"""Version of the checkpoint files.

1: first version.
2: with the batch size, and the rows done in the epoch.
"""

Identity = dict[str, Any]
"""What a run is of, by the names that users know; plain values. See `check_identity`."""

FILES = ("DATA", "CLEAN")
VERSIONS = ("datacleanse", "torch")
NETWORK = "network"
ROWS = "encoded rows"
"""Keys of an `Identity`; all others are settings."""

_KEY = "datacleanse"
_TENSOR = "__tensor__"
_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}
"""Names of the safetensors format."""
_WRITE_BLOCK = 1 << 20
"""Values written at a time."""
_DIGEST_BLOCK = 1 << 16
"""Rows hashed at a time, so that those on a GPU need no copy of all."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state of one training between two batches.

    The mappings hold tensors, plain values, and mappings and lists of them. Tensors may be the
    living ones: write them before the next step.
    """

    epochs: int
    """Epochs finished."""
    batches: int
    """Batches finished in the epoch after those; 0 at an epoch's end."""
    rows: int
    """Rows in those batches: the first ones of ``order``."""
    batch_size: int
    """Rows a step; less than was asked for where more did not fit into memory."""
    steps: int
    """Batches since the training began."""
    skipped: int
    """Steps among them that updated nothing."""
    losses: list[float | None]
    """Mean loss over the training rows by finished epoch, nats; None: not finite."""
    trusted_losses: list[float | None]
    """Mean loss over the steering rows by finished epoch, nats; None: not finite."""
    network: Mapping[str, Tensor]
    """Parameters and buffers by name."""
    optimiser: Mapping[str, Any]
    """The optimiser's state by the parameter's number."""
    rule: Mapping[str, Any]
    """What the rule has learned."""
    direction: Mapping[str, Any]
    """The trusted gradient, where it serves several steps, and its age."""
    generators: Mapping[str, Tensor]
    """States of the random generators: ``batches``, ``cpu`` and, on a GPU, ``cuda``."""
    recorder: Mapping[str, Any]
    """What training has shown of each example so far."""
    order: Tensor | None
    """(K,) the epoch's order of training rows; None at an epoch's end."""


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoint files of a run, one a training."""

    directory: Path
    """Folder that holds them."""
    identity: Identity
    """What the present run is of; a file of another one is refused."""

    def save(self, name: str, checkpoint: Checkpoint) -> None:
        """Replace the training's checkpoint; the one before stays until this one is whole.

        Raises:
            OutputError: it cannot be written.
        """
        tensors: dict[str, Tensor] = {}
        state = {
            field.name: _pack(getattr(checkpoint, field.name), field.name, tensors)
            for field in fields(checkpoint)
        }
        described = {"version": FORMAT_VERSION, "identity": self.identity, "state": state}
        text = json.dumps(described, ensure_ascii=False, allow_nan=False)
        make_own_folder(self.directory)
        with (
            write_aside(self._find_file(name), outlives_power=False) as aside,
            aside.open("wb") as handle,
        ):
            _write(handle, tensors, {_KEY: text})

    def load(self, name: str) -> Checkpoint | None:
        """The training's last checkpoint; None where there is none.

        Raises:
            RunFolderError: it is damaged, of another version or of another run.
        """
        path = self._find_file(name)
        if not path.exists():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                plain = parse_json((file.metadata() or {}).get(_KEY, "").encode(), is_strict=True)
                _check_format(path, from_json(_Version, plain).version)
                described = from_json(_Described, plain)
                check_identity(described.identity, self.identity, path)
                state = {
                    key: _unpack(value, file.get_tensor) for key, value in described.state.items()
                }
            return _make_checkpoint(described.state, state)
        except DatacleanseError:
            raise
        except Exception as error:  # safetensors raises its own kinds
            if is_shortage(error):
                raise
            raise self.make_damage_error(name, error) from error

    def read_batch_size(self, name: str) -> int | None:
        """Rows a step of the training's last checkpoint; None where there is none to be read."""
        try:
            with safe_open(self._find_file(name), framework="pt") as file:
                plain = parse_json((file.metadata() or {}).get(_KEY, "").encode(), is_strict=True)
            return from_json(_Described, plain).read_batch_size()
        except Exception:  # safetensors raises its own kinds; `load` says what is wrong
            return None

    def make_damage_error(self, name: str, error: Exception) -> RunFolderError:
        """The error for a training's checkpoint that cannot be gone on with."""
        return RunFolderError(
            f"The checkpoint {self._find_file(name)} is damaged: {say_on_one_line(error)}.",
            slug="checkpoint-damaged",
            hint="Start the audit anew, with --force instead of --resume.",
        )

    def _find_file(self, name: str) -> Path:
        return self.directory / f"{name}.safetensors"


@dataclass(frozen=True)
class _Version:
    """What is read of the description of any version."""

    version: Number


@dataclass(frozen=True)
class _Described:
    """What the header of a file says."""

    identity: dict[str, object]
    state: dict[str, object]

    def read_batch_size(self) -> int | None:
        """Rows a step; None where there is no such number."""
        found = self.state.get("batch_size")
        return found if isinstance(found, int) and found > 0 else None


@dataclass(frozen=True)
class _Counts:
    """The plain values of a checkpoint; see `Checkpoint`."""

    epochs: Count
    batches: Count
    rows: Count
    batch_size: Number
    steps: Count
    skipped: Count
    losses: tuple[float | None, ...]
    trusted_losses: tuple[float | None, ...]


def _make_checkpoint(plain: dict[str, object], state: dict[str, Any]) -> Checkpoint:
    """The checkpoint of a description, and of the same with its tensors.

    Raises:
        UnexpectedValueError: a part of it is missing or of another kind.
    """
    counts = from_json(_Counts, plain, "state")
    order = state.get("order")
    if "order" not in state or not (order is None or isinstance(order, Tensor)):
        raise _make_part_error("order")
    for name in ("network", "optimiser", "rule", "direction", "generators", "recorder"):
        if not isinstance(state.get(name), dict):
            raise _make_part_error(name)
    return Checkpoint(
        epochs=counts.epochs,
        batches=counts.batches,
        rows=counts.rows,
        batch_size=counts.batch_size,
        steps=counts.steps,
        skipped=counts.skipped,
        losses=list(counts.losses),
        trusted_losses=list(counts.trusted_losses),
        network=state["network"],
        optimiser=state["optimiser"],
        rule=state["rule"],
        direction=state["direction"],
        generators=state["generators"],
        recorder=state["recorder"],
        order=order,
    )


def _make_part_error(name: str) -> UnexpectedValueError:
    return UnexpectedValueError(f"state.{name} is not what a training saves there")


def digest(*tensors: Tensor) -> str:
    """sha256 (hex) of tensors' shapes, types and bytes."""
    result = hashlib.sha256()
    for tensor in tensors:
        result.update(f"{tensor.dtype} {tuple(tensor.shape)}".encode())
        for block in tensor.split(_DIGEST_BLOCK):
            result.update(_view_bytes(block))
            release_mapped()
    return result.hexdigest()


def check_identity(saved: Identity, present: Identity, place: Path) -> None:
    """Refuse to go on with a run of other data, settings or versions.

    Raises:
        RunFolderError: they differ; it names what differs first.
    """
    present = json.loads(json.dumps(present))
    for key in sorted(present.keys() | saved.keys(), key=_order_key):
        # The digest of the rows is known only once they are encoded.
        if key == ROWS and not (key in saved and key in present):
            continue
        if saved.get(key) != present.get(key):
            raise _refuse(key, saved.get(key), present.get(key), place)


def _order_key(key: str) -> tuple[int, str]:
    """Versions and files first: where they differ, so may the rest."""
    order = (*VERSIONS, *FILES)
    late = (NETWORK, ROWS)
    return (order.index(key) if key in order else len(order) + (key in late), key)


def _refuse(key: str, saved: object, present: object, place: Path) -> RunFolderError:
    anew = "start anew with --force instead of --resume."
    if key in VERSIONS:
        before = say_on_one_line(str(saved))
        return RunFolderError(
            f"{place} was begun with {key} {before}; this is {key} {present}.",
            slug="checkpoint-other-version",
            hint=f"Go on with {key} {before}, or {anew}",
        )
    if key in FILES:
        return RunFolderError(
            f"{place} is of another {key}: its content has changed since the run was begun.",
            slug="checkpoint-other-data",
            hint=f"Give the {key} that the run was begun with, or {anew}",
        )
    if key == NETWORK:
        return RunFolderError(
            f"{place} was begun with another network: its layers or their sizes have changed.",
            slug="checkpoint-other-network",
            hint=f"Go on with the network that the run was begun with, or {anew}",
        )
    if key == ROWS:
        return RunFolderError(
            f"{place} is of other rows: DATA and CLEAN are encoded differently here, though the "
            "files are the same.",
            slug="checkpoint-other-data",
            hint=f"Go on with the libraries that the run was begun with, or {anew}",
        )
    return RunFolderError(
        f"{place} was begun with {say_on_one_line(key)} {_show(saved)}; now it is "
        f"{_show(present)}.",
        slug="checkpoint-other-settings",
        hint=f"Give the options that the run was begun with, or {anew}",
    )


def _show(value: object) -> str:
    return "not given" if value in (None, []) else say_on_one_line(repr(value))


def _check_format(path: Path, version: int) -> None:
    if version != FORMAT_VERSION:
        raise RunFolderError(
            f"The checkpoint {path} has format {version}; this program reads {FORMAT_VERSION}.",
            slug="checkpoint-other-version",
            hint="Go on with the version of datacleanse that the run was begun with, or start "
            "anew with --force instead of --resume.",
        )


def _pack(value: Any, path: str, tensors: dict[str, Tensor]) -> Any:  # noqa: ANN401  # JSON
    """Plain JSON, in which the tensors, collected aside, are named by their path."""
    if isinstance(value, Tensor):
        tensors[path] = value
        return {_TENSOR: path}
    if isinstance(value, list | tuple):
        return [_pack(each, f"{path}/{i}", tensors) for i, each in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return {str(key): _pack(each, f"{path}/{key}", tensors) for key, each in value.items()}


def _unpack(value: Any, tensor: Any) -> Any:  # noqa: ANN401  # JSON, and a method of safetensors
    """Inverse of `_pack`; tensors are copied, so that the file can be replaced."""
    if isinstance(value, list):
        return [_unpack(each, tensor) for each in value]
    if isinstance(value, dict):
        if value.keys() == {_TENSOR}:
            found = tensor(value[_TENSOR])
            if is_kept_on_disk(found.nbytes):
                return torch.from_numpy(copy_rows(found.numpy()))
            return found.clone()
        return {key: _unpack(each, tensor) for key, each in value.items()}
    return value


def _write(handle: BinaryIO, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    """Write the safetensors format a tensor at a time; its own library copies all of them twice.

    An 8-byte length, a JSON header with the place of each tensor, then their bytes.
    """
    header: dict[str, Any] = {"__metadata__": metadata}
    end = 0
    for name, tensor in tensors.items():
        start, end = end, end + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": _DTYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # so that the tensors are aligned
    handle.write(len(text).to_bytes(8, "little") + text)
    for tensor in tensors.values():
        for block in tensor.reshape(-1).split(_WRITE_BLOCK):
            handle.write(_view_bytes(block))
            release_mapped()


def _view_bytes(tensor: Tensor) -> memoryview:
    if not tensor.numel():
        # Of no elements torch makes no view of another type.
        return memoryview(b"")
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data
