"""Pictures a second: the package's decoding against a bare loop of Pillow on the same cores.

`python -m benchmarks.images.decode` makes folders of pictures and reads each by `decode_all` and by
a loop that does nothing but open, scale and copy out, in a pool of threads and in one of processes;
the faster of the two is the bar. The package besides hashes bytes, counts failures and keeps
places.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from datacleanse.pictures.decode_all import choose_shape, decode_all
from datacleanse.pictures.stores import FileStore
from datacleanse.progress import SILENT
from datacleanse.scheduling.cores import count_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RESULT = RESULTS / "decode.json"
BOUND = 0.8
ROUNDS = 3
CHUNK = 32


@dataclass(frozen=True)
class Made:
    """Pictures that are made for the measurement."""

    n: int
    size: tuple[int, int]
    kind: str


MADE = {
    "JPEG, 32 x 32": Made(10_000, (32, 32), "JPEG"),
    "JPEG, 500 x 375": Made(600, (500, 375), "JPEG"),
    "PNG, 500 x 375": Made(120, (500, 375), "PNG"),
    "JPEG, 2048 x 1536": Made(60, (2048, 1536), "JPEG"),
}


def main() -> None:
    """Measure every set, by turns, and write the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with flowers/data.parquet, to add it")
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        sets = {
            name: _write(made, Path(place) / str(at))
            for at, (name, made) in enumerate(MADE.items())
        }
        if options.data is not None:
            sets["flowers (JPEG, 128 x 128)"] = _copy(options.data / "flowers", Path(place) / "f")
        rows = [
            {"set": name, "pictures": len(paths), **measured(paths)} for name, paths in sets.items()
        ]
    result = {"provenance": provenance(), "cores": count_cores(), "bound": BOUND, "sets": rows}
    write_result(options.out, result, tables=())
    header = ["set", "side", "bare, threads", "bare, processes", "datacleanse", "share"]
    cells = [
        [str(row["set"]), str(row["side"])]
        + [f"{row[name]:,.0f}" for name in ("threads", "processes", "datacleanse")]
        + [f"{row['share']:.2f}"]
        for row in rows
    ]
    print(markdown_table(header, cells))


def measured(paths: Sequence[str]) -> dict[str, float]:
    """Pictures a second, each way in turns; the share is the median of each round's own."""
    store = FileStore(paths)
    shape = choose_shape(store, None)
    scratch = Path(paths[0]).parent
    ways: dict[str, Callable[[], object]] = {
        "threads": partial(_bare, ThreadPoolExecutor, paths, shape[1]),
        "processes": partial(_bare, ProcessPoolExecutor, paths, shape[1]),
        "datacleanse": partial(decode_all, store, shape, scratch=scratch, progress=SILENT),
    }
    ways["threads"]()  # reads the files once
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started = perf_counter()
            way()
            rates[name].append(len(paths) / (perf_counter() - started))
    best = [max(pair) for pair in zip(rates["threads"], rates["processes"], strict=True)]
    shares = [own / bar for own, bar in zip(rates["datacleanse"], best, strict=True)]
    note(f"{paths[0]}: {statistics.median(shares):.2f}")
    medians = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    return {"side": shape[1], **medians, "share": round(statistics.median(shares), 3)}


def _bare(kind: Callable[[int], Executor], paths: Sequence[str], side: int) -> None:
    """The loop in a pool of its own, started like that of any script."""
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    with kind(count_cores()) as pool:
        for _ in pool.map(partial(_loop, side), chunks):
            pass


def _loop(side: int, paths: Sequence[str]) -> int:
    """Decode files; only a count comes back, so that no process has to send pixels."""
    pixels = np.empty((len(paths), side, side, 3), np.uint8)
    for at, path in enumerate(paths):
        with Image.open(path) as image:
            image.draft("RGB", (2 * side, 2 * side))
            plain = image.convert("RGB")
            if plain.size != (side, side):
                plain = plain.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
            pixels[at] = np.asarray(plain)
    return len(pixels)


def _write(made: Made, folder: Path) -> list[str]:
    """Smooth scenes with some noise, which compress like photographs."""
    folder.mkdir()
    rng, paths = np.random.default_rng(0), []
    for at in range(made.n):
        small = rng.integers(0, 256, (made.size[1] // 16 + 1, made.size[0] // 16 + 1, 3))
        image = Image.fromarray(small.astype(np.uint8)).resize(made.size, Image.Resampling.BICUBIC)
        noise = rng.normal(0, 6, (made.size[1], made.size[0], 3))
        noisy = np.clip(np.asarray(image) + noise, 0, 255).astype(np.uint8)
        path = folder / f"{at}.{made.kind.lower()}"
        Image.fromarray(noisy).save(path, made.kind)
        paths.append(str(path))
    return paths


def _copy(source: Path, folder: Path) -> list[str]:
    folder.mkdir()
    paths = []
    for at, blob in enumerate(pq.read_table(source / "data.parquet")["image"].to_pylist()):
        path = folder / f"{at}.{(Image.open(io.BytesIO(blob)).format or '').lower()}"
        path.write_bytes(blob)
        paths.append(str(path))
    return paths


if __name__ == "__main__":
    main()
