"""A review by keys in a real browser, from the first audit to the second.

`python -m benchmarks.review.keys` audits scikit-learn's handwritten digits with 30 % of the labels
changed, serves the review, and presses for each of the first 200 suspects the key that someone who
knows the truth would press. Then `apply`, and an audit of the cleaned table with `--decisions`.
`benchmarks.review.rounds` compares ways of going on, over several draws. Needs Playwright and a
Chromium.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

import datacleanse as dc
from benchmarks.record import RESULTS, markdown_table, note, provenance
from benchmarks.results_files import write_result
from benchmarks.review.rounds import drawn, judged
from datacleanse.review.decisions import read_decisions
from datacleanse_cli.review_server import ReviewServer
from datacleanse_reports.served import ServedReview

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from datacleanse.storage.run_folder import RunFolder

RESULT = RESULTS / "review_keys.json"
N_REVIEWED = 200


def main() -> None:
    """Audit, review, apply, audit again; print and keep."""
    with tempfile.TemporaryDirectory() as directory:
        found = one(Path(directory), seed=0)
    write_result(RESULT, {"provenance": provenance(), **found}, tables=())
    rounds = found["rounds"]
    measures = list(rounds["first"])
    rows = [[name, *(f"{each[m]:.3f}" for m in measures)] for name, each in rounds.items()]
    print(markdown_table(["round", *measures], rows))
    print(f"\nKeys: {found['keys']}; {found['seconds_a_row']:.3f} s a row; saved: {found['saved']}")


def one(folder: Path, seed: int) -> dict[str, Any]:
    """Both rounds on one draw."""
    data, clean, test, truth = drawn(folder, seed)
    settings: dict[str, Any] = {"label": "digit", "id": "key", "test": test, "seed": seed}
    note("first audit")
    first = dc.audit(data, val=clean, out=folder / "first", **settings)
    top = first.table.sort_values("rank").head(N_REVIEWED)
    note("review")
    with served(first.folder) as address:
        started = perf_counter()
        keys = reviewed(address, dict(zip(top["row"], top["id"], strict=True)), truth)
        seconds = perf_counter() - started
    saved = read_decisions(first.folder.decisions_file).last
    note("apply, second audit")
    cleaned = dc.apply(folder / "first", out=folder / "cleaned.csv").cleaned
    second = dc.audit(
        cleaned, val=clean, decisions=folder / "first", out=folder / "second", **settings
    )
    seen = set(top["id"])
    rounds = {"first": judged(first, seen, truth), "second": judged(second, seen, truth)}
    return {
        "keys": dict(keys),
        "seconds_a_row": seconds / N_REVIEWED,
        "saved": len(saved),
        "wrong_decisions": sum(each.label != truth[each.id] for each in saved.values()),
        "rounds": rounds,
    }


@contextmanager
def served(folder: RunFolder) -> Iterator[str]:
    """The address of a review of the run."""
    with ReviewServer(ServedReview(folder, first=1, reviewer="benchmark")) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.address
        server.shutdown()
        thread.join()


def reviewed(address: str, ids: dict[int, str], truth: dict[str, str]) -> Counter[str]:
    """Press a key for each suspect; which ones were pressed how often."""
    path = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))))
    keys: Counter[str] = Counter()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("html[data-ready]")
        page.locator("#suspects [data-start-review]").click()
        for row, name in ids.items():
            assert page.locator("#review-heading").text_content().startswith(f"Row {row}: ")  # type: ignore[union-attr]
            keys[decide(page, row, truth[name])] += 1
        while page.evaluate("decisions.waiting()"):
            page.wait_for_timeout(20)
        browser.close()
    return keys


def decide(page: Page, row: int, label: str) -> str:
    """Give the row its true label; by which key."""
    key = page.evaluate(
        """([row, label]) => {
            const suspect = reviewData.suspects.find(each => each.row === row);
            const code = reviewData.labels.indexOf(label);
            if (suspect.given === code) return "q";
            if (suspect.suggested === code) return "w";
            const buttons = Array.from(document.querySelectorAll("#review-classes button"));
            const place = buttons.findIndex(button => Number(button.dataset.label) === code);
            return place < 0 ? "" : String(place + 1);
        }""",
        [row, label],
    )
    if key:
        page.keyboard.press(key)
        return key if key in "qw" else "digit"
    page.locator("#review-other select").select_option(label=label)
    return "list"


if __name__ == "__main__":
    main()
