"""Which columns are read as text, what is said of them, and in what form they are read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from datacleanse.data import ReadOptions, read_data, read_like, read_texts
from datacleanse.data.free_text import READ_SIGNS, simplify
from datacleanse.errors import InputError, SettingsError

N = 60


def frame(texts, **other) -> pd.DataFrame:
    return pd.DataFrame({"said": texts, "label": ["a", "b"] * (len(texts) // 2), **other})


def sentences(n=N, words=6):
    return [" ".join(f"word{(i * 7 + k) % 31}" for k in range(words)) for i in range(n)]


def read(data, **options):
    found = read_data(data, ReadOptions(label="label", seeks_id=False, **options))
    kinds = {column.name: column.kind for column in found.schema.columns}
    kinds |= {column.name: column.kind for column in found.schema.set_aside}
    return found, kinds


def find(data, slug):
    return [notice for notice in data.notices if notice.slug == slug]


def test_sentences_are_text_and_that_is_said_with_what_overrules_it():
    data, kinds = read(frame(sentences()))
    assert kinds == {"said": "text"}
    (notice,) = find(data, "text-read")
    assert notice.option == "--drop said"
    assert "6 words a cell; --drop said leaves it out" in notice.message


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        ([f"我的卡还没有到第{i}次请问怎么办" for i in range(N)], "text"),
        ([f"K{i:04d}" for i in range(N)], "identifier"),
        (["good", "bad", "fair"] * 20, "categorical"),
        ([f"2024-01-{1 + i % 28:02d}" for i in range(N)], "datetime"),
    ],
    ids=["Chinese without blanks", "ids", "names", "dates"],
)
def test_scripts_without_blanks_are_text_and_other_columns_are_not(texts, kind):
    assert read(frame(texts, x=np.arange(N) % 7))[1]["said"] == kind


def test_short_texts_count_by_the_name_of_their_column():
    texts = [f"lost card{i}" for i in range(N)]
    named = frame(texts, x=np.arange(N) % 7).rename(columns={"said": "title"})
    assert read(named)[1]["title"] == "text"
    assert read(frame(texts, x=np.arange(N) % 7))[1]["said"] == "identifier"


def test_a_person_overrules_in_either_direction(tmp_path):
    assert read(frame(["good", "bad", "fair"] * 20), text=("said",))[1] == {"said": "text"}
    assert read(frame(sentences()), categorical=("said",))[1] == {"said": "categorical"}
    # As written, although a CSV would read numbers.
    path = tmp_path / "codes.csv"
    frame([f"00{i}" for i in range(N)]).to_csv(path, index=False)
    data, kinds = read(path, text=("said",))
    assert kinds == {"said": "text"}
    assert read_texts(data, data.schema.columns[0])[1][0] == "000"


def test_options_that_contradict_each_other_are_refused():
    with pytest.raises(SettingsError, match="both numeric= and text="):
        read(frame(sentences()), text=("said",), numeric=("said",))
    with pytest.raises(SettingsError, match="is the label and is named by text="):
        read(frame(sentences()), text=("label",))
    with pytest.raises(InputError, match="no column 'sad'"):
        read(frame(sentences()), text=("sad",))


def test_one_text_for_all_teaches_nothing():
    for texts in (["the same words in each row"] * N, ["Such a text", "such  a TEXT"] * 30):
        with pytest.raises(InputError, match="no column to learn from"):
            read(frame(texts), text=("said",))
    with pytest.raises(InputError, match="every value is missing"):
        read(frame(["  ", None] * 30), text=("said",))


def test_texts_that_are_read_as_one_and_texts_that_are_too_long_are_told():
    texts = sentences()
    texts[1] = f"<p>{texts[0].upper()}</p> "
    texts[3] = "word " * 300_000
    data, _ = read(frame(texts))
    assert find(data, "texts-same")[0].message.startswith("Column 'said' of <DataFrame>: 2 texts")
    (long,) = find(data, "texts-long")
    assert long.is_warning
    assert "1 text is longer than 20,000 characters" in long.message


def test_text_is_read_without_markup_case_and_wide_signs():
    assert simplify("<b>Ｆｕｌｌ</b>&amp;  Half<br/>\n") == "full & half"
    assert (
        simplify("write to <ann@example.org>, a < b > c") == "write to <ann@example.org>, a < b > c"
    )
    assert len(simplify("x" * 1_000_000)) == READ_SIGNS


def test_missing_and_blank_texts_are_missing_and_words_such_as_none_are_text():
    texts = sentences()
    texts[:4] = [None, "", " \t", "None"]
    data, _ = read(frame(texts))
    codes, found = read_texts(data, data.schema.columns[0])
    assert (codes < 0).tolist() == [True, True, True] + [False] * (N - 3)
    assert found[codes[3]] == "None"


def test_another_file_may_hold_numbers_where_data_holds_text():
    data, _ = read(frame(sentences()))
    other = read_like(pd.DataFrame({"said": [1, 2]}), data.schema, role="NEW")
    codes, found = read_texts(other, data.schema.columns[0])
    assert [found[code] for code in codes] == ["1", "2"]
