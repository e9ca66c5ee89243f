"""Images audited by features, which take the place of the pictures.

The features become the one column of a table, an embedding, and the audit is a table's: the
reweighted multilayer perceptron is the head, regressions are the second opinion.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from datacleanse.data.messages import format_count
from datacleanse.data.repeats import GivenRows
from datacleanse.errors import InputError, SettingsError
from datacleanse.models.feature_column import FEATURES, make_feature_column
from datacleanse.models.optional_packages import VISION, is_installed
from datacleanse.records import Column, Dataset, SetAside
from datacleanse.settings import PRETRAINED, is_timm
from datacleanse.storage.damage import say_on_one_line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from datacleanse.auditing.reading import Inputs
    from datacleanse.settings import Settings

    Floats = NDArray[np.float32]


def wants_pretrained(settings: Settings, inputs: Inputs) -> bool:
    """Whether a pretrained network is to see the pictures."""
    if settings.features is not None:
        return False
    if is_timm(settings.model) or settings.model == PRETRAINED:
        return True
    return settings.model == "auto" and inputs.pictures is not None and is_installed(*VISION)


def use_features(inputs: Inputs, settings: Settings) -> Inputs:
    """The inputs with the features of ``--features`` in the place of pictures.

    Raises:
        InputError: the file of features cannot be used.
        SettingsError: DATA is a table.
    """
    if inputs.pictures is None:
        raise SettingsError(
            "--features is for images, and DATA is a table.",
            slug="settings-contradict",
            hint="A column of lists in a table counts as features by itself.",
        )
    assert settings.features is not None
    return add_features(inputs, _read(Path(settings.features), inputs))


def add_features(inputs: Inputs, parts: list[Floats | None]) -> Inputs:
    """The inputs with features, of DATA, CLEAN and TEST, in the place of pictures."""
    sets = [inputs.data, inputs.clean, inputs.test]
    data, clean, test = (
        None if each is None else _add_column(each, part)
        for each, part in zip(sets, parts, strict=True)
    )
    assert data is not None
    assert clean is not None
    return replace(inputs, data=data, clean=clean, test=test, pictures=None)


def _read(file: Path, inputs: Inputs) -> list[Floats | None]:
    """DATA's, CLEAN's and TEST's rows, which follow each other in the file."""
    matrix = _read_matrix(file)
    of_clean, n_given = _find_clean_rows(inputs)
    counts = [inputs.data.n_rows, n_given]
    counts += [] if inputs.test is None else [inputs.test.n_rows]
    if len(matrix) != sum(counts):
        named = " + ".join(
            f"{count:,} of {role}"
            for role, count in zip(("DATA", "CLEAN", "TEST"), counts, strict=False)
        )
        raise InputError(
            f"{file} has {len(matrix):,} rows; there are {sum(counts):,} images ({named}).",
            slug="features-count",
            hint="Give one row for each image that is read: DATA's, then CLEAN's, then TEST's, "
            "each in the order of the audit table.",
        )
    bad = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if len(bad):
        raise InputError(
            f"{file} has {format_count(len(bad), 'row')} with NaN, infinity or numbers too large "
            f"for float32, the first is row {bad[0]}.",
            slug="features-not-finite",
            hint="Compute them again, or scale them.",
        )
    test = None if inputs.test is None else matrix[sum(counts[:2]) :]
    return [matrix[: counts[0]], matrix[of_clean], test]


def _find_clean_rows(inputs: Inputs) -> tuple[NDArray[np.int64], int]:
    """(V,) which row of the file each row of CLEAN is, and how many of the file's are CLEAN's.

    Rows of DATA with a verdict or decision have DATA's features. Of CLEAN's own the file holds
    those that do not count, too.
    """
    overlap, clean = inputs.comparison.overlap, inputs.clean
    n_own = clean.n_rows - (0 if inputs.reviewed is None else len(inputs.reviewed.rows))
    given = inputs.given or GivenRows(np.arange(n_own), n_own)
    rows = np.full(clean.n_rows, -1)
    is_single = overlap.clean_rows >= 0
    rows[overlap.clean_rows[is_single]] = overlap.data_rows[is_single]
    own = np.flatnonzero(given.place >= 0)
    rows[own] = inputs.data.n_rows + given.place[own]
    return rows, given.count


def _read_matrix(file: Path) -> Floats:
    try:
        if file.suffix == ".npy":
            found = np.load(file, allow_pickle=False)
        elif file.suffix == ".parquet":
            found = _read_lists(pq.read_table(file), file)
        else:
            raise _make_refusal(file, f"ends in {file.suffix or 'nothing'}")
    except FileNotFoundError as error:
        raise _make_refusal(file, "is not there") from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _make_refusal(file, f"cannot be read ({say_on_one_line(error)})") from error
    if found.ndim != 2 or found.dtype.kind not in "fiu" or not found.shape[1]:
        raise _make_refusal(file, f"holds {found.dtype} of shape {found.shape}")
    result: Floats = found.astype(np.float32)
    return result


def _read_lists(table: pa.Table, file: Path) -> NDArray[np.generic]:
    lists = [
        field.name
        for field in table.schema
        if pa.types.is_list(field.type)
        or pa.types.is_fixed_size_list(field.type)
        or pa.types.is_large_list(field.type)
    ]
    if len(lists) != 1:
        raise _make_refusal(file, f"has {len(lists)} columns of lists ({', '.join(lists)})")
    column = table[lists[0]].combine_chunks()
    if column.null_count or column.flatten().null_count:
        raise _make_refusal(file, f"has missing values in {lists[0]}")
    widths = set(pa.compute.list_value_length(column).unique().to_pylist())
    if len(widths) != 1:
        raise _make_refusal(file, f"has lists of different lengths in {lists[0]}")
    flat: NDArray[np.generic] = column.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), widths.pop())


def _add_column(data: Dataset, features: Floats | None) -> Dataset:
    assert features is not None
    table = data.table
    if FEATURES in table.column_names:
        table = table.drop_columns([FEATURES])
    # What stands beside the pictures is not read, but is DATA's: new rows may have it.
    own = {data.schema.label, data.schema.id}
    others = [name for name in table.column_names if name not in own]
    aside = tuple(
        SetAside(name, "beside pictures", "the pictures' features stand for them")
        for name in others
    )
    column = make_feature_column(features)
    # Pictures that come from several sources have no columns, and a table without any has no rows.
    has_columns = bool(table.column_names)
    table = table.append_column(FEATURES, column) if has_columns else pa.table({FEATURES: column})
    columns = (Column(FEATURES, "embedding", features.shape[1]),)
    schema = replace(data.schema, columns=columns, set_aside=aside)
    return replace(data, table=table, schema=schema)


def _make_refusal(file: Path, what: str) -> InputError:
    return InputError(
        f"--features {file} {what}.",
        slug="features-unreadable",
        hint="Give numbers, one row an image: a .npy file of shape (images, features), or a "
        ".parquet file with one column of lists.",
    )
