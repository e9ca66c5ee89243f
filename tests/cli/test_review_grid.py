"""The grid of pictures: selected by click and key, decided at once, the originals on demand."""

from __future__ import annotations

import http.client
import io
import json
import shutil
from urllib.parse import urlencode, urlsplit

import pytest
from PIL import Image

from datacleanse.review.decisions import read_decisions
from datacleanse.storage.run_folder import RunFolder
from datacleanse_cli.review_server import TOKEN_HEADER
from tests.accessibility import SCREENS, list_violations
from tests.browser import until
from tests.browser import window as opened_window
from tests.cli.conftest import run_here
from tests.cli.serving import running
from tests.pictures.made import CLASSES, class_folders, picture

N = 24
"""Pictures."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A finished run of class folders without verified rows; for copying."""
    folder = tmp_path_factory.mktemp("made")
    class_folders(folder / "data", CLASSES, N // 2, size=(300, 200))
    done = run_here("audit", "data", "--epochs", "2", "--fast", "-q", "-o", "run", cwd=folder)
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def place(made, tmp_path):
    shutil.copytree(made, tmp_path / "work")
    return tmp_path / "work"


@pytest.fixture
def serve(place):
    def served():
        return running("review", "run", "--no-browser", cwd=place)

    return served


@pytest.fixture
def grid(window):
    def opened(address):
        page = window.tab(address)
        page.locator("#grid-offer").click()
        return page

    return opened


def last(place):
    return read_decisions(RunFolder(place / "run").decisions_file).last


def settle(page):
    until(page, "decisions.waiting() === 0")


def rows_of(page, tiles=".tile"):
    found = page.locator(tiles).evaluate_all("tiles => tiles.map(tile => tile.dataset.row)")
    return [int(row) for row in found]


def selected(page):
    return rows_of(page, ".tile[aria-selected=true]")


def fetch(address, path, token=True):
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
    secret = where.query.removeprefix("token=")
    connection.request("GET", path, headers={TOKEN_HEADER: secret} if token else {})
    reply = connection.getresponse()
    return reply.status, reply.read()


def test_keys_decide_one_picture_after_the_other(serve, grid, place, window):
    with serve() as (process, address):
        page = grid(address)
        rows = rows_of(page)
        for key in "qen":
            page.keyboard.press(key)
        page.keyboard.press("2")
        page.keyboard.press("u")
        settle(page)
        assert page.locator("#grid-pace").text_content().startswith(f"3 of {N} decided")
        del process
    assert len(rows) == N
    assert {row: d.action for row, d in last(place).items()} == dict(
        zip(rows, ("keep", "drop", "unsure"), strict=False)
    )
    assert window.console == []


def test_a_link_opens_the_grid_at_its_picture_and_is_copied_by_a_key(serve, place, browser):
    allowed = ["clipboard-read", "clipboard-write"]
    with serve() as (_, address), opened_window(browser, permissions=allowed) as window:
        first = window.tab(address)
        suspect = first.evaluate("reviewData.suspects[17]")
        assert suspect["id"].endswith(".png")
        page = window.tab(f"{address}#sort=row%3Aasc&{urlencode({'id': suspect['id']})}&view=grid")
        assert page.locator("#grid").is_visible()
        assert page.locator(".tile.current").get_attribute("data-row") == str(suspect["row"])
        assert page.title().startswith(f"Row {suspect['row']} · {suspect['id']}")
        assert page.evaluate("document.activeElement.id") == "grid-tiles"
        page.keyboard.press("l")
        until(
            page,
            "document.querySelector('#grid [data-do=link] span').textContent === 'Link copied'",
        )
        assert page.evaluate("navigator.clipboard.readText()") == page.url
        page.keyboard.press("ArrowRight")
        assert not page.title().startswith(f"Row {suspect['row']} ")
        page.keyboard.press("Escape")
        until(page, "!document.querySelector('dialog[open]')")
        until(page, "document.title.startsWith('Label audit')")
        assert page.locator("#no-row").is_hidden()
        page.evaluate("location.hash = '#id=cat/none.png&view=grid'")
        until(page, "!document.getElementById('no-row').hidden")
        assert page.locator("#grid").is_hidden()
        # A picture's hash is nothing that people read.
        assert "sha256" not in page.evaluate("rowCells.columns")


def test_clicks_and_keys_select_and_one_key_decides_and_undoes_all(serve, grid, place):
    with serve() as (process, address):
        page = grid(address)
        rows, tiles = rows_of(page), page.locator(".tile")
        tiles.nth(1).click()
        tiles.nth(4).click(modifiers=["Shift"])
        tiles.nth(2).click()
        assert selected(page) == [rows[1], rows[3], rows[4]]
        page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press(" ")
        assert selected(page) == rows[1:4]
        page.keyboard.press("e")
        settle(page)
        until(page, "decisions.count() === 3")
        assert selected(page) == []
        page.keyboard.press("u")
        settle(page)
        assert page.evaluate("decisions.count()") == 0
        page.keyboard.press("a")
        assert len(selected(page)) == N
        page.keyboard.press("Escape")
        assert selected(page) == []
        page.keyboard.press("a")
        page.keyboard.press("q")
        settle(page)
        until(page, f"decisions.count() === {N}")
        del process
    assert {d.action for d in last(place).values()} == {"keep"}
    assert len({d.group for d in last(place).values()}) == 1


def test_originals_come_under_the_token_at_the_size_asked_for(serve, place):
    with serve() as (process, address):
        status, content = fetch(address, "/pictures/512/3")
        statuses = [
            fetch(address, path)[0]
            for path in ("/pictures/512/99", "/pictures/500/3", "/pictures/512/-1", "/pictures/3")
        ]
        stranger = fetch(address, "/pictures/512/3", token=False)[0]
        del process

    assert (status, stranger) == (200, 403)
    assert Image.open(io.BytesIO(content)).size == (300, 200)
    assert statuses == [404] * 4


def test_a_large_original_is_made_as_small_as_the_screen(serve, place):
    path = next((place / "data").rglob("*.png"))
    del path
    with serve() as (process, address):
        sizes = {
            size: Image.open(io.BytesIO(fetch(address, f"/pictures/{size}/3")[1])).size
            for size in (512, 4096)
        }
        del process
    assert sizes == {512: (300, 200), 4096: (300, 200)}


def test_zoom_shows_the_original_and_keys_go_on_there(serve, grid, place):
    with serve() as (process, address):
        page = grid(address)
        rows = rows_of(page)
        page.keyboard.press("z")
        until(page, "document.querySelector('#zoom-picture img').naturalWidth === 300")
        page.keyboard.press("q")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("e")
        settle(page)
        page.keyboard.press("Escape")
        assert not page.locator("#zoom").is_visible()
        assert page.locator("#grid").is_visible()
        del process
    assert {row: d.action for row, d in last(place).items()} == {rows[0]: "keep", rows[2]: "drop"}


def test_a_picture_without_a_suggestion_is_not_offered_one(serve, grid, place):
    with serve() as (process, address):
        page = grid(address)
        row = rows_of(page)[1]
        page.evaluate(
            "row => reviewData.suspects.forEach(s => { s.suggested = s.row === row ? null : 0; })",
            row,
        )
        offered = []
        for _ in range(3):
            page.keyboard.press("z")
            told = "W change to" in page.locator("#zoom-keys").text_content()
            page.keyboard.press("Escape")
            assert page.locator('#grid [data-do="accept"]').is_visible() == told
            offered.append(told)
            page.keyboard.press("ArrowRight")
        page.keyboard.press("a")
        assert page.locator('#grid [data-do="accept"]').is_visible()
        del process
    assert offered == [True, False, True]


def test_a_picture_that_changed_or_vanished_is_said_and_not_decided_silently(serve, grid, place):
    with serve() as (process, address):
        page = grid(address)
        rows = rows_of(page)
        names = {s["row"]: s["id"] for s in page.evaluate("reviewData.suspects")}
        page.keyboard.press("Escape")
        (place / "data" / names[rows[0]]).write_bytes(picture(99))
        (place / "data" / names[rows[1]]).unlink()
        page.reload()
        page.wait_for_selector("html[data-ready]")
        page.locator("#grid-offer").click()
        until(page, "document.querySelectorAll('.tile .wrong:not(:empty)').length === 2")
        said = [page.locator(".tile .wrong").nth(i).text_content() for i in range(2)]
        page.keyboard.press("q")
        until(page, "document.getElementById('ask').open")
        asked = page.locator("#ask-text").text_content()
        assert asked.startswith(f"Row {rows[0]} ('")
        assert "): The picture has changed" in asked
        assert page.locator(":focus").get_attribute("data-do") == "no"
        page.keyboard.press("Enter")
        until(page, "decisions.count() === 0")
        page.keyboard.press("a")
        page.keyboard.press("q")
        until(page, "document.getElementById('ask').open")
        assert not (place / "run" / "decisions.jsonl").exists()
        page.locator('#ask [data-do="yes"]').click()
        until(page, f"decisions.count() === {N}")
        del process
    assert "changed" in said[0]
    assert "gone" in said[1]
    assert len(last(place)) == N


def test_a_folder_that_is_gone_is_said_and_small_pictures_are_shown(serve, grid, place):
    (place / "data").rename(place / "moved")
    with serve() as (process, address):
        page = grid(address)
        page.keyboard.press("q")
        settle(page)
        process.terminate()
        _, err = process.communicate(timeout=20)
    assert "The pictures themselves cannot be shown" in err
    assert len(last(place)) == 1


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_no_violation(screen, serve, browser):
    with serve() as (process, address), opened_window(browser, **SCREENS[screen]) as window:
        page = window.tab(address)
        page.locator("#bulk-offer").click()
        of_bulk = list_violations(page, "dialog[open]")
        page.keyboard.press("Escape")
        page.locator("#grid-offer").click()
        for key in ("q", " ", "ArrowRight", "?"):
            page.keyboard.press(key)
        of_grid = list_violations(page)
        page.locator('#grid [data-do="zoom"]').click()
        of_zoom = list_violations(page, "dialog[open]")
        page.evaluate("void ask('Row 1 is another one by now.')")
        of_question = list_violations(page, "dialog[open]")
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        del process

    assert (of_bulk, of_grid, of_zoom, of_question) == ([], [], [], [])
    assert wide <= 0


def test_a_class_of_80_characters_fits(place, browser):
    long = "a very long name of a class that nobody would ever want to type " * 2
    (place / "data" / "dog").rename(place / "data" / long[:80].strip())
    done = run_here("audit", "data", "--epochs", "2", "--fast", "-q", "-o", "long", cwd=place)
    assert done.code == 0, done.err
    with (
        running("review", "long", "--no-browser", cwd=place) as (process, address),
        opened_window(browser, **SCREENS["phone"]) as window,
    ):
        page = window.tab(address)
        page.locator("#grid-offer").click()
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        tall = page.evaluate("document.getElementById('grid-tiles').clientHeight")
        page.keyboard.press("1")
        settle(page)
        del process
    assert wide <= 0
    assert tall > 250
    assert json.loads((place / "long" / "decisions.jsonl").read_text())["row"] >= 0
