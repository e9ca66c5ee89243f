"""A model of the user's own in an audit: its probabilities, or the classifier to be asked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

import datacleanse as dc
from tests.cli.conftest import run_here

SHORT = {"label": "grade", "epochs": 2, "fast": True, "device": "cpu", "progress": False}
N, N_CLEAN = 150, 40


def made(seed=0):
    """A frame whose label the columns hardly tell, some labels wrong; a clean one; the truth."""
    rng = np.random.default_rng(seed)
    true = np.arange(N + N_CLEAN) % 2
    frame = pd.DataFrame(
        {"size": rng.normal(size=len(true)) + true, "shape": rng.normal(size=len(true))}
    )
    given = np.where(rng.random(len(true)) < 0.15, 1 - true, true)
    given[N:] = true[N:]
    frame["grade"] = np.array(["a", "b"])[given]
    return frame[:N], frame[N:].reset_index(drop=True), true, given != true


def slugs(result):
    return {each["slug"]: each["message"] for each in result.manifest["notices"]}


def test_probabilities_that_know_more_lead_to_the_wrong_labels():
    frame, clean, true, wrong = made()
    told = np.where(true[:N, None] == [0, 1], 0.9, 0.1)
    with_them = dc.audit(frame, val=clean, probabilities=told, **SHORT)
    without = dc.audit(frame, val=clean, **SHORT)

    def first(result):
        return wrong[:N][result.table["rank"].to_numpy() <= wrong[:N].sum()].mean()

    assert first(with_them) > first(without) + 0.2
    assert (
        "150 rows of DATA are part of the second opinion" in slugs(with_them)["probabilities-used"]
    )


def test_a_classifier_is_cross_fitted_on_the_columns():
    frame, clean, *_ = made()
    result = dc.audit(frame, val=clean, second_opinion=LogisticRegression(), **SHORT)

    assert slugs(result)["probabilities-used"].startswith("second_opinion=LogisticRegression: ")


@pytest.mark.parametrize("counts", [(4, 4, 4), (40, 3, 2)])
def test_classes_with_fewer_rows_than_folds_are_asked_about_all_the_same(counts):
    grade = np.repeat(["a", "b", "c"][: len(counts)], counts)
    frame = pd.DataFrame({"size": np.arange(len(grade)) ** 1.5, "grade": grade})
    result = dc.audit(frame, second_opinion=LogisticRegression(), **SHORT | {"fast": False})

    assert slugs(result)["probabilities-used"].startswith("second_opinion=LogisticRegression: ")


class Odd(ClassifierMixin, BaseEstimator):
    """A classifier that returns what it is told to, made of as many even shares."""

    def __init__(self, change):
        self.change = change

    def fit(self, rows, labels):
        self.classes_ = np.unique(labels)
        return self

    def predict_proba(self, rows):
        return self.change(np.full((len(rows), len(self.classes_)), 1 / len(self.classes_)))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Odd(lambda _: None), r"Odd: its predict_proba returned object of shape \(\)"),
        (Odd(lambda even: even[1:]), r"float64 of shape \(29, 2\) for 30 rows and 2 classes"),
        (Odd(lambda even: even[:, :1]), r"float64 of shape \(30, 1\) for 30 rows and 2 classes"),
        (Odd(lambda even: even.astype(str)), "its predict_proba returned <U32 of"),
        (Odd(lambda even: even * 9), "150 rows of 150 hold numbers below 0 or above 1; the first"),
        (Odd(lambda even: even * np.nan), "150 rows of 150 hold what is no finite number"),
        (Odd(lambda even: even / 2), "150 rows of 150 do not sum to 1; the first is row 0, with"),
        (LinearSVC(), "second_opinion=LinearSVC has no predict_proba"),
        (LogisticRegression(C=-1.0), "second_opinion=LogisticRegression fails on DATA's columns"),
    ],
)
def test_a_classifier_that_cannot_answer_is_refused(model, said):
    frame, clean, *_ = made()
    with pytest.raises(dc.DatacleanseError, match=said):
        dc.audit(frame, val=clean, second_opinion=model, **SHORT)


def test_two_models_at_once_are_refused():
    frame, clean, *_ = made()
    with pytest.raises(dc.SettingsError, match="Both probabilities and second_opinion"):
        dc.audit(frame, val=clean, probabilities="p.npy", second_opinion=1, **SHORT)


def test_the_command_takes_a_file_and_goes_on_with_the_same_one_only(tmp_path):
    frame, clean, true, _ = made()
    frame.to_csv(tmp_path / "data.csv", index=False)
    clean.to_csv(tmp_path / "clean.csv", index=False)
    told = pd.DataFrame(np.where(true[:N, None] == [0, 1], 0.9, 0.1), columns=["a", "b"])
    told.to_csv(tmp_path / "p.csv", index=False)
    words = ("audit", "data.csv", "--val", "clean.csv", "--label", "grade", "--epochs", "2")
    words = (*words, "--fast", "-o", "run", "--probabilities", "p.csv")
    done = run_here(*words, cwd=tmp_path)

    assert done.code == 0, done.err
    assert "p.csv: the probabilities of 150 rows of DATA" in done.err
    told.assign(a=0.5, b=0.5).to_csv(tmp_path / "p.csv", index=False)
    again = run_here(*words, "--resume", cwd=tmp_path)
    assert again.code == 2
    assert "--probabilities" in again.err
