"""Rows verified by keys in a real browser, and the file after kills.

`python -m benchmarks.review.verify_keys` gives 200 verdicts each on three sets in Chromium: a
table of two classes, a table of 77 classes whose names are typed, and pictures. It measures the
time from the key that makes a verdict to the next row on the page, and to the verdict on the disk.
Then it kills the server with SIGKILL at 20 random moments while verdicts are sent, and compares
the file with what was confirmed. Needs Playwright, a Chromium and Pillow.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright

from benchmarks.cost.made_table import write_made
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import read_result, write_result
from datacleanse.data import ReadOptions
from datacleanse.progress import SILENT
from datacleanse.review.drawn_rows import draw_from
from datacleanse.review.verified_file import read_verified_file
from datacleanse_cli.review_server import TOKEN_HEADER

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from datacleanse.review.drawn_rows import Drawing

RESULT = RESULTS / "verify_keys.json"

N_VERDICTS = 200
BOUND = 0.15
"""Seconds from a key to the next row that are allowed."""

N_CLASSES = 77

TIMER = """() => {
    // From the key to the next row as painted, its picture with it.
    window.taken = [];
    const row = document.getElementById("row");
    let started = 0;
    document.addEventListener("keydown", () => { started = performance.now(); }, true);
    new MutationObserver(() => {
        const begun = started, figure = row.querySelector("figure");
        const seen = figure && !figure.firstChild ? new Promise(go =>
            new MutationObserver(go).observe(figure, { childList: true })) : null;
        Promise.resolve(seen).then(() => requestAnimationFrame(() => setTimeout(
            () => window.taken.push(performance.now() - begun))));
    }).observe(row, { childList: true });
}"""


@dataclass(frozen=True)
class Case:
    """Something to verify."""

    name: str
    words: tuple[str, ...]
    """Of the command, without its file."""
    options: ReadOptions
    """How the command reads DATA."""


def main() -> None:
    """Verify, kill, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="0 keeps what is known of them")
    parser.add_argument("--seed", type=int, default=0, help="of verdicts and moments")
    arguments = parser.parse_args()
    found: dict[str, Any] = {"provenance": provenance(), "bound": BOUND, "cases": {}}
    # What others kept the machine busy with: it decides how long the longest takes.
    found["load_average"] = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        cases = make_cases(folder)
        for case in cases:
            note(case.name)
            found["cases"][case.name] = verify_by_keys(folder, case, seed=arguments.seed)
            note(str(found["cases"][case.name]))
        if arguments.kills:
            note("kills")
            found["kills"] = kill_often(folder, cases[0], arguments.kills, seed=arguments.seed)
        else:
            found["kills"] = read_result(RESULT)["kills"]
    write_result(RESULT, found, tables=())
    measures = list(next(iter(found["cases"].values())))
    rows = [
        [
            name,
            *(f"{each[m]:.3f}" if isinstance(each[m], float) else str(each[m]) for m in measures),
        ]
        for name, each in found["cases"].items()
    ]
    print(markdown_table(["case", *measures], rows))
    print(f"\nKills: {found['kills']}")


def make_cases(folder: Path) -> list[Case]:
    """Write a table of two classes, one of many, and pictures."""
    data, _ = write_made(folder, 2000, suffix=".csv", seed=0)
    rng = np.random.default_rng(0)
    names = [f"{'abcdefghijklmnopqrstuvwxyz'[i % 26]}-class {i:02d}" for i in range(N_CLASSES)]
    many = pd.DataFrame(rng.normal(size=(2000, 12)), columns=[f"x{i}" for i in range(12)])
    many["label"] = rng.choice(names, 2000)
    many.to_csv(folder / "many.csv", index=False)
    _write_pictures(folder / "pictures", rng)
    label = pd.read_csv(data, nrows=1).columns[-1]
    return [
        Case("table", (str(data), "--label", label), ReadOptions(label=label)),
        Case("77 classes", (str(folder / "many.csv"),), ReadOptions()),
        Case("pictures", (str(folder / "pictures"),), ReadOptions()),
    ]


def _write_pictures(root: Path, rng: np.random.Generator) -> None:
    """Write photographs of the usual size in class folders."""
    from PIL import Image

    for name in ("cat", "dog", "horse"):
        (root / name).mkdir(parents=True)
        for i in range(100):
            coarse = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8))
            sink = io.BytesIO()
            coarse.resize((1024, 768)).save(sink, "JPEG")
            (root / name / f"{i:03d}.jpg").write_bytes(sink.getvalue())


