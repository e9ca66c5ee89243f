"""What the page embeds: held to its size, and nothing in it can break out."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from datacleanse.data.packing import CONTENT_MARK
from datacleanse_reports import read_view, write_reports
from datacleanse_reports.companions import read_companions
from datacleanse_reports.formats.html import render_page
from datacleanse_reports.page import Serving, choose_pictures, count_pairs
from datacleanse_reports.suspect import Picture
from tests.reports.conftest import HOSTILE


class Elements(HTMLParser):
    """Scripts and their texts, and all attributes, as a browser would see them."""

    def __init__(self, page):
        super().__init__()
        self.scripts, self.attributes, self._inside = [], set(), False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.attributes |= {name for name, _ in attrs}
        self._inside = tag == "script"
        if self._inside:
            self.scripts.append([dict(attrs).get("id"), ""])

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "script"

    def handle_data(self, data):
        if self._inside:
            self.scripts[-1][1] += data


def embedded(page, name):
    return json.loads(next(text for id_, text in Elements(page).scripts if id_ == name))


@pytest.fixture
def view(hostile_run):
    return read_view(hostile_run, top=60)


def test_hostile_text_stays_within_its_place(view):
    elements = Elements(render_page(view))

    assert [id_ for id_, _ in elements.scripts] == [
        "early",
        "cell-data",
        "beside-data",
        "picture-data",
        "review-data",
        None,
    ]
    assert not any(name.startswith("on") for name in elements.attributes)


def test_cells_are_embedded_with_nothing_hidden_and_nothing_lost(view):
    data = embedded(render_page(view), "cell-data")

    assert data["rows"] == [suspect.row for suspect in view.suspects]
    texts = {cell for cells in data["cells"] for cell in cells if cell}
    assert "<script>console.error('ran')</script>" in texts
    assert "line one\nline two" in texts
    assert "right\\u202eto left\\u200f" in texts
    assert "nul\\x00bell\\x07esc\\x1b[31m" in texts


def test_what_decisions_are_made_of_is_embedded_as_it_is(fabricated, tmp_path):
    fabricated.classes = HOSTILE[:-1]
    view = read_view(fabricated.write(tmp_path / "labels"), top=60)
    data = embedded(render_page(view), "review-data")

    assert set(data["labels"]) == set(HOSTILE[:-1])
    for suspect, told in zip(view.suspects, data["suspects"], strict=True):
        assert told["row"] == suspect.row
        assert told["sha256"] == suspect.row_sha256
        assert data["labels"][told["given"]] == suspect.given_label
        suggested = told["suggested"]
        assert suspect.suggested_label == ((suggested and data["labels"][suggested]) or (
            None if suggested is None else data["labels"][0]))  # fmt: skip
        assert [data["labels"][label] for label, _ in told["likely"]] == [
            each.label for each in suspect.likely
        ]


def test_a_hash_that_the_program_added_is_no_cell_of_the_page_but_of_the_file(fabricated, tmp_path):
    folder = fabricated.write(tmp_path / "pictures")
    stored = folder.read_suspects()
    hashes = pa.array([f"{row:064x}" for row in stored["row"].to_pylist()])
    marked = pa.field("sha256", pa.string(), metadata=CONTENT_MARK)
    pq.write_table(stored.add_column(1, marked, hashes), folder.suspects_file)
    view = read_view(folder, top=60)
    assert (view.columns[0], view.own_columns) == ("sha256", (0,))
    data = embedded(render_page(view), "cell-data")
    plain = read_view(fabricated.write(tmp_path / "plain"), top=60)
    assert data == embedded(render_page(plain), "cell-data")
    page, without = (embedded(render_page(each), "beside-data") for each in (view, plain))
    assert page["telling"] == without["telling"]
    written = write_reports(folder, top=60, formats=["csv"])["csv"].read_text(encoding="utf-8")
    assert "sha256" in written.splitlines()[0].split(",")


def test_a_row_without_a_suggestion_says_what_that_means(view):
    page = render_page(view)
    none = sum(each.suggested_label is None for each in view.suspects)
    assert none
    assert page.count('aria-label="all opinions together: no other class is likelier"') == none
    assert "“–” as a suggestion: by all opinions together no other class is likelier" in page


def test_a_megabyte_in_one_cell_id_or_column_name_stays_out(fabricated, tmp_path):
    fabricated.cells = ("x" * 1_000_000,)
    fabricated.n_rows, fabricated.n_columns = 8, 2
    page = render_page(read_view(fabricated.write(tmp_path / "long"), top=8))

    assert "(1,000,000 characters)" in page
    assert len(page) < 300_000
    assert all(each["id"] is None for each in embedded(page, "review-data")["suspects"])


def test_run_without_companions_has_a_page_all_the_same(fabricated, tmp_path):
    fabricated.with_companions = False
    view = read_view(fabricated.write(tmp_path / "bare"), top=12)
    page = render_page(view)

    assert view.conflicts is None
    assert "Equal rows with different labels" not in page
    assert all(each["likely"] == [] for each in embedded(page, "review-data")["suspects"])


def test_pairs_count_every_suspect_once(view):
    pairs = count_pairs(view.suspects)

    assert sum(pair.n_rows for pair in pairs.values()) == len(view.suspects)
    assert sorted(pair.key for pair in pairs.values()) == list(range(len(pairs)))
    for (given, suggested), pair in pairs.items():
        rows = [
            each.row
            for each in view.suspects
            if (each.given_label, each.suggested_label) == (given, suggested)
        ]
        assert [each.row for each in pair.examples] == rows[:3]


def test_pictures_beyond_the_budget_are_left_out_and_counted(view):
    picture = Picture("data:image/png;base64," + "A" * 978, None)
    suspects = [replace(each, picture=picture) for each in view.suspects[:10]]

    assert choose_pictures(suspects, 10_000).n_left_out == 0
    album = choose_pictures(suspects, 4_500)
    assert list(album.rows) == [each.row for each in suspects[:4]]
    assert album.n_left_out == 6


def test_pictures_of_suspects_come_before_those_of_neighbours(fabricated, tmp_path):
    fabricated.with_pictures = True
    view = read_view(fabricated.write(tmp_path / "pictures"), top=30)
    own = sum(len(each.picture.uri) for each in view.suspects)
    album = choose_pictures(view.suspects, own + 500)

    assert len(album.rows) == 30
    assert 1 <= len(album.clean) <= 4
    assert album.n_left_out == 0


def test_what_is_no_picture_is_not_embedded(fabricated, tmp_path):
    fabricated.with_pictures = True
    folder = fabricated.write(tmp_path / "pictures")
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(folder.thumbnails_file)
    svg = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
    at = table.column_names.index("image")
    pq.write_table(
        table.set_column(at, "image", pa.array([svg, None] * (len(table) // 2))),
        folder.thumbnails_file,
    )

    assert read_companions(folder, folder.manifest(), rows=set(range(60))).pictures == {}


def test_page_with_all_pictures_is_under_eight_megabytes(fabricated, tmp_path):
    fabricated.n_rows, fabricated.n_columns = 520, 27
    view = read_view(fabricated.write(tmp_path / "large"), top=500)
    picture = Picture("data:image/jpeg;base64," + "A" * 16_000, "blurred")
    view = replace(view, suspects=tuple(replace(e, picture=picture) for e in view.suspects))
    page = render_page(view)
    n_shown = len(embedded(page, "picture-data")["rows"])

    assert len(page.encode()) < 8_000_000
    assert n_shown > 400
    assert f"{500 - n_shown} pictures would make this page too large" in page


def test_served_page_differs_only_in_whom_it_may_talk_to(view):
    own, served = (
        render_page(view),
        render_page(view, serving=Serving("Ada", has_originals=False, find_clean=lambda row: None)),
    )
    policy = re.compile(r'Content-Security-Policy" content="([^"]*)"')
    parts = [dict(part.split(" ", 1) for part in policy.search(page)[1].split("; "))
             for page in (own, served)]  # fmt: skip
    for each in parts:
        del each["style-src"], each["script-src"]

    assert parts[1] == parts[0] | {"connect-src": "'self'", "img-src": "data: blob:"}
    assert embedded(served, "review-data") == embedded(own, "review-data") | {
        "served": True,
        "reviewer": "Ada",
        "originals": False,
    }


@pytest.mark.parametrize("name", ["<script>1</script>.csv", "a\u202eb\x00.csv", "📈" * 300])
def test_file_names_are_text_too(name, fabricated, tmp_path):
    fabricated.manifest["data"]["source"] = name
    fabricated.manifest["command"] = ["audit", name, "--val", name]
    folder = fabricated.write(tmp_path / "named")
    page = write_reports(folder, top=5, formats=["html"])["html"].read_text(encoding="utf-8")

    assert len(Elements(page).scripts) == 6
    assert not {"\u202e", "\x00"} & set(page)
    assert re.search(r"<title>Label audit of [^<]+</title>", page)


def test_the_check_of_probabilities_says_that_rows_of_new_classes_are_not_in_it(view):
    from datacleanse.detection.reliability import ReliabilityBin

    told = "Those of new classes, all of them wrong, are not counted here."
    bins = (ReliabilityBin(20, 5, 0.1, 0.2, 0.0, 0.6),)
    pairs = replace(view.headline, rate_basis="pairs")
    view = replace(view, headline=pairs, reliability=bins)
    assert told not in render_page(view)
    strange = replace(view.overlap, new_classes=3)
    assert told in render_page(replace(view, overlap=strange))
