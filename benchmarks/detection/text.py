"""How well wrong labels of texts are found: the product beside cleanlab on logistic regressions.

`python -m benchmarks.detection.text --data DIR` makes cells of texts, a kind of error and a seed.
In each it audits the rows, and lets cleanlab rank them by a logistic regression out of fold, on
weighted counts of words and on static embeddings. The best of these four, chosen with the truth at
hand, is the line to pass. ``ours`` reads the embeddings, too, ``ours-plain`` does without. It needs
`pip install datacleanse[bench,text]`. ``--mixed`` compares numbers with numbers and text.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score

import datacleanse as dc
from benchmarks.detection.cell_options import cells_parser, chosen
from benchmarks.detection.cells import (
    Cell,
    CellName,
    Limits,
    draw,
    flip_near_boundary,
    pair,
    seed_of,
    uniform,
)
from benchmarks.detection.detectors import CLEANLAB, OutOfFold, by_cleanlab
from benchmarks.detection.peers import N_FOLDS, folds
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import earlier_records, write_result
from benchmarks.tables import LABEL, TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from benchmarks.detection.cells import Codes, Drawn

RESULT = RESULTS / "text.json"
LIMITS = Limits(clean=300, noisy=3000)
TEXT = "text"
"""Name of the column."""
NOISES = {"uniform10": 0.10, "pair20": 0.20, "near15": 0.15}
"""Kinds of errors, each with its share of all rows."""
FEATURES = ("tfidf", "embedding")
FOUR = tuple(f"{kind}-{score}" for kind in FEATURES for score in CLEANLAB)
OURS = {"ours": "wordllama", "ours-plain": "none"}
"""What is measured, with what reads the texts beside their counts."""
MIXED = "sms_spam"
"""The texts whose lengths and signs make a table of numbers, too."""


def main() -> None:
    """Measure, print and write, cell by cell, so that a run that was stopped goes on."""
    parser = cells_parser(__doc__ or "", seeds=2, out=RESULT)
    parser.add_argument("--mixed", action="store_true", help="numbers with and without text")
    options = parser.parse_args()
    sets = [MIXED] if options.mixed else sorted(chosen(options.sets, TEXTS, "sets of texts"))
    noises = sorted(chosen(options.cells, NOISES, "kinds of error"))
    key, measure = ("mixed", compare_mixed) if options.mixed else ("cells", compare)
    found = {part: earlier_records(options.out, part) for part in ("cells", "mixed")}
    done = {(each["table"], each["noise"], each["seed"]) for each in found[key]}
    for seed in range(options.seeds):
        for table in sets:
            for noise in noises:
                if (table, noise, seed) in done:
                    continue
                found[key].append(measure(make_cell(options.data, CellName(seed, table, noise))))
                whole = {"provenance": provenance(), "rows": LIMITS.noisy, **summarise(found)}
                write_result(options.out, whole, tables=("cells", "mixed"))
    print(markdown_table(["cells", *OURS, "best of the four"], _tabulate(found["cells"])))


def summarise(found: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """The records, and how far ours lead the best of the four, mean and least."""
    leads = {way: [each[way] - each["best"] for each in found["cells"]] for way in OURS}
    lead = {
        way: {"mean": round(mean(each), 4), "least": round(min(each), 4)}
        for way, each in leads.items()
        if each
    }
    return {"lead": lead, **found}


def _tabulate(cells: list[dict[str, Any]]) -> list[list[str]]:
    rows = [
        [f"{each['table']}/{each['noise']}/{each['seed']}"]
        + [f"{each[way]:.3f}" for way in (*OURS, "best")]
        for each in cells
    ]
    means = [f"{mean(each[way] for each in cells):.3f}" for way in (*OURS, "best")] if cells else []
    return [*rows, ["mean", *means]] if cells else rows


def compare(cell: Cell) -> dict[str, Any]:
    """The average precision of ours and of the four peers."""
    found: dict[str, Any] = _name(cell)
    for way, text_model in OURS.items():
        found[way], found[f"seconds-{way}"] = audit(cell, text_model=text_model)
    for kind in FEATURES:
        probability = out_of_fold(kind, cell)
        for score in CLEANLAB:
            verdict = by_cleanlab(score, cell, probability)
            found[f"{kind}-{score}"] = measure_precision(cell, verdict.suspicion)
    found["best"] = max(found[peer] for peer in FOUR)
    note(f"{cell.name}: {found}")
    return found


def compare_mixed(cell: Cell) -> dict[str, Any]:
    """The average precision on a table of numbers alone, and with its text."""
    found: dict[str, Any] = _name(cell)
    for way, drop in (("numbers", [TEXT]), ("numbers and text", [])):
        found[way], _ = audit(cell, text_model="none", add=count_signs, drop=drop)
    note(f"{cell.name}: {found}")
    return found


def _name(cell: Cell) -> dict[str, Any]:
    name = cell.name
    return {"table": name.table, "noise": name.noise, "seed": name.seed}


def audit(
    cell: Cell,
    *,
    text_model: str,
    add: Callable[[pa.Table], pa.Table] = lambda table: table,
    drop: Sequence[str] = (),
) -> tuple[float, float]:
    """The average precision of an audit, and its seconds."""
    started = perf_counter()
    result = dc.audit(
        add(cell.noisy_table()),
        val=add(cell.clean_table()),
        label=LABEL,
        drop=drop,
        seed=cell.name.seed,
        device="cpu",
        text_model=text_model,
        progress=False,
    )
    found = measure_precision(cell, result.table["suspicion"].to_numpy())
    return found, round(perf_counter() - started, 1)


def count_signs(table: pa.Table) -> pa.Table:
    """The table with numbers about its texts: signs, and shares of digits and of capitals."""
    texts = [text or "" for text in table.column(TEXT).to_pylist()]
    kinds: dict[str, Callable[[str], bool]] = {"digits": str.isdigit, "capitals": str.isupper}
    table = table.append_column("signs", pa.array([len(text) for text in texts], pa.float64()))
    for name, is_one in kinds.items():
        shares = [sum(map(is_one, text)) / max(len(text), 1) for text in texts]
        table = table.append_column(name, pa.array(shares))
    return table


def measure_precision(cell: Cell, suspicion: NDArray[np.float64]) -> float:
    """Of the ranking of the noisy rows."""
    return round(float(average_precision_score(cell.is_wrong, suspicion)), 4)


def make_cell(folder: Path, name: CellName) -> Cell:
    """Draw the rows and plant errors."""
    drawn = draw(folder, name.table, name.seed, LIMITS)
    flip = {"uniform10": uniform, "pair20": pair, "near15": near_boundary}[name.noise]
    given = flip(drawn, NOISES[name.noise], seed_of(name.noise, name.seed))
    clean = drawn.truth[drawn.n_noisy :]
    return Cell(name, drawn, given, np.flatnonzero(np.isin(clean, given)))


def near_boundary(drawn: Drawn, share: float, rng_seed: int) -> Codes:
    """A share of all rows, those near the boundary of a logistic regression on true labels."""
    counts = TfidfVectorizer().fit_transform(read_column(drawn))
    model = LogisticRegression(max_iter=1000).fit(counts, drawn.truth)
    n = drawn.n_noisy
    probability = np.zeros((n, len(drawn.classes)))
    probability[:, model.classes_] = model.predict_proba(counts[:n])
    return flip_near_boundary(drawn.truth[:n], probability, share, seed=rng_seed)


def read_column(drawn: Drawn) -> list[str]:
    """The texts of the rows to audit, then of the clean ones."""
    tables = (drawn.rows.train.table, drawn.rows.test.table)
    return [text or "" for table in tables for text in table.column(TEXT).to_pylist()]


@lru_cache(maxsize=1)
def embed(drawn: Drawn) -> NDArray[np.float32]:
    """(N + m, 256) static embeddings of the texts, of length 1."""
    import wordllama

    place = Path(wordllama.__file__).parent
    model = wordllama.WordLlama.load(cache_dir=place, disable_download=True)
    vectors: NDArray[np.float32] = model.embed(read_column(drawn))
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    # Of an empty text it is 0.
    return vectors / np.maximum(length, np.finfo(np.float32).tiny)


def out_of_fold(kind: str, cell: Cell) -> OutOfFold:
    """A logistic regression in five folds, on one of `FEATURES`."""
    texts = read_column(cell.drawn)
    texts = [texts[k] for k in cell.used]
    counts = TfidfVectorizer().fit_transform(texts) if kind == "tfidf" else None
    matrix = embed(cell.drawn)[cell.used] if counts is None else counts
    labels, fold = cell.labels, folds(cell)
    probability = np.zeros((len(labels), len(cell.drawn.classes)), dtype=np.float32)
    for k in range(N_FOLDS):
        held_out = fold == k
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = LogisticRegression(max_iter=1000).fit(matrix[~held_out], labels[~held_out])
        probability[np.ix_(held_out, model.classes_)] = model.predict_proba(matrix[held_out])
    return OutOfFold(probability, fold, 0.0)


if __name__ == "__main__":
    main()
