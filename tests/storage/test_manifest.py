"""`run.json` is read back as written, in earlier versions too, and refused in one sentence."""

from __future__ import annotations

import copy
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from datacleanse.data import ReadOptions
from datacleanse.errors import RunFolderError
from datacleanse.records import SetAside
from datacleanse.storage.damage import CURE
from datacleanse.storage.field_documentation import list_documented_fields
from datacleanse.storage.manifest.file import write_manifest
from datacleanse.storage.manifest.inputs import (
    DuplicatesSection,
    PicturesSection,
    Reading,
    ReviewedSection,
)
from datacleanse.storage.manifest.versions import SCHEMA_VERSION
from datacleanse.storage.manifest.whole import Manifest, Opening
from datacleanse.storage.run_folder import RunFolder
from datacleanse.storage.typed_json import from_json, to_json
from tests.tries import tries

OLD = Path(__file__).parent / "old_runs" / "run_1.json"
"""As the last program that wrote version 1 left it."""

ANYTHING_GOES = "identity"
"""Its values are only compared."""

OPEN = {
    *("classes", "forms", "unreadable", "by_given_label", "by_class", "methods", "model_files"),
    *("timings", "identity"),
}
"""Objects whose keys are not fixed."""

DEFAULTS = {
    "backbone",
    "temperature",
    "health",
    "new_classes",
    "schema_version",
    "width",
    "is_warning",
    "column",
    "cells",
    "option",
    "convention",
    "dates",
    "decimal",
    "label_type",
    "na_is_word",
    "missing",
    "seeks_id",
    "task",
    "listed_at_double",
    "text",
    "sources",
    "wrong",
    "false_at_most",
    "processes",
}
"""Fields that need not be there; beside the settings."""


def folder_with(path, plain):
    """A run folder with this `run.json`."""
    text = json.dumps(plain) if isinstance(plain, dict) else plain
    (path / "run.json").write_text(text, encoding="utf-8")
    return RunFolder(path)


def manifest() -> Manifest:
    """A real one in which no section is missing."""
    plain = json.loads(OLD.read_text(encoding="utf-8"))
    plain["clean"]["steering_rows"] = plain["clean"].pop("meta_rows")
    plain["training"]["steering"] = plain["training"].pop("meta")
    plain["training"]["rule"] = plain["settings"]["rule"]
    plain["noise"]["basis"] = "estimates"
    plain |= {"schema_version": SCHEMA_VERSION, "resumed_at": ["2026-01-01"], "stopped_at": None}
    found = from_json(Manifest, plain)
    return replace(
        found,
        schema=replace(found.schema, set_aside=(SetAside("note", "text", "free text"),)),
        metrics=replace(found.metrics, held_back=found.metrics.test),
        reviewed=ReviewedSection(
            sources=("decisions.jsonl",), sha256="0" * 64, rows=3, kept=1, relabelled=2, left_out=0
        ),
        pictures=PicturesSection(
            channels=3,
            height=32,
            width=32,
            forms={"data": "class folders"},
            unreadable={"data": 0},
            duplicates=DuplicatesSection(rows=2, groups=1, conflicting_groups=0),
        ),
    )


MANIFEST = manifest()
PLAIN = to_json(MANIFEST)


def places(plain, path=()):
    """The path of every value in it, objects and lists too."""
    items = plain.items() if isinstance(plain, dict) else enumerate(plain)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


PLACES = sorted(places(PLAIN), key=str)


def at(plain, path):
    for key in path:
        plain = plain[key]
    return plain


def changed(path, value):
    """A copy of the manifest with another value at a path."""
    plain = copy.deepcopy(PLAIN)
    at(plain, path[:-1])[path[-1]] = value
    return plain


def kind_of(value):
    return "number" if type(value) in (int, float) else type(value).__name__


def spelled(path):
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        elif not key.isidentifier():
            text += f"[{json.dumps(key)}]"
        else:
            text += f".{key}" if text else key
    return text


def refusal(folder):
    """What is said of a damaged run: one sentence that names the file, and what to do."""
    with pytest.raises(RunFolderError) as caught:
        folder.manifest()
    error = caught.value
    assert error.slug == "run-damaged"
    assert error.message.startswith(f"{folder.manifest_file} is damaged: ")
    assert "\n" not in error.message
    assert error.message.endswith(".")
    assert error.hint == CURE
    return error.message


def said_of(folder):
    """What is said where it cannot be read; nothing where it can."""
    try:
        folder.manifest()
    except RunFolderError as error:
        return error.message
    return ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
EVERY_TIME = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=tries(100),
)


