"""Dataclasses from JSON: every type is checked, and what is wrong is said in one sentence."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal

import pytest

from datacleanse.storage.field_documentation import list_documented_fields
from datacleanse.storage.typed_json import KEY, UnexpectedValueError, from_json, to_json


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
