"""A folder of pictures cleaned by keys in the grid of the review, in a real browser.

`python -m benchmarks.review.pictures` writes scikit-learn's digits as PNG files into class folders,
20 % of them into a wrong one, audits them without verified rows, gives every picture its true label
by scripted keys in Chromium, and writes the cleaned folder. It measures what the program takes of
that, a picture, and the key presses. Needs Playwright, a Chromium, scikit-learn and Pillow.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks.record import RESULTS, note, provenance
from benchmarks.results_files import write_result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

RESULT = RESULTS / "review_pictures.json"

WRONG = 0.2
"""Share of pictures in a wrong folder."""
NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
"""Classes, whose number is the digit."""
SIDE = 128
"""Pixels of a picture's sides."""
BOUND_SECONDS, BOUND_KEYS = 0.1, 1.2
"""A picture, of program time and of key presses, that are allowed."""

TIMER = """() => {
    // From each key to the page as painted after it.
    window.taken = [];
    document.addEventListener("keydown", () => {
        const begun = performance.now();
        requestAnimationFrame(() => setTimeout(() => window.taken.push(performance.now() - begun)));
    }, true);
}"""

CHOOSE = """row => {
    // What a person reads off the tile: is the label right, is the suggestion, which key is it?
    const suspect = reviewData.suspects.find(each => each.row === row);
    const codes = Array.from(document.querySelectorAll("#grid-classes button"),
        button => Number(button.dataset.label));
    return { name: suspect.id, given: reviewData.labels[suspect.given],
        suggested: suspect.suggested === null ? null : reviewData.labels[suspect.suggested],
        digits: codes.map(code => reviewData.labels[code]) };
}"""


def main() -> None:
    """Write, audit, decide, apply, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=None, help="of the audit; fewer for a try")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--try", dest="is_try", action="store_true", help="keep no result")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        truth = write_pictures(folder / "data", arguments.pictures, seed=arguments.seed)
        found = clean(folder, truth, epochs=arguments.epochs)
    found = {"provenance": provenance(), "load_average": os.getloadavg()[0], **found}
    for name, value in found.items():
        print(f"{name}: {value}")
    if not arguments.is_try:
        write_result(RESULT, found, tables=())


def write_pictures(root: Path, n: int, *, seed: int) -> dict[str, str]:
    """Write digits into class folders, some into a wrong one; the true class by file name."""
    from PIL import Image
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    truth = {}
    is_wrong = np.zeros(n, np.bool_)
    is_wrong[rng.choice(n, round(WRONG * n), replace=False)] = True
    for i, row in enumerate(rng.choice(len(labels), n, replace=False).tolist()):
        pixels = (images[row].reshape(8, 8) * 15.9).astype(np.uint8)
        label = int(labels[row])
        given = (label + int(rng.integers(1, 10))) % 10 if is_wrong[i] else label
        name = f"{i:04d}.png"
        truth[name] = NAMES[label]
        (root / NAMES[given]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).resize((SIDE, SIDE)).save(root / NAMES[given] / name)
    return truth


def clean(folder: Path, truth: dict[str, str], *, epochs: int | None) -> dict[str, Any]:
    """From the raw folder to the cleaned one: seconds of each step, keys, and what is wrong yet."""
    n = len(truth)
    few = [] if epochs is None else ["--epochs", str(epochs)]
    audit = time_command(folder, "audit", "data", "-o", "run", "-q", *few)
    note(f"audited in {audit:.1f} s")
    keys, seen = decide_all(folder, truth)
    apply = time_command(folder, "apply", "run", "-o", "cleaned", "-q")
    steps = ("server_ready", "page_ready", "key", "saving")
    program = apply + sum(seen[f"{name}_seconds"] for name in steps)
    return {
        "pictures": n,
        "wrong_before": count_wrong(folder / "data", truth),
        "wrong_after": count_wrong(folder / "cleaned", truth),
        "audit_seconds": audit,
        **seen,
        "apply_seconds": apply,
        "program_seconds_a_picture": program / n,
        "bound_seconds": BOUND_SECONDS,
        "keys": dict(keys),
        "keys_a_picture": keys.total() / n,
        "bound_keys": BOUND_KEYS,
    }


def time_command(folder: Path, *words: str) -> float:
    """Run a command of the program; its seconds."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "datacleanse", *words],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - started


def count_wrong(root: Path, truth: dict[str, str]) -> int:
    """Pictures that lie in a wrong folder."""
    return sum(truth[path.name] != path.parent.name for path in root.rglob("*.png"))


def decide_all(folder: Path, truth: dict[str, str]) -> tuple[Counter[str], dict[str, float]]:
    """Decide about every picture; the keys, and the seconds that somebody waited.

    For the server and the page, for what each key does, and for the last decisions to be saved.
    What a person would take to look is no part of it, nor is what the script takes to find out what
    to press.
    """
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    opened = time.perf_counter()
    with served(folder) as address, sync_playwright() as playwright:
        server_ready = time.perf_counter() - opened
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        started = time.perf_counter()
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        page.locator("#grid-offer").click()
        page_ready = time.perf_counter() - started
        page.evaluate(TIMER)
        keys = press_keys(page, truth)
        started = time.perf_counter()
        while page.evaluate("decisions.waiting()"):
            page.wait_for_timeout(5)
        saving = time.perf_counter() - started
        taken = page.evaluate("window.taken")
        browser.close()
    return keys, {
        "server_ready_seconds": server_ready,
        "page_ready_seconds": page_ready,
        "key_seconds": sum(taken) / 1000,
        "key_median_seconds": float(np.median(taken)) / 1000,
        "saving_seconds": saving,
    }


def press_keys(page: Page, truth: dict[str, str]) -> Counter[str]:
    """Press what a person would; which keys, and how often."""
    keys: Counter[str] = Counter()
    for done in range(len(truth)):
        row = page.evaluate("Number(document.querySelector('.tile.current').dataset.row)")
        seen = page.evaluate(CHOOSE, row)
        label = truth[Path(seen["name"]).name]
        if label == seen["given"]:
            pressed = ["q"]
        elif label == seen["suggested"]:
            pressed = ["w"]
        elif label in seen["digits"]:
            pressed = [str(seen["digits"].index(label) + 1)]
        else:
            pressed = ["c", *label, "Enter"]
        for key in pressed:
            page.keyboard.press(key)
        keys.update("digit" if key.isdigit() and len(pressed) == 1 else key for key in pressed)
        while page.evaluate("decisions.count()") <= done:
            page.wait_for_timeout(1)
    return keys


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The review, running; its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "datacleanse", "review", "run", "--no-browser"],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        yield next(line for line in process.stdout if "http" in line).split()[-1]
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    main()
