"""Repeated runs with other random draws, and rows of CLEAN that are held back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import datacleanse as dc
from datacleanse.auditing.plan import hold_back_rows, split_clean
from datacleanse.auditing.regression import number_judge
from datacleanse.errors import SettingsError, Stopped

N, N_WRONG, N_CLEAN = 300, 30, 80


def frames():
    """Two classes well apart; the first rows of DATA are wrong."""
    rng = np.random.default_rng(0)
    true = rng.random(N + N_CLEAN) < 0.5
    values = rng.normal(size=(N + N_CLEAN, 3)) + 2.0 * true[:, None]
    frame = pd.DataFrame(values, columns=["a", "b", "c"])
    frame["label"] = np.where(true ^ (np.arange(len(frame)) < N_WRONG), "yes", "no")
    return frame[:N], frame[N:].reset_index(drop=True)


def run(**options):
    data, clean = frames()
    return dc.audit(data, val=clean, epochs=3, **options)


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    return run(repeats=2, hold_back=0.25, out=tmp_path_factory.mktemp("repeats") / "run")


def test_each_row_tells_in_which_share_of_repeated_runs_it_is_flagged(repeated):
    table = repeated.table
    assert set(table["flag_stability"]) <= {0.0, 0.5, 1.0}
    # The share is that of other runs: rows flagged here stay, on the whole, and others do not.
    flagged = table["flagged"]
    assert flagged.any()
    assert table["flag_stability"][flagged].mean() > 0.5 > table["flag_stability"][~flagged].mean()


def test_repeats_change_nothing_but_that_column(repeated):
    alone = run(hold_back=0.25).table
    assert alone["flag_stability"].isna().all()
    pd.testing.assert_frame_equal(
        alone.drop(columns="flag_stability"), repeated.table.drop(columns="flag_stability")
    )


def test_repeats_of_numbers_are_judged_with_draws_of_their_own(monkeypatch):
    seeds, assess = [], number_judge.assess_numbers

    def note(*given, seed, **options):
        seeds.append(seed)
        return assess(*given, seed=seed, **options)

    monkeypatch.setattr(number_judge, "assess_numbers", note)
    data, clean = (
        frame.head(60).assign(label=lambda each: (10 * each["a"]).round(1)) for frame in frames()
    )
    dc.audit(data, val=clean, task="regression", epochs=2, repeats=2, seed=3, jobs=1)
    assert seeds == [3, 4, 5]


def test_held_back_rows_take_no_part_but_to_compare_the_models(repeated):
    clean = repeated.manifest["clean"]
    assert clean["held_back_rows"] == N_CLEAN / 4
    assert clean["held_back_rows"] + clean["steering_rows"] + clean["calibration_rows"] == N_CLEAN
    metrics = repeated.manifest["metrics"]
    assert metrics["test"] is None
    assert metrics["held_back"]["rows"] == N_CLEAN / 4
    # Both do well on rows that they have not seen.
    assert metrics["held_back"]["control"]["accuracy"] > 0.7
    parts = pq.read_table(repeated.folder.calibration_file).column("part").to_pylist()
    assert parts.count("held back") == N_CLEAN / 4


def test_nothing_is_learned_from_held_back_rows(repeated):
    """Whatever stands in them, all that is said of DATA stays as it was."""
    data, clean = frames()
    parts = pq.read_table(repeated.folder.calibration_file).column("part").to_pandas()
    clean.loc[parts == "held back", ["a", "b", "c"]] = 0.5
    other = dc.audit(data, val=clean, epochs=3, hold_back=0.25)
    np.testing.assert_array_equal(other.table["suspicion"], repeated.table["suspicion"])


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5])
@pytest.mark.parametrize("n", [1, 2, 7, 60])
def test_parts_of_the_clean_set_are_disjoint_and_complete(n, share):
    labels = np.arange(n) % 3
    held = hold_back_rows(labels, share, seed=1)
    split = split_clean(labels, seed=1, held_back=held)
    assert len(held) == int(share * n)
    assert len(split.drawn_steering) >= 1
    together = np.concatenate([held, split.drawn_steering, split.calibration])
    np.testing.assert_array_equal(np.sort(together), np.arange(n))
    counts = np.bincount(labels[held], minlength=3)
    assert np.ptp(counts) <= 1


@pytest.mark.parametrize("options", [{"repeats": -1}, {"hold_back": 0.6}, {"hold_back": -0.1}])
def test_values_out_of_range_are_refused(options):
    with pytest.raises(SettingsError):
        run(**options)


class StopIn:
    """Asks to stop in the first batch after a stage was begun."""

    def __init__(self, stage):
        self.wanted, self.is_there = stage, False

    def stage(self, name, total):
        del total
        self.is_there = self.is_there or name == self.wanted
        if self.is_there:
            raise Stopped("there", slug="stopped", hint="")

    def advance(self, steps=1):
        pass

    def say(self, message):
        pass


def test_a_run_stopped_while_it_repeats_goes_on_to_the_same_end(repeated, tmp_path):
    options = {"repeats": 2, "hold_back": 0.25, "out": tmp_path / "run"}
    with pytest.raises(Stopped):
        run(**options, progress=StopIn("Repeat 2"))
    assert (tmp_path / "run" / "checkpoint" / "repeat-1-control.safetensors").is_file()
    gone_on = run(**options, resume=True)
    pd.testing.assert_frame_equal(gone_on.table, repeated.table)
