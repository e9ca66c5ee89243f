"""The page in a real browser: nothing hostile runs, sorting and filtering work."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from datacleanse.storage.run_folder import RunFolder
from datacleanse_reports import read_view, write_reports
from tests.browser import until
from tests.browser import window as opened_window

SHOWN = """() => Array.from(document.querySelectorAll("#suspect-table > tbody"))
    .filter(body => !body.hidden).map(body => Number(body.dataset.rank))"""
VALUES = """key => Array.from(document.querySelectorAll("#suspect-table > tbody"))
    .map(body => body.dataset[key])"""


@pytest.fixture
def report(fabricated, tmp_path):
    fabricated.n_rows = 200
    folder = fabricated.write(tmp_path / "people")
    return write_reports(folder, top=120, formats=["html"])["html"]


@pytest.fixture
def load(report, window):
    """The report at an address within it."""
    return lambda address="": window.tab(report.as_uri() + address)


def shown(page):
    """Ranks of the rows that are not hidden, from top to bottom."""
    return page.evaluate(SHOWN)


def test_hostile_text_does_nothing_and_the_console_stays_empty(load, window):
    page = load()
    for summary in page.locator("#suspect-table .why > td > details > summary").all()[:20]:
        summary.click()
    page.locator("#suspect-table .more > summary").first.click()

    assert window.console == []
    assert page.evaluate("document.scripts.length") == 6
    assert page.locator("[onmouseover], iframe, object, embed, base").count() == 0
    assert page.evaluate("document.querySelectorAll('script[src], link[href^=http]').length") == 0


def test_the_console_is_really_watched(report, window):
    # Its own script is refused too, as the policy knows only the report's.
    hostile = "<script>console.error('ran')</script></body>"
    report.write_text(report.read_text().replace("</body>", hostile))
    window.tab(report.as_uri())

    assert len(window.console) == 1
    assert "Content Security Policy" in window.console[0]


def test_nothing_is_asked_of_any_network(report, window):
    asked = []
    window.context.on("request", lambda request: asked.append(request.url))
    page = window.tab(report.as_uri())
    refused = page.evaluate("fetch('http://127.0.0.1:9').then(() => 'sent', () => 'refused')")

    assert refused == "refused"
    assert {url.partition(":")[0] for url in asked} <= {"file", "data"}


def test_first_rows_by_rank_are_shown(load):
    page = load()

    assert list(range(1, 21)) == shown(page)
    assert page.locator("#shown").evaluate("e => e.value") == "first 20 of 120 rows"
    assert page.locator('th[data-key="rank"]').get_attribute("aria-sort") == "ascending"


def test_sorts_by_any_column(load, window):
    page = load("#all=1")
    for key in ("probability", "p", "weight", "row", "pair", "flag"):
        head = page.locator(f'th[data-key="{key}"]')
        if head.count():
            head.locator("button").click()
            head.locator("button").click()
            assert head.get_attribute("aria-sort") == "descending"
        else:
            page.locator("select[name=sort]").select_option(key)
            page.locator("#turn").click()
        values = page.evaluate(VALUES, key)
        known = [float(value) for value in values if value]

        assert sorted(known, reverse=True) == known
        assert all(value == "" for value in values[len(known) :])
    assert len(shown(page)) == 120
    assert window.console == []


def test_a_view_can_be_kept_as_an_address(load):
    page = load()
    page.locator('th[data-key="row"] button').click()
    page.locator("select[name=flag]").select_option("1")
    again = load(page.evaluate("location.hash"))

    assert len(shown(page)) == 8
    assert shown(again) == shown(page)


@pytest.mark.parametrize("verdict", ["likely wrong", "ambiguous", "unlike the rest", "fine"])
def test_filters_by_verdict_and_shows_it_in_words(load, report, verdict, tmp_path):
    view = read_view(RunFolder(tmp_path / "people"), top=120)
    page = load("#all=1")
    page.locator("select[name=verdict]").select_option(label=verdict)

    assert shown(page) == [each.rank for each in view.suspects if each.verdict == verdict]
    marks = page.locator("#suspect-table > tbody:not([hidden]) .verdict")
    words = set(marks.all_text_contents())
    assert words == (set() if verdict == "fine" else {verdict})
    assert "verdict=" in page.url


def test_all_rows_are_counted_by_verdict_on_the_first_screen(load, report, tmp_path):
    view = read_view(RunFolder(tmp_path / "people"), top=120)
    text = " ".join(load().locator(".verdicts").inner_text().split())
    assert text == " ".join(f"{verdict} {n}" for verdict, n in view.verdicts.items())
    assert sum(view.verdicts.values()) == 200


def test_a_run_without_verdicts_has_no_such_filter(report, window, tmp_path):
    folder = RunFolder(tmp_path / "people")
    table = pq.read_table(folder.audit_file)
    pq.write_table(table.drop_columns(["verdict", "copy_group"]), folder.audit_file)
    page = window.tab(write_reports(folder, top=120, formats=["html"])["html"].as_uri())

    assert page.locator("select[name=verdict], .verdict, .verdicts").count() == 0
    assert len(shown(page)) == 20
    assert window.console == []


def test_filters_by_flag(load):
    page = load("#flag=1")

    assert list(range(1, 9)) == shown(page)
    assert page.locator("#shown").evaluate("e => e.value") == "8 rows"


def test_filters_by_pair_of_labels(load):
    page = load("#all=1")
    option = page.locator("select[name=pair] option", has_text="yes → no (")
    n_rows = int(option.text_content().rpartition("(")[2].rstrip(")"))
    page.locator("select[name=pair]").select_option(option.get_attribute("value"))
    cells = page.locator("#suspect-table tbody:not([hidden]) tr:first-child td:nth-child(3)")

    assert cells.count() == n_rows > 5
    assert all(text.startswith("yes → no") for text in cells.all_text_contents())


def test_filters_by_probability(load, report):
    page = load("#all=1")
    page.locator("select[name=least]").select_option("0.5")
    probabilities = map(float, page.evaluate(VALUES, "probability"))
    expected = sum(probability >= 0.5 for probability in probabilities)

    assert 0 < expected < 120
    assert len(shown(page)) == expected


def test_a_pair_of_labels_leads_to_its_suspects(load):
    page = load()
    link = page.locator("#noise a[href^='#pair=']").first
    n_rows = int(link.text_content().split()[0])
    # The page hears of its new address after the click.
    page.evaluate(
        "() => { moved = new Promise(done => addEventListener('hashchange', () => done())) }"
    )
    link.click()
    page.evaluate("moved")

    assert page.locator("#shown").evaluate("e => e.value") == f"first 20 of {n_rows} rows"
    assert page.locator("#suspects").evaluate("e => e.getBoundingClientRect().top") < 200


def test_searches_the_rows_own_columns(fabricated, tmp_path, window):
    folder = fabricated.write(tmp_path / "people")
    report = write_reports(folder, top=60, formats=["html"])["html"]
    view = read_view(folder, top=60)
    wanted = next(suspect for suspect in view.suspects if suspect.rank == 17)
    page = window.tab(report.as_uri())
    page.locator("input[name=q]").fill(f"{wanted.row} of the USER")

    assert 17 in shown(page)
    texts = page.evaluate(
        """() => Array.from(document.querySelectorAll("#suspect-table > tbody:not([hidden])"))
        .map(body => (body.textContent + rowCells.text(Number(body.dataset.row))).toLowerCase())"""
    )
    assert len(texts) < 20
    assert all(word in text for text in texts for word in (str(wanted.row), "of", "the", "user"))


def test_a_word_that_names_a_column_finds_its_rows_and_shows_it(load):
    page = load("#q=col")

    assert shown(page) == list(range(1, 21))
    first = page.locator("#suspect-table tbody").first
    assert first.locator(".tells dt").all_text_contents() == ["col 2", "col 3", "age"]
    assert page.locator("#column-hint button").all_text_contents() == ["col 2", "col 3"]
    assert shown(load("#q=column")) == []


def test_an_opened_row_shows_its_cells_with_nothing_hidden(load):
    page = load()
    page.locator("#suspect-table summary").first.click()
    cells = page.locator("#suspect-table .cells").first
    cells.locator("tbody th").first.wait_for(state="attached")  # filled once the row is open
    names = cells.locator("tbody th").all_text_contents()

    assert names == ["person", "rank", "age", "=cmd()<b>", "=cmd()<b>", "col 2", "col 3"]
    text = page.evaluate("document.getElementById('cell-data').textContent")
    assert not {"\x00", "\u202e", "\x1b", "<"} & set(text)
    assert "\\\\u202e" in text


def test_an_address_that_means_nothing_is_ignored(load, window):
    page = load("#sort=%3Cscript%3E:up&pair=999&flag=x&q=")

    assert window.console == []
    assert list(range(1, 21)) == shown(page)


def test_pictures_are_shown_and_of_no_foreign_kind(fabricated, tmp_path, window):
    fabricated.with_pictures = True
    report = write_reports(fabricated.write(tmp_path / "p"), top=30, formats=["html"])["html"]
    page = window.tab(report.as_uri())
    page.locator("#more button").click()
    page.locator("#suspects [data-start-review]").click()

    until(page, "document.querySelectorAll('img.thumb').length === 30")
    # Those of the table load when they are scrolled to, those of the review at once.
    until(page, "document.querySelector('#review-row img').naturalWidth === 8")
    assert page.locator("#review-row img").count() == 4
    assert page.locator("#review-row figcaption").nth(1).text_content().startswith("verified: ")
    assert window.console == []


@pytest.mark.parametrize("width", [360, 768, 1280, 3840])
def test_the_page_fits_any_screen(width, report, browser):
    with opened_window(browser, viewport={"width": width, "height": 700}) as window:
        page = window.tab(report.as_uri())
        widest = page.evaluate("document.documentElement.scrollWidth")
        page.locator("#suspects [data-start-review]").click()
        in_review = page.locator("#review").evaluate("e => e.scrollWidth")

    assert widest <= width
    assert in_review <= width


def test_print_shows_the_report_and_no_controls(load):
    page = load()
    page.emulate_media(media="print")

    assert page.locator("#suspect-table").is_visible()
    for control in ("#filters", "#more", "nav", "[data-start-review] >> nth=0"):
        assert not page.locator(control).is_visible()


def test_without_scripts_all_suspects_are_listed(report, browser):
    with opened_window(browser, java_script_enabled=False) as window:
        page = window.context.new_page()
        page.goto(report.as_uri())

        assert page.locator("#suspect-table > tbody:visible").count() == 120
        assert page.locator("noscript p").is_visible()
        assert not page.locator("[data-start-review]").first.is_visible()


def test_a_search_without_a_row_says_what_was_searched_and_what_to_do(load):
    page = load("#q=nothing-has-this&flag=1")
    told = page.locator("#nothing")
    text = told.text_content()
    told.locator("button").click()

    assert "Nothing found for “nothing-has-this”. Searched: the 120 rows of this page" in text
    assert "The data has 200 rows" in text
    assert "datacleanse report RUN --top 480" in text
    assert len(shown(page)) == 20
    assert not told.is_visible()


def test_a_row_that_is_not_looked_at_is_not_laid_out_but_found(load):
    """Hundreds of rows are sorted at once, and the browser's own search finds each."""
    page = load("#all=1")
    last = page.locator("#suspect-table > tbody").last

    assert last.evaluate("row => getComputedStyle(row).contentVisibility") == "auto"
    text = last.locator("summary").first.text_content()
    assert page.evaluate("text => window.find(text)", text[:60])
