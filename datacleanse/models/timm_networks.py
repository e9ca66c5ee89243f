"""Pretrained networks of the timm library: with weights from a file, or with timm's own.

No pickled code is run: weights are safetensors, or what torch loads with ``weights_only``. Timm's
own come by timm's own means, from the cache of the hub or over the network.
"""

from __future__ import annotations

import hashlib
import pickle
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from datacleanse.errors import SettingsError
from datacleanse.models.frozen_network import Backbone, FrozenNetwork, Scaling
from datacleanse.settings import TIMM
from datacleanse.storage.damage import say_on_one_line

if TYPE_CHECKING:
    from types import ModuleType

    from torch import Tensor, nn

_USUAL = (0.5, 0.5, 0.5)
"""Mean and deviation of the pixels where timm tells none."""

_UNTOLD = "not told by timm"

_DATA = {"in1k": "ImageNet-1k", "in12k": "ImageNet-12k", "in21k": "ImageNet-21k"}
"""Endings of timm's tags, as people call the data."""


def open_timm(model: str, weights: str | None, device: torch.device) -> FrozenNetwork:
    """Open a network without its head.

    Args:
        model: ``timm:NAME``.
        weights: file with the network's parameters; None: timm's own.
        device: to run on.

    Raises:
        SettingsError: timm is not installed, knows no such network, the file does not hold its
            parameters, or timm's own cannot be had.
    """
    name = model.removeprefix(TIMM)
    timm = _import_timm(name)
    network = _create_network(timm, name) if weights else _create_pretrained(timm, name)
    config: dict[str, Any] = getattr(network, "pretrained_cfg", None) or {}
    if weights:
        heads = config.get("classifier") or ()
        heads = (heads,) if isinstance(heads, str) else tuple(heads)
        _load_parameters(network, Path(weights), heads, name)
    size = config.get("input_size") or (3, 224, 224)
    scaling = Scaling(*(tuple(config.get(key) or _USUAL) for key in ("mean", "std")))
    backbone = Backbone(
        name=model,
        title=f"timm's {name}",
        licence=_UNTOLD if weights else str(config.get("license") or _UNTOLD),
        trained_on="data that its file does not tell" if weights else _name_data(config),
        sha256=_digest(network.state_dict()),
        side=int(size[1]),
    )
    return FrozenNetwork(network, network, backbone, scaling, device)


def _name_data(config: dict[str, Any]) -> str:
    """The data that timm's own parameters were learned from, by the tag that timm gives them."""
    tag = str(config.get("tag") or "")
    if not tag:
        return "data that timm does not tell"
    known = [_DATA[part] for part in tag.split("_") if part in _DATA]
    return f"{' and '.join(known)} (timm's tag {tag})" if known else f"timm's tag {tag}"


def _digest(state: dict[str, Tensor]) -> str:
    """The sha256 (hex) of parameters: names and bytes."""
    result = hashlib.sha256()
    for key, values in sorted(state.items()):
        result.update(f"{key} {values.dtype} {tuple(values.shape)}".encode())
        flat = values.detach().cpu().contiguous().reshape(-1)
        result.update(flat.view(torch.uint8).numpy().data)
    return result.hexdigest()


def _import_timm(name: str) -> ModuleType:
    try:
        import timm
    except ImportError as error:
        raise SettingsError(
            f"--model {TIMM}{name} needs the library timm, which is not installed.",
            slug="timm-missing",
            hint="Install it: pip install 'datacleanse[timm]'.",
        ) from error
    return cast("ModuleType", timm)


def _create_network(timm: ModuleType, name: str) -> nn.Module:
    """Create it with random parameters."""
    _check_name(timm, name)
    try:
        return cast("nn.Module", timm.create_model(name, pretrained=False, num_classes=0))
    except Exception as error:  # timm raises several kinds
        raise _make_unknown_error(name, f" ({say_on_one_line(error)})", "") from error


