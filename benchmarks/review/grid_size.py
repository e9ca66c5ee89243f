"""What a browser loads for a grid of 500 pictures under review.

`python -m benchmarks.review.grid_size` writes crops of the photographs that scikit-learn bundles as
JPEG files into class folders, audits them without verified rows, serves the review and opens its
grid in Chromium. It counts the bytes of the page, of the originals that come when the grid is
opened, and of those that come when somebody goes through all of it with the largest tiles. Needs
Playwright, a Chromium, scikit-learn and Pillow.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from playwright.sync_api import sync_playwright
from sklearn.datasets import load_sample_images

from benchmarks.record import RESULTS, note, provenance
from benchmarks.results_files import write_result
from benchmarks.review.pictures import served, time_command

if TYPE_CHECKING:
    from playwright.sync_api import Page, Response

RESULT = RESULTS / "grid_size.json"

N_PICTURES, N_SUSPECTS, N_CLASSES = 600, 500, 4
SIDE = 640
"""Pixels of a picture's sides."""
BOUND = 8_000_000
"""Bytes that the page and what its grid shows at first may take."""


def main() -> None:
    """Write, audit, load, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--try", dest="is_try", action="store_true", help="keep no result")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        n_bytes = write_photographs(folder / "data", seed=arguments.seed)
        # How well it is trained does not matter here.
        time_command(folder, "audit", "data", "-o", "run", "-q", "--epochs", "2", "--fast")
        note("audited")
        found = {"bytes_on_disk": n_bytes, **load_grid(folder)}
    found = {"provenance": provenance(), "load_average": os.getloadavg()[0], **found}
    for name, value in found.items():
        print(f"{name}: {value}")
    if not arguments.is_try:
        write_result(RESULT, found, tables=())


def write_photographs(root: Path, *, seed: int) -> int:
    """Write crops into class folders; the bytes of all."""
    from PIL import Image

    photographs = load_sample_images().images
    rng = np.random.default_rng(seed)
    total = 0
    for i in range(N_PICTURES):
        place = root / f"class {i % N_CLASSES}" / f"{i:04d}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        whole = photographs[i % len(photographs)]
        side = int(rng.integers(100, min(whole.shape[:2])))
        top, left = (int(rng.integers(0, length - side + 1)) for length in whole.shape[:2])
        crop = Image.fromarray(whole[top : top + side, left : left + side])
        crop.resize((SIDE, SIDE)).save(place, quality=85)
        total += place.stat().st_size
    return total


def load_grid(folder: Path) -> dict[str, Any]:
    """Open the grid, then go through it with the largest tiles; bytes and seconds."""
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    with served(folder) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        originals: list[Response] = []
        page.on("response", lambda each: "/pictures/" in each.url and originals.append(each))
        started = time.perf_counter()
        reply = page.goto(address)
        assert reply is not None
        page.wait_for_selector("html[data-ready]")
        page.locator("#grid-offer").click()
        seconds = time.perf_counter() - started
        page.wait_for_timeout(2000)
        n_tiles = page.locator("#grid-tiles .tile").count()
        at_first = _count_bytes(originals)
        page_bytes = len(reply.body())
        go_through(page)
        found = {
            "tiles": n_tiles,
            "page_bytes": page_bytes,
            "originals_at_first_bytes": at_first,
            "bound_bytes": BOUND,
            "grid_seconds": seconds,
            "originals_by_the_end": len(originals),
            "originals_by_the_end_bytes": _count_bytes(originals),
        }
        browser.close()
    return found


def _count_bytes(replies: list[Response]) -> int:
    return sum(int(each.headers["content-length"]) for each in replies)


def go_through(page: Page) -> None:
    """Scroll through all tiles at their largest, until each has its original."""
    for _ in range(4):
        page.keyboard.press("+")
    for _ in range(N_SUSPECTS):
        page.keyboard.press("PageDown")
        page.wait_for_timeout(50)
        at_end = (
            "document.querySelector('.tile.current') === document.querySelector('.tile:last-child')"
        )
        if page.evaluate(at_end):
            break
    page.wait_for_timeout(2000)


if __name__ == "__main__":
    main()
