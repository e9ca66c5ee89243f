"""Audits of more rows, or pictures, than their memory holds.

`python -m benchmarks.cost.large_data tables` audits 10 million made rows of 20 mixed columns, in 20
Parquet shards, and a tenth of them; `... pictures` audits 100,000 made pictures in Parquet. Both
have a schedule of two epochs, the least that an audit takes, and `--memory` as it is asked for. The
peak is that of the largest process, as in `scaling`, and of all processes together, sampled.

`--group FOLDER` names a control group of Linux (`/sys/fs/cgroup/...`) with a limit of memory, in
which the audits are to run: the system then kills what does not keep to it.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.cost.made_table import N_CLEAN, made_table
from benchmarks.cost.processes import TREE_IS_KNOWN, run_sampled
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from datacleanse.storage.run_folder import RunFolder

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESULT = {kind: RESULTS / f"large_{kind}.json" for kind in ("tables", "pictures")}
EPOCHS = 2
MIB = 2**20
SIDE = 64
"""Of the pictures, in pixels."""

PICTURES_AT_ONCE = 2_000
"""That are made, and written as a row group."""

SEED_OF_CLEAN = 1_000_000


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=list(RESULT))
    parser.add_argument("--rows", type=int, nargs="+", help="1 and 10 million; 100,000 pictures")
    parser.add_argument("--shards", type=int, default=20)
    parser.add_argument("--memory", help="1500MB for tables, 1GB for pictures")
    parser.add_argument("--scratch", type=Path, help="folder for the data and the run")
    parser.add_argument("--group", type=Path, help="control group to run in")
    options = parser.parse_args()
    is_table = options.kind == "tables"
    rows = options.rows or ([1_000_000, 10_000_000] if is_table else [100_000])
    memory = options.memory or ("1500MB" if is_table else "1GB")
    make = write_table if is_table else write_pictures
    sizes = []
    for n in rows:
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            data, clean = make(Path(folder), n, options.shards)
            sizes.append(measure(data, clean, n, memory, options.group))
    for size in sizes:
        first = sizes[0]["microseconds_a_row"]
        size["time_a_row_over_first"] = size["microseconds_a_row"] / first
    result = {
        "provenance": provenance(),
        "memory": memory,
        "memory_of_group": None if options.group is None else _read_limit(options.group),
        "epochs": EPOCHS,
        "sizes": sizes,
    }
    write_result(RESULT[options.kind], result, tables=())
    header = ["rows", "seconds", "µs a row", "over the first", "largest process MiB", "all MiB"]
    header += ["all without files MiB"]
    print(markdown_table(header, [_row(size) for size in sizes]))


def measure(
    data: Path, clean: Path, n_rows: int, memory: str, group: Path | None
) -> dict[str, Any]:
    """Audit it by a process of its own, in that control group."""
    run = data.parent / "run"
    audit = [sys.executable, "-m", "datacleanse", "audit", str(data), "--val", str(clean)]
    schedule = ["--epochs", str(EPOCHS), "--memory", memory]
    command = [*audit, "--out", str(run), "--quiet", *schedule]
    measured, together = run_sampled([*_enter(group), *command])
    manifest = RunFolder(run).manifest()
    note(f"{n_rows} rows: {measured.seconds:.0f} s, {together.resident / MIB:.0f} MiB")
    return {
        "rows": n_rows,
        "seconds": measured.seconds,
        "cpu_seconds": measured.cpu_seconds,
        "microseconds_a_row": 1e6 * measured.seconds / n_rows,
        "largest_process_bytes": measured.peak_bytes,
        "all_processes_bytes": together.resident if TREE_IS_KNOWN else None,
        "without_files_bytes": together.own if TREE_IS_KNOWN else None,
        "batch_size": manifest.training.batch_size,
        "said": [each.message for each in manifest.notices if each.slug in _SAID],
        "timings": manifest.timings,
    }


def _enter(group: Path | None) -> list[str]:
    """What to put before a command so that it runs in a control group."""
    return (
        []
        if group is None
        else ["sh", "-c", 'echo $$ > "$0" && exec "$@"', f"{group}/cgroup.procs"]
    )


def _read_limit(group: Path) -> int:
    """Bytes of memory that a control group may take, of either version of such groups."""
    files = [group / name for name in ("memory.max", "memory.limit_in_bytes")]
    return int(next(file for file in files if file.exists()).read_text(encoding="ascii"))


_SAID = ("opinion-sampled", "rows-in-runs")
"""Notices of what is done in another way because there are so many rows."""


def write_table(folder: Path, n_rows: int, n_shards: int) -> tuple[Path, Path]:
    """Write DATA as a folder of shards, and CLEAN; return both paths."""
    data, clean = folder / "data", folder / "clean.parquet"
    data.mkdir()
    for shard, rows in enumerate(np.array_split(np.arange(n_rows), n_shards)):
        pq.write_table(made_table(len(rows), seed=shard), data / f"part-{shard:02}.parquet")
    pq.write_table(made_table(N_CLEAN, seed=SEED_OF_CLEAN), clean)
    return data, clean


def write_pictures(folder: Path, n_rows: int, n_shards: int) -> tuple[Path, Path]:
    """The same of pictures: one of two colours' stripes, a tenth of the labels wrong."""
    data, clean = folder / "data.parquet", folder / "clean.parquet"
    del n_shards
    _write_pictures(data, n_rows, seed=0)
    _write_pictures(clean, N_CLEAN, seed=SEED_OF_CLEAN)
    return data, clean


def _write_pictures(path: Path, n_rows: int, *, seed: int) -> None:
    rng = np.random.default_rng(seed)
    schema = pa.schema({"image": pa.binary(), "label": pa.string()})
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, n_rows, PICTURES_AT_ONCE):
            n = min(PICTURES_AT_ONCE, n_rows - start)
            shown = rng.integers(0, 2, n)
            told = shown ^ (rng.random(n) < (0.1 if seed == 0 else 0.0))
            pictures = [_encode(_paint(each, rng)) for each in shown]
            labels = [("across", "down")[each] for each in told]
            writer.write_table(pa.table([pictures, labels], schema=schema))


def _paint(direction: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """(S, S, 3) stripes across (0) or down (1), with noise."""
    wave = np.sin(np.arange(SIDE) * rng.uniform(0.2, 0.8) + rng.uniform(0, 6))
    grey = wave[:, None] if direction == 0 else wave[None]
    colour = rng.uniform(30, 90, 3)
    noise = rng.normal(0, 25, (SIDE, SIDE, 1))
    painted: NDArray[np.uint8] = np.clip(128 + grey[..., None] * colour + noise, 0, 255).astype(
        np.uint8
    )
    return painted


def _encode(pixels: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG", compress_level=1)
    return encoded.getvalue()


def _row(size: dict[str, Any]) -> list[str]:
    together = [size["all_processes_bytes"], size["without_files_bytes"]]
    return [
        f"{size['rows']:,}",
        f"{size['seconds']:.0f}",
        f"{size['microseconds_a_row']:.0f}",
        f"{size['time_a_row_over_first']:.2f}",
        f"{size['largest_process_bytes'] / MIB:.0f}",
        *["" if each is None else f"{each / MIB:.0f}" for each in together],
    ]


if __name__ == "__main__":
    main()
