"""Decisions about the rows of a run, and `datacleanse apply` on them."""

from __future__ import annotations

import json

import pandas as pd

from datacleanse.review.decisions import Decision, append_decisions
from tests.cli.conftest import run_here
from tests.cli.tiny import contents


def decide(folder, actions, *, run="runs/data", reviewer="Ada"):
    """Append decisions about rows, as the review page makes them."""
    table = pd.read_parquet(folder / run / "audit.parquet").set_index("row")
    run_id = json.loads((folder / run / "run.json").read_text(encoding="utf-8"))["run_id"]
    other = {"yes": "no", "no": "yes"}
    made = [
        Decision(
            row=row,
            id=table["id"][row],
            row_sha256=table["row_sha256"][row],
            given_label=table["given_label"][row],
            action=action,
            new_label=other[table["given_label"][row]] if action == "relabel" else None,
            reviewer=reviewer,
            at="2026-01-02T03:04:05+00:00",
            run_id=run_id,
        )
        for row, action in actions.items()
    ]
    append_decisions(folder / run / "decisions.jsonl", made)
    return made


def lines(path):
    return path.read_bytes().splitlines(keepends=True)


def flipped(line):
    """A line of the table with its label changed (the label is the last cell but one)."""
    old, new = (b",yes,", b",no,") if b",yes," in line else (b",no,", b",yes,")
    head, sep, tail = line.rpartition(old)
    assert sep
    return head + new + tail


def apply_json(folder, *arguments):
    done = run_here("apply", "runs/data", *arguments, "--json", "--quiet", cwd=folder)
    assert (done.code, done.err) == (0, ""), done.err
    return json.loads(done.out)


def refused(folder, *arguments):
    """The message of a call that fails, after which nothing has changed."""
    before = contents(folder)
    done = run_here("apply", "runs/data", *arguments, "--quiet", cwd=folder)
    assert (done.code, done.out) == (2, ""), done
    assert contents(folder) == before
    return done.err
