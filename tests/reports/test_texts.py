"""Texts in the report: words marked, long ones cut, hostile ones harmless."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import datacleanse as dc
from datacleanse_reports import read_view, write_reports
from datacleanse_reports.formats.html import render_page
from tests.auditing.test_text_audit import SHORT, made

HOSTILE = '<script>alert(1)</script> "card" &amp; waiting'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    data, clean = made(120, seed=0, wrong=0.15), made(45, seed=1)
    data = data.drop(columns="age")
    clean = clean.drop(columns="age")
    result = dc.audit(data, val=clean, out=tmp_path_factory.mktemp("texts") / "run", **SHORT)
    return result.folder


@pytest.fixture(scope="module")
def view(folder):
    return read_view(folder, top=100)


def test_the_reason_names_the_words_that_speak_for_the_suggestion(view):
    told = [each for each in view.suspects if each.suggested_label and each.terms]
    assert len(told) > 5
    for each in told:
        words = ", ".join(each.terms)
        assert f"speaks for {each.suggested_label}: {words}" in each.reason
        assert all(word in each.cells[0].casefold() for word in each.terms)


def test_words_are_marked_and_markup_is_not(view):
    first = replace(view.suspects[0], cells=(HOSTILE,), terms=("card", "script"))
    page = render_page(replace(view, suspects=(first, *view.suspects[1:])))
    text = "&lt;<mark>script</mark>&gt;alert(1)&lt;/<mark>script</mark>&gt; &#34;<mark>card</mark>"
    assert text in page
    assert "<script>alert(1)" not in page


def test_a_text_of_a_million_signs_is_cut_and_says_so(view):
    first = replace(view.suspects[0], cells=("卡 card " * 170_000,))
    page = render_page(replace(view, suspects=(first, *view.suspects[1:])))
    assert "(1,190,000 characters)" in page
    assert len(page.encode()) < 1_500_000


def test_five_hundred_long_texts_leave_the_page_small(view):
    rng = np.random.default_rng(0)
    signs = np.array(list("卡片还没有到请问怎么办"))
    many = tuple(
        replace(view.suspects[0], rank=k + 1, row=k, cells=("".join(rng.choice(signs, 3000)),))
        for k in range(500)
    )
    assert len(render_page(replace(view, suspects=many)).encode()) < 1_500_000


def test_in_the_browser_the_same_words_are_marked_and_found(folder, view, window):
    page_file = write_reports(folder, top=100, formats=["html"])["html"]
    each = next(s for s in view.suspects if s.terms)
    page = window.tab(f"{page_file.as_uri()}#row={each.row}")
    body = page.locator(f'tbody[data-row="{each.row}"]')
    body.locator("summary").first.click()
    marked = body.locator(".beside mark").all_text_contents()
    assert {word.lower() for word in marked} == set(each.terms)
    page.locator('input[name="q"]').fill(" ".join(each.terms))
    page.wait_for_timeout(400)
    assert body.is_visible()
    assert not window.console