def verify_by_keys(folder: Path, case: Case, *, seed: int) -> dict[str, Any]:
    """Give 200 verdicts by keys; how long each took, and what the file holds then."""
    file = folder / f"{case.name}.jsonl"
    options = {"seed": 0, "by_class": False, "progress": SILENT}
    drawing = draw_from(case.words[0], case.options, N_VERDICTS, **options)  # type: ignore[arg-type]
    rng = random.Random(seed)
    wanted = {
        each.row: each.given_label if rng.random() < 0.8 else rng.choice(drawing.classes)
        for each in drawing.rows
    }
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    with _served(case, file) as (_, address), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        while case.name == "pictures" and not page.locator("figure img").count():
            page.wait_for_timeout(20)
        page.evaluate(TIMER)
        started = time.perf_counter()
        _press(page, drawing, wanted)
        seconds = time.perf_counter() - started
        while page.evaluate("verdicts.waiting()"):
            page.wait_for_timeout(20)
        taken = np.array(page.evaluate("window.taken")[:N_VERDICTS]) / 1000
        browser.close()
    last = read_verified_file(file).last
    return {
        "verdicts": len(taken),
        "median_seconds": float(np.median(taken)),
        "seconds_of_95_percent": float(np.quantile(taken, 0.95)),
        "longest_seconds": float(taken.max()),
        "script_seconds_a_row": seconds / N_VERDICTS,
        "saved": len(last),
        "wrong_verdicts": sum(last[row].label != label for row, label in wanted.items()),
    }


def _press(page: Page, drawing: Drawing, wanted: dict[int, str]) -> None:
    """Press what a person would, and wait for the next row each time."""
    digits = {label: str(i + 1) for i, label in enumerate(drawing.classes)}
    for number, each in enumerate(drawing.rows):
        label = wanted[each.row]
        if label == each.given_label:
            page.keyboard.press("Enter")
        elif len(drawing.classes) <= 9:
            page.keyboard.press(digits[label])
        else:
            page.keyboard.type(label)
            page.keyboard.press("Enter")
        while page.evaluate("window.taken.length") <= number:
            page.wait_for_timeout(15)


@contextmanager
def _served(case: Case, file: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, running, and the address that it printed."""
    words = ["verify", *case.words, "-n", str(N_VERDICTS), "-o", str(file), "--no-browser", "-q"]
    process = subprocess.Popen(
        [sys.executable, "-m", "datacleanse", *words], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        address = next(line for line in process.stdout if "http" in line).split()[-1]
        yield process, address
    finally:
        process.kill()
        process.communicate()


def kill_often(folder: Path, case: Case, n: int, *, seed: int) -> dict[str, Any]:
    """Kill the server while verdicts are sent as fast as it takes them; is any of them lost?"""
    file, rng = folder / "killed.jsonl", random.Random(seed)
    drawing = draw_from(
        case.words[0], case.options, N_VERDICTS, seed=0, by_class=False, progress=SILENT
    )
    confirmed: list[dict[str, Any]] = []
    for _ in range(n):
        with _served(case, file) as (process, address):
            Thread(target=_kill_after, args=(process, rng.uniform(0.05, 1.0))).start()
            _send_until_killed(address, drawing, confirmed, rng)
    read_verified_file(file)  # refuses a file that is damaged
    lines = [json.loads(line) for line in file.read_bytes().splitlines() if line.endswith(b"}")]
    written = iter([(each["row"], each["label"]) for each in lines])
    # In the order in which they were confirmed; between them may be some that were not.
    lost = [each for each in confirmed if (each["row"], each["label"]) not in written]
    return {
        "provenance": provenance(),
        "kills": n,
        "confirmed": len(confirmed),
        "lines": len(lines),
        "confirmed_lost": len(lost),
    }


def _kill_after(process: subprocess.Popen[str], seconds: float) -> None:
    time.sleep(seconds)
    process.kill()


def _send_until_killed(
    address: str, drawing: Drawing, confirmed: list[dict[str, Any]], rng: random.Random
) -> None:
    """Send verdicts one after the other; those that were confirmed are added to the list."""
    place = urlsplit(address)
    headers = {TOKEN_HEADER: place.query.removeprefix("token=")}
    try:
        while True:
            # All but one: there is something left to be asked about.
            row = rng.choice(drawing.rows[:-1]).row
            verdict = {"row": row, "action": "relabel", "label": rng.choice(drawing.classes)}
            connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
            connection.request("POST", "/verdicts", json.dumps(verdict), headers)
            reply = connection.getresponse()
            reply.read()
            if reply.status != 200:
                raise RuntimeError(f"refused with {reply.status}")
            confirmed.append(verdict)
    except (OSError, http.client.HTTPException):
        return


if __name__ == "__main__":
    main()
