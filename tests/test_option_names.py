"""Options in messages: typed on the command line, keyword arguments in Python."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import datacleanse as dc
from datacleanse.option_names import speak_python

ENGINE = Path(dc.__file__).parent

OF_THE_COMMAND_LINE_ALONE = {"by-class", "fail-over", "format", "mlflow", "new-class", "plan"}
"""Options that Python has no name for."""


@pytest.mark.parametrize(
    ("typed", "spoken"),
    [
        ("Name one of these with --label.", "Name one of these with label=."),
        ("--fdr is 10. Give a share.", "fdr=10. Give a share."),
        ("--model is 'nets', no factory.", "model='nets', no factory."),
        ("--hold-back is nan.", "hold_back=nan."),
        ("--batch-size is 1e-05.", "batch_size=1e-05."),
        ("Go on with --resume.", "Go on with resume=True."),
        (
            "--id COL takes another column, --no-id none.",
            "id=COL takes another column, id=False none.",
        ),
        ("with --fast False; now it is True", "with fast=False; now it is True"),
        ("--lr not given; now it is 0.1", "lr= not given; now it is 0.1"),
        ("with --lr, e.g. --lr 0.0003.", "with lr=, e.g. lr=0.0003."),
        ("Say --delimiter ';'.", "Say delimiter=';'."),
        ("--decimal '.' or --decimal ','", "decimal='.' or decimal=','"),
        ("--dates dayfirst or --dates iso", "dates='dayfirst' or dates='iso'"),
        ("give it: --weights FILE.", "give it: weights=FILE."),
        ("network: --model timm:NAME.", "network: model='timm:NAME'."),
        ("name it: --model nets:network.", "name it: model='nets:network'."),
        ("begun with --drop ['a', 'b']; now", "begun with drop=['a', 'b']; now"),
        ("Choose another name with -o.", "Choose another name with out=."),
        ("--test is a table", "test= is a table"),
        (
            "as `datacleanse export --format onnx` does",
            "as `datacleanse export --format onnx` does",
        ),
        ("see `audit --val FILE`.", "see `audit --val FILE`."),
        ("--new-class 'x' is none.", "--new-class 'x' is none."),
        ("a--label --labels ---fdr -out", "a--label --labels ---fdr -out"),
    ],
)
def test_an_option_is_named_as_python_has_it(typed, spoken):
    assert speak_python(typed) == spoken


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("zip", "zip"),
        ("zip code", "'zip code'"),
        ("it's", "'it'\"'\"'s'"),
        ("--fdr 3", "'--fdr 3'"),
    ],
)
def test_a_column_in_an_option_may_be_called_anything(name, typed):
    option = f"--categorical {typed}"
    said = speak_python(f"Dates; {option} takes them as names.", option=option)
    assert said == f"Dates; categorical=[{name!r}] takes them as names."


def test_several_options_are_named_one_by_one():
    option = "--decimal '.' or --decimal ','"
    said = speak_python(f"Say which ({option}).", option=option)
    assert said == "Say which (decimal='.' or decimal=',')."


MODULES = {
    path.relative_to(ENGINE).as_posix(): text
    for path in sorted(ENGINE.rglob("*.py"))
    if re.search(r"--[a-z]", text := path.read_text(encoding="utf-8"))
}
"""The text of every module of the engine that may name an option."""


def texts_in_messages(module):
    """Every text of a module that names an option and is no documentation, by its line."""
    nodes = [*ast.walk(ast.parse(module))]
    documentation = {
        id(node.value)
        for node in nodes
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in nodes:
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in documentation and re.search(r"--[a-z]", node.value):
            yield node.lineno, node.value


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES.keys())
def test_no_message_of_the_engine_keeps_an_option_that_python_names(module):
    for line, text in texts_in_messages(module):
        spoken = re.sub(r"`[^`]* [^`]*`", "", speak_python(text))
        left = set(re.findall(r"--([a-z][a-z-]*[a-z])", spoken))
        assert left <= OF_THE_COMMAND_LINE_ALONE, f"line {line}"


def test_options_are_found_in_messages():
    found = [text for module in MODULES.values() for _, text in texts_in_messages(module)]
    assert len(found) > 100


def test_errors_in_python_speak_python_and_the_command_line_keeps_its_own():
    with pytest.raises(dc.SettingsError, match=r"fdr=10\. Give a share") as caught:
        dc.Settings(fdr=10)
    assert caught.value.message == "--fdr is 10."
