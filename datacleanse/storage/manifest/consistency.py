"""What `run.json` says in one place, held to what it says in others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datacleanse.storage.schema_checks import check_columns, check_unique
from datacleanse.storage.typed_json import UnexpectedValueError, inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datacleanse.storage.manifest.results import ModelComparison
    from datacleanse.storage.manifest.whole import Manifest

_LARGEST_SIDE = 1024
"""Pixels, of the pictures that networks are trained on."""


def check_consistency(manifest: Manifest) -> None:
    """See that counts, lengths and names agree.

    Raises:
        UnexpectedValueError: some do not; it names both places and values.
    """
    for bound in (_bound_rows, _bound_curves, _bound_results, _bound_measures):
        for place, value, other, limit in bound(manifest):
            if value > limit:
                raise UnexpectedValueError(
                    f"{place} is {value:,}, where at most {limit:,} was expected ({other})"
                )
    for place, value, other, expected in _list_equal(manifest):
        if value != expected:
            raise UnexpectedValueError(
                f"{place} is {value:,}, where {expected:,} was expected ({other})"
            )
    schema, data = manifest.schema, manifest.data
    check_columns(schema.columns, schema.set_aside, "schema", label=data.label, id_=data.id)
    _check_names(manifest)


def _list_equal(manifest: Manifest) -> Iterator[tuple[str, int, str, int]]:
    """Place and value of what must equal the value of another place, and that."""
    data, clean, curves = manifest.data, manifest.clean, manifest.training.curves
    yield "the sum of data.classes", sum(data.classes.values()), "data.rows", data.rows
    if clean is not None:
        yield "the sum of clean.classes", sum(clean.classes.values()), "clean.rows", clean.rows
    if manifest.noise.rate is not None:
        yield "noise.rate.rows", manifest.noise.rate.rows, "data.rows", data.rows
    for name in ("reweighted", "control"):
        each = getattr(curves, name)
        for kind in ("loss", "clean_loss"):
            place = f"the length of training.curves.{name}.{kind}"
            yield place, len(getattr(each, kind)), "training.epochs", manifest.training.epochs


def _bound_curves(manifest: Manifest) -> Iterator[Bound]:
    # The final model may take fewer epochs, from the control's parameters.
    final = manifest.training.curves.final
    for kind in ("loss", "clean_loss"):
        place = f"the length of training.curves.final.{kind}"
        yield place, len(getattr(final, kind)), "training.epochs", manifest.training.epochs


Bound = tuple[str, float, str, float]
"""Place and value of what another place bounds, and that with its value."""


def _bound_rows(manifest: Manifest) -> Iterator[Bound]:
    data, clean = manifest.data, manifest.clean
    if clean is not None:
        for name in ("steering_rows", "reviewed_rows", "calibration_rows", "held_back_rows"):
            yield f"clean.{name}", getattr(clean, name), "clean.rows", clean.rows
    yield "overlap.rows", manifest.overlap.rows, "data.rows", data.rows
    yield "overlap.verified", manifest.overlap.verified, "data.rows", data.rows
    yield "overlap.wrong", manifest.overlap.wrong, "overlap.verified", manifest.overlap.verified
    if manifest.pictures is not None:
        for name in ("height", "width"):
            side = getattr(manifest.pictures, name)
            yield f"pictures.{name}", side, "the largest side", _LARGEST_SIDE
        found = manifest.pictures.duplicates
        yield "pictures.duplicates.rows", found.rows, "data.rows", data.rows
        yield "pictures.duplicates.groups", found.groups, "pictures.duplicates.rows", found.rows
        place = "pictures.duplicates.conflicting_groups"
        yield place, found.conflicting_groups, "pictures.duplicates.groups", found.groups


def _bound_results(manifest: Manifest) -> Iterator[Bound]:
    rows, flags, noise = manifest.data.rows, manifest.flags, manifest.noise
    yield "flags.flagged", flags.flagged, "data.rows", rows
    yield "flags.calibration_rows", flags.calibration_rows, "clean.rows", manifest.n_clean
    if flags.estimated_wrong is not None:
        yield "flags.estimated_wrong", flags.estimated_wrong, "data.rows", rows + 0.5
    shares = {
        **({} if noise.rate is None else {"noise.rate": noise.rate}),
        **{
            inside("noise.by_given_label", name): share
            for name, share in noise.by_given_label.items()
        },
        **{f"budget[{number}]": share for number, share in enumerate(manifest.budget)},
    }
    for place, share in shares.items():
        yield f"{place}.rows", share.rows, "data.rows", rows
        yield f"{place}.low", share.low, f"{place}.high", share.high
    for number, pair in enumerate(noise.confusions):
        yield f"noise.confusions[{number}].rows", pair.rows, "data.rows", rows + 0.5


def _bound_measures(manifest: Manifest) -> Iterator[Bound]:
    measured = {"test": manifest.metrics.test, "held_back": manifest.metrics.held_back}
    for name, found in measured.items():
        if found is not None:
            yield from _bound_classes(f"metrics.{name}", found)


def _bound_classes(place: str, found: ModelComparison) -> Iterator[Bound]:
    for name, each in found.by_class.items():
        yield f"{inside(f'{place}.by_class', name)}.rows", each.rows, f"{place}.rows", found.rows


def _check_names(manifest: Manifest) -> None:
    known = manifest.noise.by_given_label
    for number, pair in enumerate(manifest.noise.confusions):
        for role in ("given", "true"):
            if getattr(pair, role) not in known:
                raise UnexpectedValueError(
                    f"noise.confusions[{number}].{role} is {getattr(pair, role)!a}, which "
                    "noise.by_given_label does not name"
                )
    pairs = [f"{pair.given!a} as {pair.true!a}" for pair in manifest.noise.confusions]
    check_unique(pairs, "noise.confusions")
    for name in manifest.model_files:
        # They are read, and compared: no name may lead elsewhere.
        if not name or name.startswith(".") or set(name) & set("/\\:\0"):
            raise UnexpectedValueError(f"model_files names {name!a}, which is no file's name")
