"""What contributors are told and given agrees with what the project does."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from datacleanse.version import __version__

ROOT = Path(__file__).parent.parent
RELEASED = re.compile(r"^## (\d+\.\d+\.\d+) \((unreleased|\d{4}-\d\d-\d\d)\)$", re.MULTILINE)
"""A version's heading in the change log."""


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def loaded(name):
    return yaml.safe_load(read(name))


def lint_commands():
    """The lines of the Makefile's target ``lint``, without the folder of the programs."""
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", read("Makefile"), re.MULTILINE)
    return [line.removeprefix("\t$(BIN)/") for line in recipe[1].splitlines()]


def test_pre_commit_runs_what_make_lint_runs():
    (repository,) = loaded(".pre-commit-config.yaml")["repos"]
    hooks = repository["hooks"]

    assert [hook["entry"].removeprefix(".venv/bin/") for hook in hooks] == lint_commands()
    assert not any(hook["pass_filenames"] for hook in hooks)


@pytest.mark.parametrize(
    ("name", "is_checked"),
    [
        ("datacleanse/version.py", True),
        ("tests/test_workshop.py", True),
        ("pyproject.toml", True),
        ("README.md", False),
        ("docs/pyproject.md", False),
        ("tests/reports/golden/report.html", False),
    ],
)
def test_pre_commit_looks_at_python_and_its_settings_only(name, is_checked):
    pattern = loaded(".pre-commit-config.yaml")["files"]

    assert bool(re.search(pattern, name)) == is_checked


def test_the_version_is_one_that_a_tag_can_name():
    """PEP 440's plain form: a release, or a candidate for one."""
    assert re.fullmatch(r"\d+\.\d+\.\d+(rc\d+)?", __version__)


def test_the_citation_is_of_this_version_and_dated_once_it_is_released():
    citation = loaded("CITATION.cff")
    version, date = RELEASED.search(read("CHANGELOG.md")).groups()

    assert citation["cff-version"] == "1.2.0"
    assert citation["version"] == __version__
    assert version == __version__.partition("rc")[0]
    assert str(citation.get("date-released", "unreleased")) == date


def test_the_citation_names_the_paper_and_all_that_the_format_asks_for():
    citation = loaded("CITATION.cff")
    (paper,) = citation["references"]

    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert {"type", "title", "authors"} <= set(paper)
    assert [author["family-names"] for author in paper["authors"]] == [
        "Ren",
        "Zeng",
        "Yang",
        "Urtasun",
    ]
    assert (paper["year"], paper["volume"], paper["start"], paper["end"]) == (2018, 80, 4334, 4343)
    assert [each["value"] for each in paper["identifiers"]] == ["arXiv:1803.09050"]


def named_paths(text):
    """What stands alone between backticks and is a path: it has a slash, or an ending."""
    alone = re.findall(r"`([\w./-]+)`", text)
    return {each for each in alone if "/" in each or re.search(r"\.(py|md|toml|cff|txt)$", each)}


MADE = {".venv/Scripts"}
"""What `make` makes: it is not in the repository."""


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "docs/releasing.md"])
def test_every_path_that_contributors_are_sent_to_exists(name):
    paths = named_paths(read(name)) - MADE

    assert paths
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/releasing.md"])
def test_every_make_target_that_contributors_are_told_to_run_exists(name):
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    told = set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)`", read(name), re.MULTILINE))

    assert {one or other for one, other in told} <= targets


@pytest.mark.parametrize("name", ["bug.yml", "feature.yml"])
def test_an_issue_form_has_what_github_asks_for(name):
    form = loaded(f".github/ISSUE_TEMPLATE/{name}")
    asked = [part for part in form["body"] if part["type"] != "markdown"]

    assert {"name", "description", "body"} <= set(form)
    assert len({part["id"] for part in asked}) == len(asked)
    assert all(part["attributes"]["label"] for part in asked)


def test_a_release_is_tested_and_tried_before_it_is_published():
    """Only the job that publishes may ask for PyPI's token, and it waits for all others."""
    workflow = loaded(".github/workflows/release.yml")
    jobs = workflow["jobs"]

    # YAML 1.1, which PyYAML reads, takes the key `on` for a truth value.
    assert workflow[True] == {"push": {"tags": ["v*"]}}
    assert workflow["permissions"] == {"contents": "read"}
    assert [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})] == [
        "publish"
    ]
    assert needed_by("publish", jobs) == set(jobs) - {"publish"}
    assert jobs["test"]["uses"] == "./.github/workflows/test.yml"
    assert "workflow_call" in loaded(".github/workflows/test.yml")[True]


def needed_by(name, jobs):
    """All jobs that must have succeeded before this one begins."""
    needs = jobs[name].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct.union(*(needed_by(each, jobs) for each in direct))


def list_assigned(path):
    """The names that a module's own lines give values to, each as often as they do."""
    lines = ast.parse(path.read_text(encoding="utf-8")).body
    targets = [t for line in lines if isinstance(line, ast.Assign) for t in line.targets]
    targets += [line.target for line in lines if isinstance(line, ast.AnnAssign)]
    names = [each for target in targets for each in ast.walk(target)]
    return Counter(each.id for each in names if isinstance(each, ast.Name))


def test_no_constant_takes_the_place_of_another_one():
    """No linter sees it: a bound of .5 once stood below another one of .4 by the same name."""
    modules = [
        each for name in ("datacleanse", "cli", "reports") for each in (ROOT / name).rglob("*.py")
    ]
    twice = {
        str(path): repeated
        for path in modules
        if (repeated := [name for name, n in list_assigned(path).items() if n > 1])
    }
    assert len(modules) > 300
    assert not twice