def _create_pretrained(timm: ModuleType, name: str) -> nn.Module:
    """Create it with timm's own parameters."""
    _check_name(timm, name)
    if not timm.is_model_pretrained(name):
        raise SettingsError(
            f"timm has no weights of its own for {name!r}.",
            slug="weights-not-given",
            hint="Give a file with the network's parameters: --weights FILE.",
        )
    try:
        return cast("nn.Module", timm.create_model(name, pretrained=True, num_classes=0))
    except Exception as error:  # of timm, of the hub, of its network library
        raise _make_not_had_error(name, error) from error


def _check_name(timm: ModuleType, name: str) -> None:
    """Refuse a name that timm does not know, and name those like it."""
    if not timm.is_model(name):
        known = timm.list_models()
        close = get_close_matches(name, known, n=3) or get_close_matches(
            name.partition(".")[0], known, n=3, cutoff=0.4
        )
        raise _make_unknown_error(name, "", f"Did you mean {', '.join(close)}? " if close else "")


def _make_unknown_error(name: str, why: str, meant: str) -> SettingsError:
    return SettingsError(
        f"timm makes no network {name!r}{why}.",
        slug="timm-unknown",
        hint=f"{meant}List its networks: python -c 'import timm; print(timm.list_models())'.",
    )


def _make_not_had_error(name: str, error: Exception) -> SettingsError:
    told = f"{type(error).__name__}: {say_on_one_line(error)}"
    if _is_damage(error):
        return SettingsError(
            f"timm's weights for {name} lie in the cache cut off or damaged ({told}).",
            slug="weights-unreadable",
            hint=f"Delete them from {_find_cache()} and repeat the command online.",
        )
    return SettingsError(
        f"timm's weights for {name} are not in the cache and could not be downloaded ({told}).",
        slug="weights-missing",
        hint="Repeat the command online, once; or give a file: --weights FILE.",
    )


def _is_damage(error: BaseException) -> bool:
    """Whether parameters were there and could not be read, by the kind of the error."""
    if isinstance(error, SafetensorError | pickle.UnpicklingError | EOFError):
        return True
    return isinstance(error, RuntimeError) and "PytorchStreamReader" in str(error)


def _find_cache() -> str:
    try:
        from huggingface_hub.constants import HF_HUB_CACHE
    except ImportError:
        return torch.hub.get_dir()
    return str(HF_HUB_CACHE)


def _load_parameters(network: nn.Module, file: Path, heads: tuple[str, ...], name: str) -> None:
    """Take over the parameters in a file; those of a classifier are left out."""
    state = _read_parameters(file)
    state = {k.removeprefix("module."): v for k, v in state.items()}
    kept = {k: v for k, v in state.items() if not k.startswith(tuple(f"{h}." for h in heads))}
    own = network.state_dict()
    for key in sorted(own.keys() | kept.keys()):
        met = tuple(kept[key].shape) if key in kept else "missing"
        wanted = tuple(own[key].shape) if key in own else "not a part of it"
        if met != wanted:
            raise SettingsError(
                f"{file} does not hold the parameters of timm's {name}: {key} is {met} in the "
                f"file and {wanted} in the network.",
                slug="weights-differ",
                hint="Give the file that belongs to this network.",
            )
    network.load_state_dict(kept)


def _read_parameters(file: Path) -> dict[str, Tensor]:
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        found = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise SettingsError(
            f"--weights {file} is not there.",
            slug="weights-missing",
            hint="Give the path of a .safetensors or .pth file.",
        ) from error
    except (OSError, RuntimeError, SafetensorError, pickle.UnpicklingError, EOFError) as error:
        told = say_on_one_line(error)
        raise _make_unreadable_error(file, f"{type(error).__name__}: {told}") from error
    for key in ("state_dict", "model"):
        if isinstance(found, dict) and isinstance(found.get(key), dict):
            found = found[key]
    if not isinstance(found, dict) or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise _make_unreadable_error(file, f"a {type(found).__name__} that is no table of tensors")
    return found


def _make_unreadable_error(file: Path, why: str) -> SettingsError:
    return SettingsError(
        f"--weights {file} cannot be read as a network's parameters ({why}).",
        slug="weights-unreadable",
        hint="Give a .safetensors file, or a .pth file of tensors alone.",
    )
