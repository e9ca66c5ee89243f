"""Classes that look alike are told, with what the eye does not see, and kept apart."""

from __future__ import annotations

import unicodedata

import pandas as pd
import pytest

from datacleanse.data import ReadOptions, read_data, read_like
from datacleanse.data.look_alikes import find_look_alike, find_look_alikes, spell_apart
from datacleanse.errors import InputError

DECOMPOSED = unicodedata.normalize("NFD", "café")

ALIKE = {
    "case": ("Cat", "cAT"),
    "case that changes the length": ("Straße", "STRASSE"),
    "a dotted capital I": ("İzmir", "izmir"),
    "a dotless i": ("ızmir", "izmir"),
    "a blank at an end": ("cat", "cat "),
    "a tab at the start": ("cat", "\tcat"),
    "two blanks within": ("New York", "New  York"),
    "no blank within": ("New York", "NewYork"),
    "a no-break space": ("New York", "New\u00a0York"),
    "a narrow no-break space": ("10 kg", "10\u202fkg"),
    "a zero-width space": ("cat", "c\u200bat"),
    "a byte-order mark": ("cat", "\ufeffcat"),
    "a soft hyphen": ("cat", "c\u00adat"),
    "a variation selector": ("☎", "☎\ufe0f"),
    "composed and decomposed": ("café", DECOMPOSED),
    "compatible signs": ("ﬁne", "fine"),
    "full width": ("１２ａ", "12a"),
    "Cyrillic a": ("apple", "аpple"),
    "Cyrillic capitals": ("BETA", "ВЕТА"),
    "Cyrillic in one case and another": ("Bид", "вид"),
    "Greek omicron": ("dog", "dοg"),
    "Greek capital": ("Alpha", "Αlpha"),
    "Greek in two cases": ("Νίκη", "νίκη"),
    "an accent on Cyrillic": ("ë", "ё"),
    "a dash": ("t-shirt", "t–shirt"),
    "a no-break hyphen": ("t-shirt", "t\u2011shirt"),
    "a minus": ("-1", "−1"),
    "an apostrophe": ("it's", "it’s"),
    "several at once": ("Café au lait", f" {DECOMPOSED} au\u00a0LAIT"),
}


@pytest.mark.parametrize("names", ALIKE.values(), ids=ALIKE)
def test_names_that_look_alike_are_found_in_either_order(names):
    first, second = names
    assert first != second
    assert find_look_alikes(["other", first, "another", second]) == [[first, second]]
    assert find_look_alikes([second, first]) == [[second, first]]
    assert find_look_alike(second, ["other", first]) == first


@pytest.mark.parametrize(
    "names",
    [
        ("cafe", "café"),
        ("l", "1"),
        ("O", "0"),
        ("a", "b"),
        ("ν", "n"),
        ("+1", "-1"),
        ("1", "10"),
        ("hot-dog", "hotdog"),
        ("猫", "犬"),
        ("мама", "папа"),
    ],
)
def test_names_that_differ_to_the_eye_do_not_look_alike(names):
    assert find_look_alikes(names) == []
    assert find_look_alike(names[0], [names[1]]) is None


def test_a_name_that_looks_like_two_groups_makes_them_one():
    # Greek nu is a small v to the eye and the small form of a capital N.
    assert find_look_alikes(["x", "Ν", "v", "n", "ν"]) == [["Ν", "n", "v", "ν"]]


def test_code_points_stand_where_no_eye_can_tell_names_apart():
    assert spell_apart(["café", DECOMPOSED]) == [
        "'café' (U+00E9)",
        f"'{DECOMPOSED}' (U+0065 U+0301)",
    ]
    assert spell_apart(["apple", "аpple"]) == ["'apple' (U+0061)", "'аpple' (U+0430)"]
    assert spell_apart(["cat ", "cat"]) == ["'cat ' (U+0020)", "'cat'"]
    assert spell_apart(["Yes", "yes"]) == ["'Yes'", "'yes'"]


def read_labels(labels):
    return read_data(frame_of(labels), ReadOptions())


def frame_of(labels):
    return pd.DataFrame({"x": [row * 0.5 for row in range(len(labels))], "label": labels})


def find_notices(data):
    return [notice for notice in data.notices if notice.slug == "classes-look-alike"]


def test_look_alike_classes_are_told_in_one_notice_with_their_rows_and_kept_apart():
    labels = ["café"] * 5 + [DECOMPOSED] * 2 + ["thé"] * 3 + ["Thé"] * 4 + ["eau"] * 2
    data = read_labels(labels)
    assert set(data.schema.classes) == {"café", DECOMPOSED, "thé", "Thé", "eau"}
    (notice,) = find_notices(data)
    assert notice.is_warning
    assert f"'café' (5 rows, U+00E9), '{DECOMPOSED}' (2 rows, U+0065 U+0301)" in notice.message
    assert "'Thé' (4 rows), 'thé' (3 rows)" in notice.message
    assert "eau" not in notice.message


def test_classes_unlike_each_other_are_not_told():
    assert find_notices(read_labels(["cat", "dog", "cat", "dog"])) == []


def test_of_many_groups_some_are_told_and_the_others_counted():
    labels = [name for letter in "abcdefgh" for name in (letter * 2, letter.upper() * 2)] * 2
    (notice,) = find_notices(read_labels(labels))
    assert "'EE' (2 rows)" in notice.message
    assert "'FF'" not in notice.message
    assert "and 3 more such groups" in notice.message


@pytest.mark.parametrize(
    ("found", "said", "cure"),
    [
        (DECOMPOSED, "(U+0065 U+0301) of CLEAN", "DATA spells it 'café' (U+00E9)"),
        ("саfé", "'саfé' (U+0441 U+0430) of CLEAN", "'café' (U+0063 U+0061)"),
        ("café\u200b", r"'café\u200b' (U+200B) of CLEAN", "DATA spells it 'café';"),
        ("CAFE\u0301", "(U+0065 U+0301) of CLEAN", "DATA spells it"),
        ("tea", "'tea' of CLEAN", "DATA's classes are"),
    ],
)
def test_an_unknown_label_is_shown_with_what_parts_it_from_a_known_one(found, said, cure):
    data = read_labels(["café", "thé", "café", "thé"])
    with pytest.raises(InputError) as caught:
        read_like(frame_of(["thé", found]), data.schema, role="CLEAN")
    assert caught.value.slug == "label-unknown"
    assert said in caught.value.message
    assert "row 1" in caught.value.message
    assert cure in caught.value.hint
