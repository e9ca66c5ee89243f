"""How large `report.html` is, how soon it can be used and how fast it filters and sorts.

`python -m benchmarks.review.report_size` audits a made table of 30 mixed columns, renders the
report with 500 suspects, then once more with a 128-pixel JPEG for each of them and for their
verified neighbours (crops of the photographs that scikit-learn bundles). Times are those of
headless Chromium. Needs Pillow, Playwright and a Chromium on the path.
"""

from __future__ import annotations

import io
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from playwright.sync_api import sync_playwright
from sklearn.datasets import load_sample_images

import datacleanse as dc
from benchmarks.cost.made_table import N_CLEAN, made_table
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from datacleanse.storage.run_folder import RunFolder
from datacleanse_reports import write_reports

if TYPE_CHECKING:
    from playwright.sync_api import Browser

RESULT = RESULTS / "report_size.json"
N_ROWS, N_COLUMNS, N_SUSPECTS = 3_000, 30, 500
SIDE, QUALITY = 128, 80
LOADS = 7

BOUNDS = {"table": 1_500_000, "pictures": 8_000_000}
"""Bytes."""
SOON = 1.0
"""Seconds."""
AT_ONCE = 100
"""Milliseconds that a filter or an order may take, until it is painted."""

SETTLED = 200
"""Milliseconds until the next view is asked for; people are slower."""

ADDRESSES = {
    "search a word": "q=delivery",
    "search a condition": "q=further_1%3E=1000",
    "filter a column": "where=5%3E=0",
    "filter by flag": "flag=1",
    "sort by probability": "sort=probability:asc",
    "sort by a column": "sort=c3:desc",
    "choose columns": "cols=1.2.3.4.5",
    "all rows": "all=1",
    "all rows, sorted": "all=1&sort=c4:asc",
}
"""Views of the list, each as a change from the one before."""

PAINTED = """address => new Promise(done => {
    const begun = performance.now();
    window.addEventListener("hashchange", () => requestAnimationFrame(() => setTimeout(
        () => done(performance.now() - begun))), { once: true });
    location.hash = address;
})"""
"""Milliseconds from a new view's address until it is painted."""


def main() -> None:
    """Render, load, record."""
    with tempfile.TemporaryDirectory() as directory:
        folder = audited(Path(directory))
        found = {"table": measure(folder)}
        add_pictures(folder)
        found["pictures"] = measure(folder)
    write_result(
        RESULT,
        {
            "provenance": provenance(),
            "rows": N_ROWS,
            "columns": N_COLUMNS,
            "suspects": N_SUSPECTS,
            "load_average": os.getloadavg()[0],
            "bounds": {"bytes": BOUNDS, "seconds": SOON, "milliseconds": AT_ONCE},
            "reports": found,
        },
        tables=(),
    )
    header = ["report", "bytes", "bound", "ready, s (median)", "main thread, s"]
    cells = [
        [
            name,
            f"{each['bytes']:,}",
            f"{BOUNDS[name]:,}",
            f"{each['ready_median']:.2f}",
            f"{each['main_thread_median']:.2f}",
        ]
        for name, each in found.items()
    ]
    print(markdown_table(header, cells))
    views = [
        [name, *(f"{each['views'][name]:.0f}" for each in found.values())] for name in ADDRESSES
    ]
    print(markdown_table(["view", *(f"{name}, ms" for name in found)], views))


def audited(directory: Path) -> RunFolder:
    """A run on the made table, which stores 1,000 suspects."""
    note("audit")
    data, clean = wide_table(N_ROWS, seed=0), wide_table(N_CLEAN, seed=1)
    dc.audit(data, val=clean, label="label", out=directory / "run", top=N_SUSPECTS)
    return RunFolder(directory / "run")