def test_a_manifest_is_read_as_it_was_written(tmp_path):
    folder = RunFolder(tmp_path)
    folder.finish(MANIFEST)
    assert folder.manifest() == MANIFEST
    assert list(json.loads(folder.manifest_file.read_text(encoding="utf-8"))) == list(PLAIN)
    assert folder.is_finished()


def test_an_opening_grows_into_a_manifest(tmp_path):
    folder = RunFolder(tmp_path)
    opening = Opening(**{each.name: getattr(MANIFEST, each.name) for each in fields(Opening)})
    folder.write_opening(replace(opening, status="stopped", stopped_at="2026-01-02"))
    begun = folder.begun()
    assert begun == replace(opening, status="stopped", stopped_at="2026-01-02")
    assert not folder.is_finished()
    with pytest.raises(RunFolderError, match="is not finished") as caught:
        folder.manifest()
    assert caught.value.slug == "run-unfinished"
    folder.finish(MANIFEST)
    assert folder.begun() == opening


def test_a_run_of_version_1_is_read(tmp_path):
    plain = json.loads(OLD.read_text(encoding="utf-8"))
    assert plain["schema_version"] == 1
    found = folder_with(tmp_path, plain).manifest()
    assert found.schema_version == SCHEMA_VERSION
    assert found.clean.steering_rows == plain["clean"]["meta_rows"] == 30
    assert found.training.steering.batch == plain["training"]["meta"]["batch"] == 128
    assert (found.resumed_at, found.stopped_at) == ((), None)
    assert found.training.rule == plain["settings"]["rule"] == "l2rw"
    renamed = to_json(found)
    assert renamed["noise"] == {"basis": "estimates"} | plain["noise"]
    assert renamed["metrics"] == plain["metrics"]
    keys = [each for each in renamed["clean"] if each != "sources"]
    assert keys.index("steering_rows") == list(plain["clean"]).index("meta_rows")


def test_a_run_of_the_first_days_of_version_1_is_read(tmp_path):
    plain = json.loads(OLD.read_text(encoding="utf-8"))
    for key in ("identity", "reviewed", "pictures", "model_files"):
        del plain[key]
    for key in ("reviewed_rows", "held_back_rows"):
        del plain["clean"][key]
    del plain["data"]["reading"], plain["metrics"]["test"]["by_class"]
    found = folder_with(tmp_path, plain).manifest()
    assert (found.identity, found.model_files, found.metrics.test.by_class) == ({}, {}, {})
    assert (found.reviewed, found.pictures, found.clean.reviewed_rows) == (None, None, 0)
    assert (found.data.reading.label, found.data.reading.id) == ("label", "key")


@EVERY_TIME
@given(path=st.sampled_from(sorted(places(json.loads(OLD.read_text())), key=str)), value=JSON)
def test_an_old_run_that_was_tampered_with_is_no_traceback(path, value, tmp_path):
    plain = json.loads(OLD.read_text(encoding="utf-8"))
    at(plain, path[:-1])[path[-1]] = value
    assert len(said_of(folder_with(tmp_path, plain)).splitlines()) <= 1


def test_what_a_later_program_of_the_version_adds_is_passed_over(tmp_path):
    plain = copy.deepcopy(PLAIN)
    objects = [path for path in PLACES if isinstance(at(PLAIN, path), dict)]
    fixed = [(), *(path for path in objects if path[-1] not in OPEN)]
    for path in fixed:
        at(plain, path)["added later"] = [1]
    assert len(fixed) > 30
    assert folder_with(tmp_path, plain).manifest() == MANIFEST


@pytest.mark.parametrize("read", [RunFolder.manifest, RunFolder.begun, RunFolder.is_finished])
def test_a_later_version_is_refused(read, tmp_path):
    folder = folder_with(tmp_path, {"schema_version": SCHEMA_VERSION + 1})
    with pytest.raises(RunFolderError, match="this program reads up to") as caught:
        read(folder)
    assert caught.value.slug == "run-newer"


@EVERY_TIME
@given(path=st.sampled_from(PLACES), value=JSON)
def test_a_value_of_a_wrong_type_is_named_with_its_place(path, value, tmp_path):
    before = at(PLAIN, path)
    assume(kind_of(value) != kind_of(before))
    assume(before is not None and value is not None and path[0] != ANYTHING_GOES)
    said = refusal(folder_with(tmp_path, changed(path, value)))
    assert f"damaged: {spelled(path)} is " in said
    assert " was expected." in said


@EVERY_TIME
@given(path=st.sampled_from(PLACES), value=JSON)
def test_whatever_is_changed_is_read_or_refused_and_no_traceback(path, value, tmp_path):
    assert len(said_of(folder_with(tmp_path, changed(path, value))).splitlines()) <= 1


