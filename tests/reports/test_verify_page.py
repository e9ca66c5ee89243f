"""The page of a verification in a real browser: one key a row, whatever the classes are."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from datacleanse.review.verification import WrongShare
from datacleanse.review.verified_file import read_verified_file
from datacleanse_reports.verification import say_more
from tests.accessibility import SCREENS, list_violations
from tests.browser import until
from tests.browser import window as opened_window
from tests.cli.test_verify import serve
from tests.pictures.made import CLASSES, class_folders
from tests.review.verifying import draw, write_data

__all__ = ["serve"]  # a fixture


@pytest.fixture
def file(tmp_path):
    return tmp_path / "verified.jsonl"


def saved(page, file):
    """The verdicts in the file once all is confirmed."""
    until(page, "verdicts.waiting() === 0")
    if not file.exists():
        return {}
    last = read_verified_file(file).last
    return {row: (each.action, each.label) for row, each in last.items()}


def current(page):
    return int(page.locator("#heading").text_content().split()[1])


def many_classes(path, n=300):
    """A table of 77 classes, whose names begin with every letter that is a command, too."""
    names = [f"{first} {i:02d}" for i, first in zip(range(77), "abusxyz" * 11, strict=True)]
    rows = [{"x": i, "z": (i * 7) % 13, "label": names[i % 77]} for i in range(n)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return names


def test_keys_judge_one_row_each(tmp_path, file, serve, window):
    truth = write_data(tmp_path / "data.csv")
    drawing = draw(tmp_path / "data.csv", 40, id="key")
    with serve(drawing) as server:
        page = window.tab(server.address)
        for each in drawing.rows:
            assert current(page) == each.row
            right = each.given_label == truth[each.row]
            page.keyboard.press("Enter" if right else "12"[["no", "yes"].index(truth[each.row])])
        found = saved(page, file)
        wrong = sum(each.given_label != truth[each.row] for each in drawing.rows)
        until(page, f"document.querySelector('#share').textContent.startsWith('Wrong: {wrong} of')")

        assert page.locator("#heading").text_content() == "All rows are verified"
        assert "± 3 points" in page.locator("#share").text_content()
    assert {row: label for row, (_, label) in found.items()} == {
        each.row: truth[each.row] for each in drawing.rows
    }
    assert sum(action == "relabel" for action, _ in found.values()) == wrong
    assert window.console == []


def test_undo_and_unsure_even_after_a_reload(tmp_path, file, serve, window):
    write_data(tmp_path / "data.csv")
    drawing = draw(tmp_path / "data.csv", 10)
    rows = [each.row for each in drawing.rows]
    with serve(drawing) as server:
        page = window.tab(server.address)
        for key in ("Enter", "?", "s", "Enter"):
            page.keyboard.press(key)
        page.keyboard.press("Backspace")
        assert current(page) == rows[3]
        assert saved(page, file).keys() == set(rows[:3])
        page.reload()
        page.wait_for_selector("html[data-ready]")
        assert current(page) == rows[3]
        page.keyboard.press("u")
        assert current(page) == rows[2]
        page.keyboard.press("ArrowLeft")
        assert page.locator("#row .verdict").text_content() == "So far: unsure"
        page.keyboard.press("Enter")
        page.keyboard.press("u")
        assert page.locator("#row .verdict").text_content() == "So far: unsure"
        found = saved(page, file)

    assert {row: action for row, (action, _) in found.items()} == {
        rows[0]: "keep",
        rows[1]: "unsure",
    }


def test_blind_mode_hides_the_given_label_and_wants_a_choice(tmp_path, file, serve, window):
    write_data(tmp_path / "data.csv")
    drawing = draw(tmp_path / "data.csv", 10)
    with serve(drawing, is_blind=True) as server:
        page = window.tab(server.address)
        page.keyboard.press("Enter")
        hidden = page.locator("main").inner_text()
        assert current(page) == drawing.rows[0].row
        assert "Given label hidden" in hidden
        assert "given" not in hidden.replace("Given label hidden", "")
        page.keyboard.press("2")
        page.keyboard.press("b")
        assert "Given label: " in page.locator("main").inner_text()
        page.keyboard.press("Enter")
        saved(page, file)
        last = read_verified_file(file).last

    assert [each.blind for each in last.values()] == [True, False]
    assert last[drawing.rows[0].row].label == "yes"


def test_seventy_seven_classes_are_found_by_typing(tmp_path, file, serve, window):
    names = many_classes(tmp_path / "data.jsonl")
    drawing = draw(tmp_path / "data.jsonl", 20, numeric=("x", "z"))
    rows = [each.row for each in drawing.rows]
    wanted = [names[(7 * i + 3) % 77] for i in range(6)]
    with serve(drawing, new_classes=["quite new"]) as server:
        page = window.tab(server.address)
        for name in wanted:
            page.keyboard.type(name[0])
            page.keyboard.type(name[1:])
            page.keyboard.press("Enter")
        page.keyboard.type("quite")
        page.keyboard.press("Enter")
        page.keyboard.type("12")
        page.keyboard.press("z")
        page.keyboard.press("Escape")
        page.keyboard.press("Shift+U")
        assert current(page) == rows[8]
        page.keyboard.press("Shift+B")
        assert "Given label hidden" in page.locator("main").inner_text()
        found = saved(page, file)

    assert [found[row][1] for row in rows[:6]] == wanted
    assert found[rows[6]][1] == "quite new"
    assert list(found) == rows[:8]
    assert window.console == []


def test_classes_called_by_digits_are_chosen_by_these(tmp_path, file, serve, window):
    table = "".join(f"{i},{(i * 3) % 7},{i % 10}\n" for i in range(100))
    (tmp_path / "data.csv").write_text("x,z,digit\n" + table)
    drawing = draw(tmp_path / "data.csv", 5, label="digit", numeric=("x", "z"))
    with serve(drawing) as server:
        page = window.tab(server.address)
        page.keyboard.press("0")
        page.keyboard.press("7")
        found = saved(page, file)

    assert [label for _, label in found.values()] == ["0", "7"]


def test_a_held_key_judges_one_row(tmp_path, file, serve, window):
    write_data(tmp_path / "data.csv")
    with serve(draw(tmp_path / "data.csv", 10)) as server:
        page = window.tab(server.address)
        for _ in range(5):
            page.keyboard.down("Enter")
        page.keyboard.up("Enter")

        assert len(saved(page, file)) == 1


def test_pictures_are_large_and_their_paths_stay_hidden_when_blind(tmp_path, file, serve, window):
    root = class_folders(tmp_path / "pets", CLASSES, 10, size=(60, 40))
    drawing = draw(root, 6)
    with serve(drawing) as server:
        page = window.tab(server.address)
        until(page, "document.querySelector('.photograph img')?.naturalWidth === 60")
        box = page.locator(".photograph img").bounding_box()
        assert box["height"] > 300
        assert drawing.rows[0].id in page.locator("#heading").text_content()
        page.keyboard.press("b")
        assert not any(name in page.locator("#row").inner_html() for name in CLASSES)
        for _ in drawing.rows:
            page.keyboard.press("1")
        found = saved(page, file)

    assert {label for _, label in found.values()} == {"cat"}
    assert window.console == []


def test_hostile_cells_and_labels_are_only_text(tmp_path, file, serve, window):
    bad = '</script><img src=x onerror="document.title=1">'
    rows = [{"x": i, bad: f"{bad}{i % 5}", "label": [bad, "=1+1\u202e"][i % 2]} for i in range(40)]
    path = tmp_path / "data.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    drawing = draw(path, 5, numeric=("x",), categorical=(bad,))
    with serve(drawing) as server:
        page = window.tab(server.address)
        page.keyboard.press("1")
        found = saved(page, file)

        assert page.locator("main img").count() == 0
        assert bad in page.locator("#row").inner_text()
    assert len(found) == 1
    assert window.console == []


@pytest.mark.parametrize("screen", SCREENS)
def test_axe_finds_no_violation(screen, tmp_path, serve, browser):
    many_classes(tmp_path / "data.jsonl")
    drawing = draw(tmp_path / "data.jsonl", 8, numeric=("x", "z"))
    with serve(drawing) as server, opened_window(browser, **SCREENS[screen]) as window:
        page = window.tab(server.address)
        found = list_violations(page)
        page.locator("#search").focus()
        page.evaluate("document.querySelector('#help').hidden = false")
        found += list_violations(page)
        page.locator("#heading").click()
        for _ in range(8):
            page.keyboard.press("Enter")
        found += list_violations(page)

    assert found == []


def test_how_many_more_rows_it_takes_is_told_only_when_enough_are_judged():
    share = WrongShare(3, 0, 0, 0.0, 0.0, 0.5, 60, is_all=False)
    assert say_more(share) == ""
    assert say_more(replace(share, n_judged=29)) == ""
    told = say_more(replace(share, n_judged=30, n_more=40))
    assert told == "about 40 more rows would narrow it to ± 3 points"