def wide_table(n_rows: int, *, seed: int) -> pa.Table:
    """The made table with further columns of text and numbers, 30 and the label in all."""
    table, rng = made_table(n_rows, seed=seed), np.random.default_rng(seed + 10)
    words = np.array(["delivery", "late", "refund", "address", "gift", "broken", "again", "Köln"])
    for i in range(N_COLUMNS + 1 - table.num_columns):
        drawn = words[rng.integers(0, len(words), (n_rows, 6))] if i % 3 == 0 else None
        values = rng.normal(1e3, 1e2, n_rows).round(2) if drawn is None else map(" ".join, drawn)
        table = table.append_column(f"further_{i}", pa.array(list(values)))
    return table


def add_pictures(folder: RunFolder) -> None:
    """Thumbnails of the stored suspects and of three neighbours of each."""
    note("pictures")
    rows = folder.read_suspects().column(0).to_pylist()[:N_SUSPECTS]
    rng = np.random.default_rng(0)
    near = [
        {
            "row": row,
            "place": place,
            "clean_row": int(rng.integers(0, N_CLEAN)),
            "label": "value 0",
            "distance": float(place),
        }
        for row in rows
        for place in (1, 2, 3)
    ]
    pq.write_table(pa.Table.from_pylist(near), folder.neighbours_file)
    sources = [("data", row) for row in rows] + [("clean", row) for row in range(N_CLEAN)]
    photographs = load_sample_images().images
    thumbnails = {
        "source": [source for source, _ in sources],
        "row": [row for _, row in sources],
        "image": [thumbnail(photographs[i % 2], rng) for i in range(len(sources))],
        "note": [None if i % 4 else "blurred" for i in range(len(sources))],
    }
    pq.write_table(pa.table(thumbnails), folder.thumbnails_file)


def thumbnail(photograph: np.ndarray, rng: np.random.Generator) -> bytes:
    """A square crop, (H, W, 3) uint8, made small as a JPEG."""
    from PIL import Image

    size = int(rng.integers(SIDE, min(photograph.shape[:2])))
    top, left = (int(rng.integers(0, length - size + 1)) for length in photograph.shape[:2])
    crop = Image.fromarray(photograph[top : top + size, left : left + size])
    file = io.BytesIO()
    crop.resize((SIDE, SIDE)).save(file, "JPEG", quality=QUALITY)
    return file.getvalue()


def measure(folder: RunFolder) -> dict[str, Any]:
    """Bytes of the report, and seconds until it can be used, each load in a fresh context."""
    page = write_reports(folder, top=N_SUSPECTS, formats=["html"])["html"]
    note(f"{page.stat().st_size:,} bytes")
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        loads = [load(browser, page.as_uri()) for _ in range(LOADS)]
        views = change_views(browser, page.as_uri())
        browser.close()
    ready, thread, embedded = zip(*loads, strict=True)
    return {
        "bytes": page.stat().st_size,
        "embedded_suspects": embedded[0],
        "views": views,
        "ready": ready,
        "ready_median": statistics.median(ready),
        "main_thread": thread,
        "main_thread_median": statistics.median(thread),
    }


def load(browser: Browser, address: str) -> tuple[float, float, int]:
    """Seconds until script and first paint are done, those of the main thread, suspects shown."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    page.wait_for_timeout(200)
    ready = page.evaluate(
        """() => Math.max(performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
        ...performance.getEntriesByType("paint").map(entry => entry.startTime))"""
    )
    metrics = session.send("Performance.getMetrics")["metrics"]
    thread = next(each["value"] for each in metrics if each["name"] == "TaskDuration")
    n_suspects = page.locator("#suspect-table > tbody").count()
    context.close()
    return round(ready / 1000, 3), round(thread, 3), n_suspects


def change_views(browser: Browser, address: str) -> dict[str, float]:
    """Milliseconds until each of `ADDRESSES` is painted, median of `LOADS`."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("html[data-ready]")
    found: dict[str, list[float]] = {name: [] for name in ADDRESSES}
    for number in range(LOADS):
        for name, view in ADDRESSES.items():
            found[name].append(page.evaluate(PAINTED, f"{view}&n={number}"))
            page.wait_for_timeout(SETTLED)
    context.close()
    return {name: round(statistics.median(times), 1) for name, times in found.items()}


if __name__ == "__main__":
    main()