def test_a_missing_value_is_named_with_its_place(tmp_path):
    for path in PLACES:
        is_field = isinstance(path[-1], str) and not OPEN.intersection(path[-2:-1])
        if not is_field or path[-1] in DEFAULTS or path[-2:-1] == ("settings",):
            continue
        plain = copy.deepcopy(PLAIN)
        del at(plain, path[:-1])[path[-1]]
        assert f": {spelled(path)} is " in refusal(folder_with(tmp_path, plain))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            ("noise", "rate", "share"),
            "x",
            'noise.rate.share is "x", where a number from 0 to 1 was',
        ),
        (("budget", 1), [], "budget[1] is [], where an object was expected"),
        (("flags", "basis"), "sure", 'flags.basis is "sure", where one of "controlled", "cal'),
        (("test", "rows"), None, "test.rows is null, where a whole number from 0 on was"),
        (("settings", "fdr"), 2.0, "settings cannot be used: --fdr is 2.0 (Give a share between"),
        (("status",), 1, 'status is 1, where one of "running", "stopped", "fin'),
        (("schema_version",), "two", 'schema_version is "two", where a whole number'),
        (("schema_version",), True, "schema_version is true, where a whole number"),
    ],
)
def test_the_sentence_says_place_value_and_expectation(path, value, said, tmp_path):
    assert said in refusal(folder_with(tmp_path, changed(path, value)))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("data", "rows"), 81, "the sum of data.classes is 80, where 81 was expected (data.rows)"),
        (
            ("clean", "steering_rows"),
            61,
            "clean.steering_rows is 61, where at most 60 was",
        ),
        (("noise", "rate", "low"), 0.9, "noise.rate.low is 0.9, where at most 0.843"),
        (
            ("noise", "confusions", 0, "true"),
            "x",
            "noise.confusions[0].true is 'x', which noise.",
        ),
        (("budget", 0, "rows"), 81, "budget[0].rows is 81, where at most 80 was expected"),
        (("flags", "flagged"), 81, "flags.flagged is 81, where at most 80 was expected"),
        (("training", "epochs"), 4, "the length of training.curves.reweighted.loss is 3, where 4"),
        (
            ("training", "curves", "final", "loss"),
            [0.1] * 4,
            "the length of training.curves.final.loss is 4, where at most 3 was",
        ),
        (("pictures", "height"), 5000, "pictures.height is 5,000, where at most 1,024"),
        (("schema", "columns", 0, "width"), 0, "schema.columns[0].width is 0, where"),
        (("schema", "columns", 0, "name"), "score", "schema.columns names 'score' 2 times"),
        (("schema", "columns", 0, "name"), "label", "schema.columns[0].name is 'label', which is"),
        (("model_files",), {"../x": "0" * 64}, "model_files names '../x', which is no file's name"),
        (("model_files",), {"x": "0"}, 'model_files.x is "0", where a sha256 of 64'),
        (("timings", "read"), -1.0, "timings.read is -1.0, where a number from 0 on was"),
    ],
)
def test_values_that_contradict_others_are_named_with_their_places(path, value, said, tmp_path):
    assert said in refusal(folder_with(tmp_path, changed(path, value)))


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "{", '{"schema_version": NaN}', "[" * 100_000, '{"schema_version": 1}', "1" * 5000],
)
def test_a_file_that_holds_no_manifest_is_refused(text, tmp_path):
    refusal(folder_with(tmp_path, text))


@EVERY_TIME
@given(content=st.binary(max_size=50))
def test_any_bytes_are_refused(content, tmp_path):
    (tmp_path / "run.json").write_bytes(content)
    refusal(RunFolder(tmp_path))


def test_numbers_beyond_all_bounds_are_refused(tmp_path):
    text = json.dumps(PLAIN).replace(str(PLAIN["noise"]["rate"]["share"]), "1e999", 1)
    assert "noise.rate.share is Infinity" in refusal(folder_with(tmp_path, text))


def test_nothing_that_json_cannot_say_is_written(tmp_path):
    folder = RunFolder(tmp_path)
    flags = replace(MANIFEST.flags, estimated_wrong=float("nan"))
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_manifest(folder.manifest_file, replace(MANIFEST, flags=flags))
    assert not list(tmp_path.iterdir())


def test_the_seconds_are_the_total():
    assert MANIFEST.seconds == MANIFEST.timings["total"]


def test_every_field_is_documented():
    found = list(list_documented_fields(Manifest))
    assert [each.path for each in found if not each.meaning] == []
    paths = {each.path for each in found}
    assert {"noise.rate.share", "noise.rate.low", "flags.basis", "metrics.test"} <= paths


def test_reading_tells_all_that_a_user_can_say_of_the_columns():
    assert [each.name for each in fields(Reading)] == [each.name for each in fields(ReadOptions)]
