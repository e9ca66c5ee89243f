"""The review page, served from Python: decisions reach the disk, and it ends when it is told to."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from urllib.parse import parse_qs, urlsplit

import pytest

import datacleanse as dc
from datacleanse.auditing.result import AuditResult
from datacleanse.storage.run_claims import begin_folder
from tests.reports.conftest import Fabricated


@pytest.fixture
def result(tmp_path):
    return AuditResult(Fabricated().write(tmp_path / "people"))


def decide(url, **decision):
    parts = urlsplit(url)
    request = urllib.request.Request(
        f"{parts.scheme}://{parts.netloc}/decisions",
        data=json.dumps(decision).encode(),
        headers={"X-Datacleanse-Token": parse_qs(parts.query)["token"][0]},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def test_decisions_are_saved_as_they_are_made_while_python_goes_on(result):
    with result.review(reviewer="Ann") as review:
        with urllib.request.urlopen(review.url, timeout=20) as page:
            assert b"Label audit" in page.read()
        row = int(result.suspects(1)["row"].iloc[0])
        made = decide(review.url, row=row, action="drop")
        assert made["reviewer"] == "Ann"
        assert review.n_decided == 1
        assert review.url in review._repr_html_()
        assert "1 of" in repr(review)
    assert "closed" in repr(review)
    assert review.url not in review._repr_html_()
    assert f'"row": {row}' in result.folder.decisions_file.read_text(encoding="utf-8")
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(review.url, timeout=2)
    review.close()


def test_several_reviews_and_an_audit_in_the_way(result):
    with result.review() as first, result.review() as second:
        assert first.url != second.url
        with (
            pytest.raises(dc.RunFolderError, match="is in use"),
            begin_folder(result.folder.path, force=True),
        ):
            pass


def test_a_review_that_cannot_begin_leaves_nothing_open(result):
    with pytest.raises(dc.SettingsError, match="first"):
        result.review(first=10_000)
    result.save(result.folder.path.with_name("copy"))
    AuditResult(result.folder).review().close()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"first": 0}, "first=0. Give a whole number of at least 1."),
        ({"first": "3"}, "first='3'. Give a whole number."),
        ({"first": 10_000}, "first=10000, and the run stores"),
        ({"reviewer": b"Ann"}, "reviewer= is b'Ann'. Give a name."),
    ],
)
def test_arguments_of_another_type_are_refused_in_a_sentence(given, said, result):
    with pytest.raises(dc.SettingsError) as caught:
        result.review(**given)
    assert str(caught.value).startswith(said)


def test_a_reviewer_s_name_in_another_encoding_does_no_harm(result):
    with result.review(reviewer="Ren\udce9") as review:
        row = int(result.suspects(1)["row"].iloc[0])
        assert decide(review.url, row=row, action="drop")["reviewer"] == "Ren\ufffd"
