"""The page in a real browser: nothing hostile runs, sorting and filtering work."""

from __future__ import annotations

import html
import re
import shutil
import subprocess

import pytest

from datacleanse_reports import read_view, write_reports

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome on PATH")

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--dump-dom",
)


@pytest.fixture(scope="module")
def profile(tmp_path_factory):
    return tmp_path_factory.mktemp("profile")


@pytest.fixture
def page(fabricated, tmp_path):
    fabricated.n_rows = 200
    folder = fabricated.write(tmp_path / "people")
    return write_reports(folder, top=120, formats=["html"])["html"]


@pytest.fixture
def dump(profile):
    """Load a page at an address; give its document afterwards and the console's lines."""

    def load(page, address=""):
        command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", f"{page.as_uri()}{address}"]
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)
        errors = done.stderr.decode(errors="replace").splitlines()
        return done.stdout.decode(), [line for line in errors if "CONSOLE" in line]

    return load


ROW = re.compile(r"<tbody data-rank=\"(\d+)\"([^>]*)>(.*?)</tbody>", re.DOTALL)


def shown(document):
    """Ranks of the rows that are not hidden, from top to bottom, with their markup."""
    return {int(rank): body for rank, rest, body in ROW.findall(document) if "hidden" not in rest}


def test_hostile_text_does_nothing_and_the_console_stays_empty(page, dump):
    document, console = dump(page)

    assert console == []
    assert len(re.findall("<script", document)) == 1
    assert "onmouseover" not in re.sub(r">[^<]*<", "><", document)


def test_the_console_is_really_watched(page, dump):
    # Its own script is refused too, as the policy knows only the report's.
    page.write_text(page.read_text().replace("</body>", "<script>1</script></body>"))
    _, console = dump(page)

    assert any("Content Security Policy" in line for line in console)


def test_first_fifty_rows_by_rank_are_shown(page, dump):
    document, _ = dump(page)

    assert list(range(1, 51)) == list(shown(document))
    assert "first 50 of 120 rows" in document
    assert 'data-key="rank" aria-sort="ascending"' in document


@pytest.mark.parametrize("key", ["probability", "p", "weight", "row", "pair", "flag"])
def test_sorts_by_any_column(key, page, dump):
    document, console = dump(page, f"#sort={key}:desc&all=1")
    head = re.search(f'data-key="{key}"[^>]*', document).group()
    rests = [rest for _, rest, _ in ROW.findall(document)]
    values = [re.search(f'data-{key}="([^"]*)"', rest).group(1) for rest in rests]
    known = [float(value) for value in values if value]

    assert console == []
    assert 'aria-sort="descending"' in head
    assert len(shown(document)) == 120
    assert sorted(known, reverse=True) == known
    assert all(value == "" for value in values[len(known) :])


def test_filters_by_flag(page, dump):
    document, _ = dump(page, "#flag=1")

    assert list(range(1, 9)) == list(shown(document))
    assert "8 rows" in document


def test_filters_by_pair_of_labels(page, dump):
    document, _ = dump(page, "")
    options = re.findall(r'<option value="(\d+)">([^<]*)</option>', document)
    pair = next(value for value, text in options if text == "yes → no")
    document, _ = dump(page, f"#pair={pair}&all=1")

    assert shown(document)
    assert all("<bdi>yes</bdi></span> → <b><bdi>no</bdi>" in b for b in shown(document).values())


def test_searches_the_rows_own_columns(fabricated, tmp_path, dump):
    folder = fabricated.write(tmp_path / "people")
    page = write_reports(folder, top=60, formats=["html"])["html"]
    view = read_view(folder, top=60)
    wanted = next(suspect for suspect in view.suspects if suspect.rank == 17)
    document, _ = dump(page, f"#q={wanted.row}%20of%20the%20USER")

    assert 17 in shown(document)
    for body in shown(document).values():
        text = html.unescape(re.sub("<[^>]*>", " ", body)).lower()
        assert all(word in text for word in (str(wanted.row), "of", "the", "user"))


def test_search_does_not_find_column_names(page, dump):
    document, _ = dump(page, "#q=col")

    assert shown(document) == {}


def test_an_address_that_means_nothing_is_ignored(page, dump):
    document, console = dump(page, "#sort=%3Cscript%3E:up&pair=999&flag=x&q=")

    assert console == []
    assert list(range(1, 51)) == list(shown(document))
