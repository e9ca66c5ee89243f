"""The versions of `run.json`, and how an earlier one is read."""

from __future__ import annotations

from typing import Any

SCHEMA_VERSION = 3
"""Of `run.json`. A field may be added within a version, since readers pass over what they do not
know; to rename, remove or change one takes a new version, and a function here that makes it of the
version before.

1: first version.
2: named as the documentation names things: ``clean.meta_rows`` is ``clean.steering_rows``,
   ``training.meta`` is ``training.steering``. ``resumed_at`` and ``stopped_at`` are always there.
3: a run may be without verified rows: ``clean``, ``noise.rate`` and ``flags.estimated_wrong`` may
   be null. ``noise.basis`` says what rates rest on, ``training.rule`` which rule was used, which
   ``settings.rule`` may leave open.
"""

Json = dict[str, Any]


def upgrade(manifest: Json) -> Json:
    """The same in the present version. What is of a wrong type stays, for the reader to refuse.

    Args:
        manifest: of version 1 to `SCHEMA_VERSION`; changed in place.
    """
    if manifest["schema_version"] == 1:
        _make_2_of_1(manifest)
    if manifest["schema_version"] == 2:
        _make_3_of_2(manifest)
    return manifest


def _make_2_of_1(manifest: Json) -> None:
    _complete_1(manifest)
    _rename(_take_part(manifest, "clean"), "meta_rows", "steering_rows")
    _rename(_take_part(manifest, "training"), "meta", "steering")
    manifest.setdefault("resumed_at", [])
    manifest.setdefault("stopped_at", None)
    manifest["schema_version"] = 2


def _make_3_of_2(manifest: Json) -> None:
    settings, training = _take_part(manifest, "settings"), _take_part(manifest, "training")
    if training and "rule" in settings:
        manifest["training"] = {"rule": settings["rule"]} | training
    if noise := _take_part(manifest, "noise"):
        manifest["noise"] = {"basis": "estimates"} | noise
    manifest["schema_version"] = 3


def _complete_1(manifest: Json) -> None:
    """Add what the first runs of version 1 did not keep yet, as far as it had no part in them."""
    for name, nothing in (
        ("identity", {}),
        ("reviewed", None),
        ("pictures", None),
        ("model_files", {}),
    ):
        manifest.setdefault(name, nothing)
    clean, data = _take_part(manifest, "clean"), _take_part(manifest, "data")
    for name in ("reviewed_rows", "held_back_rows"):
        clean.setdefault(name, 0)
    asked: Json = dict.fromkeys(("delimiter", "image_size"))
    asked |= {"drop": [], "categorical": [], "numeric": [], "max_unreadable": 0.05}
    reading = data.setdefault("reading", {})
    if isinstance(reading, dict):
        asked |= {name: data[name] for name in ("label", "id") if name in data}
        data["reading"] = asked | reading
    metrics = _take_part(manifest, "metrics")
    for compared in ("test", "held_back"):
        _take_part(metrics, compared).setdefault("by_class", {})


def _take_part(of: Json, name: str) -> Json:
    """An object in an object; an empty one where there is none."""
    part = of.get(name)
    return part if isinstance(part, dict) else {}


def _rename(part: Json, old: str, new: str) -> None:
    """Give the value of one key to another, in the same place."""
    items = [(new if key == old else key, value) for key, value in part.items()]
    part.clear()
    part.update(items)
