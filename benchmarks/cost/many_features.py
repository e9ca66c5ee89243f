"""Seconds of whole audits that are wide, of many classes, or of texts; made data.

    python -m benchmarks.cost.many_features [--repeats 3] [--out FILE]

- embeddings: 3,000 rows, 10 classes, a list column of 1,280 numbers, 200 clean rows
- texts: 5,000 texts of 40 words, 10 classes, 300 clean rows
- classes: 600 classes of 3 rows, 20 numbers, 300 clean rows
- scoring: 77 classes, 3,000 rows; the assessment of the evidence alone

Wall seconds; the least of all repeats, since other programs can only add to them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

import datacleanse as dc
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from datacleanse.auditing import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from datacleanse.detection.evidence import Assessment, Evidence

    Tables = tuple[Any, Any]
    """DATA and CLEAN."""

RESULT = RESULTS / "many_features.json"
WRONG = 0.1
"""Share of DATA's labels that are changed."""


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULT)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {}
    for _ in range(options.repeats):
        for name, found in measure():
            seconds.setdefault(name, []).append(round(found, 2))
            note(f"{name}: {found:.2f} s")
    least = {name: min(found) for name, found in seconds.items()}
    result = {"provenance": provenance(), "seconds": seconds, "least": least}
    write_result(options.out, result, tables=())
    print(markdown_table(["case", "seconds"], [[n, f"{s:.1f}"] for n, s in least.items()]))


def measure() -> Iterator[tuple[str, float]]:
    """Each case with its seconds."""
    for name, make in (("embeddings", embed), ("texts", write), ("classes", scatter)):
        yield name, _time(make)
    scored: list[float] = []
    real = judge.assess

    def assess(evidence: Evidence, *, fdr: float) -> Assessment:
        started = perf_counter()
        found = real(evidence, fdr=fdr)
        scored.append(perf_counter() - started)
        return found

    judge.assess = assess  # type: ignore[attr-defined]
    try:
        _time(lambda rng: scatter(rng, n_classes=77, n_rows=3000))
    finally:
        judge.assess = real  # type: ignore[attr-defined]
    yield "scoring", sum(scored)


def _time(make: Callable[[np.random.Generator], Tables]) -> float:
    data, clean = make(np.random.default_rng(0))
    started = perf_counter()
    dc.audit(data, val=clean, label="label", device="cpu", progress=False)
    return perf_counter() - started


def embed(rng: np.random.Generator) -> Tables:
    """A list column."""
    width, n, n_clean = 1280, 3000, 200
    means = rng.normal(size=(10, width)) * 0.12
    labels = rng.integers(0, 10, n + n_clean)
    rows = (means[labels] + rng.normal(size=(len(labels), width))).astype(np.float32)
    cells = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), width)
    given = _spoil(labels, n, 10, rng)
    table = pa.table({"embedding": cells, "label": _name(given)})
    return table.slice(0, n), table.slice(n)


def write(rng: np.random.Generator) -> Tables:
    """Texts of 40 words, 8 of which are of the class."""
    n, n_clean, n_words, rare = 5000, 300, 6000, 1 / np.arange(1, 6001)
    words = np.array([f"w{np.base_repr(number + 36**3, 36).lower()}" for number in range(n_words)])
    own = [rng.choice(n_words, 60, replace=False) for _ in range(10)]
    labels = rng.integers(0, 10, n + n_clean)
    texts = []
    for label in labels:
        common = rng.choice(n_words, 32, p=rare / rare.sum())
        texts.append(" ".join(words[np.concatenate([common, rng.choice(own[label], 8)])]))
    frame = pd.DataFrame({"text": texts, "label": _name(_spoil(labels, n, 10, rng))})
    return frame[:n], frame[n:].reset_index(drop=True)


def scatter(rng: np.random.Generator, *, n_classes: int = 600, n_rows: int = 1800) -> Tables:
    """20 numbers around a mean for each class."""
    n_clean = 300
    means = 2 * rng.normal(size=(n_classes, 20))
    labels = np.concatenate([np.arange(n_rows) % n_classes, np.arange(n_clean) % n_classes])
    frame = pd.DataFrame(means[labels] + rng.normal(size=(len(labels), 20))).add_prefix("x")
    frame["label"] = _name(_spoil(labels, n_rows, n_classes, rng))
    return frame[:n_rows], frame[n_rows:].reset_index(drop=True)


def _spoil(
    labels: NDArray[np.int64], n: int, n_classes: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """The labels, a share of the first ``n`` drawn anew."""
    given = labels.copy()
    rows = rng.choice(n, int(WRONG * n), replace=False)
    given[rows] = rng.integers(0, n_classes, len(rows))
    return given


def _name(codes: NDArray[np.int64]) -> list[str]:
    return [f"class {code}" for code in codes.tolist()]


if __name__ == "__main__":
    main()
