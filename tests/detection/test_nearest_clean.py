"""The clean rows beside a suspect: against a slow search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from datacleanse.detection.nearest_clean import find_neighbours
from datacleanse.training.examples import Examples

NAMES = ("ant", "bee", "fly")


class Identity(torch.nn.Module):
    def penultimate(self, rows):
        return rows


def made(n_clean=30, n=40):
    rng = np.random.default_rng(n_clean)
    rows = rng.normal(size=(n + n_clean, 4)).astype(np.float32)
    labels = rng.integers(3, size=n + n_clean)
    examples = Examples(
        torch.from_numpy(rows),
        torch.from_numpy(labels),
        n,
        torch.arange(n),
        torch.arange(n, n + n_clean),
        3,
    )
    return rows, labels, examples


@pytest.mark.parametrize("n_clean", [1, 2, 3, 30])
def test_nearest_of_the_suggested_class_come_first(n_clean):
    rows, labels, examples = made(n_clean)
    suspects = np.array([7, 0, 39, 5])
    suggested = np.array([1, -1, 2, 0])
    table = find_neighbours(
        Identity(),
        examples,
        suspects,
        suggested,
        NAMES,
        is_in_clean=np.zeros(len(suspects), np.bool_),
    ).to_pydict()
    expected = []
    for row, wanted in zip(suspects, suggested, strict=True):
        gaps = np.linalg.norm(rows[40:] - rows[row], axis=1)
        order = sorted(range(n_clean), key=lambda v: (labels[40 + v] != wanted, gaps[v]))
        expected += [
            (row, place, v, NAMES[labels[40 + v]], gaps[v])
            for place, v in enumerate(order[:3], start=1)
        ]
    for name, values in zip(table, zip(*expected, strict=True), strict=True):
        if name == "distance":
            np.testing.assert_allclose(table[name], values, rtol=1e-3)
        else:
            assert table[name] == list(values)


def test_without_suspects_the_table_is_empty():
    _, _, examples = made()
    nobody = np.empty(0, np.int64)
    assert (
        find_neighbours(
            Identity(), examples, nobody, nobody, NAMES, is_in_clean=nobody == 0
        ).num_rows
        == 0
    )


def test_own_networks_are_asked_for_their_logits():
    rows, _, examples = made()
    table = find_neighbours(
        torch.nn.Identity(),
        examples,
        np.array([3]),
        np.array([-1]),
        NAMES,
        is_in_clean=np.array([False]),
    )
    gaps = np.sort(np.linalg.norm(rows[40:] - rows[3], axis=1))[:3]
    np.testing.assert_allclose(table["distance"], gaps, rtol=1e-3)


def test_a_row_is_no_neighbour_of_itself():
    rows, labels, examples = made(4)
    rows[7] = rows[42] + 1e-6
    suspects, suggested = np.array([7, 8]), np.array([labels[42], -1])
    both, neither = (
        find_neighbours(
            Identity(),
            examples,
            suspects,
            suggested,
            NAMES,
            is_in_clean=np.array([is_in_clean, False]),
        ).to_pylist()
        for is_in_clean in (True, False)
    )

    assert next(line["clean_row"] for line in neither if line["row"] == 7) == 2
    assert 2 not in [line["clean_row"] for line in both if line["row"] == 7]
    assert len([line for line in both if line["row"] == 7]) == 3
    assert [line for line in both if line["row"] == 8] == [
        line for line in neither if line["row"] == 8
    ]


def test_a_row_that_is_all_of_the_clean_set_has_no_neighbour():
    rows, _, examples = made(1)
    rows[7] = rows[40]
    found = find_neighbours(
        Identity(), examples, np.array([7]), np.array([-1]), NAMES, is_in_clean=np.array([True])
    )

    assert found.num_rows == 0


def test_of_texts_alone_the_nearest_by_direction_are_taken():
    rows, _, examples = made()
    axes = torch.tensor([0, 2])
    nothing = np.array([-1])
    table = find_neighbours(
        Identity(),
        replace(examples, axes=axes),
        np.array([7]),
        nothing,
        NAMES,
        is_in_clean=nothing == 0,
    ).to_pydict()
    along = rows[:, axes.numpy()].astype(np.float64)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    gaps = np.linalg.norm(along[40:] - along[7], axis=1)
    assert table["clean_row"] == np.argsort(gaps)[:3].tolist()
    np.testing.assert_allclose(table["distance"], np.sort(gaps)[:3], rtol=1e-3)
