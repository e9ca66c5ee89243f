"""Dataclasses from JSON: every type is checked, and what is wrong is said in one sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal

import pytest

from datacleanse.storage.field_documentation import list_documented_fields
from datacleanse.storage.typed_json import (
    DEEPEST,
    KEY,
    Count,
    Share,
    UnexpectedValueError,
    from_json,
    parse_json,
    to_json,
)


@dataclass(frozen=True)
class Inner:
    share: float
    """In [0, 1]."""
    kind: Literal["one", "two"] = "one"
    """Which."""


@dataclass(frozen=True)
class Outer:
    count: int
    """How many
    there are."""
    is_on: bool
    """Whether."""
    named: dict[str, Inner]
    """By name."""
    many: tuple[Inner | None, ...]
    """In order."""
    plain: object
    """Whatever."""
    other: str | None = field(default=None, metadata={KEY: "other-name"})
    """Of another name."""


GOOD = {
    "count": 3,
    "is_on": True,
    "named": {"a b": {"share": 1, "kind": "two"}},
    "many": [None, {"share": 0.25}],
    "plain": [1, {"x": None}],
    "other-name": "yes",
}
MADE = Outer(3, True, {"a b": Inner(1.0, "two")}, (None, Inner(0.25)), [1, {"x": None}], "yes")


def test_values_become_fields_and_back():
    made = from_json(Outer, GOOD)
    assert made == MADE
    assert isinstance(made.named["a b"].share, float)
    assert from_json(Outer, json.loads(json.dumps(to_json(made)))) == made


def test_a_field_with_a_default_may_be_missing_and_an_unknown_key_is_passed_over():
    plain = {key: value for key, value in GOOD.items() if key != "other-name"} | {"new": 1}
    assert from_json(Outer, plain).other is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"count": True}, "count is true, where a whole number was expected"),
        ({"count": 3.0}, "count is 3.0, where a whole number was expected"),
        ({"is_on": 1}, "is_on is 1, where true or false was expected"),
        ({"named": {"a b": []}}, 'named["a b"] is [], where an object was expected'),
        ({"named": {"a": {}}}, "named.a.share is missing, where a number was expected"),
        ({"named": {"a": {"share": float("inf")}}}, "named.a.share is Infinity, where a number"),
        ({"named": {"a": {"share": 10**400}}}, "named.a.share is 1000"),
        ({"named": {"\ud800": {"share": 1}}}, r'named is "\ud800", where a text was expected'),
        ({"many": [{"share": 1}, 2]}, "many[1] is 2, where an object or null was expected"),
        ({"many": [{"share": 1, "kind": "x"}]}, 'many[0].kind is "x", where one of "one", "two"'),
        ({"other-name": 3}, '["other-name"] is 3, where a text or null was expected'),
        ({"other-name": "x" * 200}, None),
        ({"plain": float("nan")}, None),
    ],
)
def test_a_wrong_value_is_named_with_its_place(changed, said):
    if said is None:
        assert from_json(Outer, GOOD | changed)
        return
    with pytest.raises(UnexpectedValueError) as caught:
        from_json(Outer, GOOD | changed)
    assert str(caught.value).startswith(said)
    assert len(str(caught.value)) < 200


def test_fields_are_documented_in_order_and_a_class_once():
    found = [(each.path, each.type, each.meaning) for each in list_documented_fields(Outer)]
    assert found == [
        ("count", "whole number", "How many there are."),
        ("is_on", "true or false", "Whether."),
        ("named", "object of object", "By name."),
        ("named.*.share", "number", "In [0, 1]."),
        ("named.*.kind", "`one`, `two`", "Which."),
        ("many", "list of (object or null), as `named.*`", "In order."),
        ("plain", "any value", "Whatever."),
        ('["other-name"]', "text or null", "Of another name."),
    ]


@dataclass(frozen=True)
class Limited:
    count: Count
    """How many."""
    shares: tuple[Share | None, ...]
    """Of each."""


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"count": -1, "shares": []}, "count is -1, where a whole number from 0 on was expected"),
        ({"count": True, "shares": []}, "count is true, where a whole number from 0 on was"),
        ({"count": 2**63, "shares": []}, "count is 9223372036854775808, where a whole number"),
        ({"count": 1, "shares": [0, 1.5]}, "shares[1] is 1.5, where a number from 0 to 1 or null"),
        ({"count": 1, "shares": [float("nan")]}, "shares[0] is NaN, where a number from 0 to 1"),
    ],
)
def test_a_value_out_of_its_range_is_named_with_its_place(plain, said):
    with pytest.raises(UnexpectedValueError) as caught:
        from_json(Limited, plain)
    assert str(caught.value).startswith(said)


def test_sums_of_floats_may_leave_a_range_by_their_rounding():
    assert from_json(Limited, {"count": 0, "shares": [1 + 1e-9, None]}).shares == (1 + 1e-9, None)
    found = [(each.path, each.type) for each in list_documented_fields(Limited)]
    assert found == [("count", "whole number"), ("shares", "list of (number or null)")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "it is no JSON from line 1, column 2 on"),
        (b'{"a": 1, "a": 2}', 'it names "a" twice in one object'),
        ("{}".encode("utf-16"), "byte 0 of it (0xff) is no UTF-8"),
        (b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1), f"more than {DEEPEST} objects and lists"),
        (b"[" * 10**6, f"more than {DEEPEST} objects and lists"),
        (b"1" * 10_000, "it holds a number of thousands of digits"),
    ],
)
@pytest.mark.parametrize("is_strict", [True, False])
def test_what_is_no_json_is_refused(content, said, is_strict):
    with pytest.raises(UnexpectedValueError) as caught:
        parse_json(content, is_strict=is_strict)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("content", "shown"),
    [(b'{"a": [NaN]}', "NaN"), (b"[-1e999]", "-Infinity"), (b'{"\\ud800": 1}', r'"\ud800"')],
)
def test_what_cannot_be_written_again_is_refused_where_that_is_asked(content, shown):
    assert parse_json(content)
    with pytest.raises(UnexpectedValueError) as caught:
        parse_json(content, is_strict=True)
    assert str(caught.value) == f"it holds {shown}, which is no JSON"


def test_a_mark_of_the_byte_order_is_passed_over():
    assert parse_json(b'\xef\xbb\xbf{"a": "\xc3\xa9"}') == {"a": "é"}
