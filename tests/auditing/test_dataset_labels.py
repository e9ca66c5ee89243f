"""Labels of a dataset of one's own, in the forms in which datasets hold them."""

from __future__ import annotations

from collections import OrderedDict, namedtuple

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import ConcatDataset, Dataset, Subset, TensorDataset, random_split

import datacleanse as dc
from datacleanse.auditing.tasks.dataset_labels import read_labels
from datacleanse.errors import InputError

CODES = np.arange(30) % 3
X = torch.arange(90, dtype=torch.float32).reshape(30, 3)
Pair = namedtuple("Pair", "image target")


class Made(Dataset):
    """Examples whose labels, or whole items, a function makes of the class."""

    targets = (2,) * 30
    """Wrong on purpose, as those of a dataset with a `target_transform` are."""

    def __init__(self, make=int, *, item=lambda x, label: (x, label), codes=CODES):
        self.make, self.item, self.codes = make, item, codes

    def __len__(self):
        return len(self.codes)

    def __getitem__(self, at):
        return self.item(X[at], self.make(self.codes[at]))


FORMS = {
    "int": int,
    **{f"numpy {kind}": np.dtype(kind).type for kind in np.typecodes["AllInteger"]},
    "array without axes": np.array,
    "array of one": lambda code: np.array([code]),
    "object": lambda code: np.array(int(code), object),
    "tensor": lambda code: torch.tensor(int(code)),
    "tensor of one": lambda code: torch.tensor([int(code)], dtype=torch.uint8),
    "tensor of one by one": lambda code: torch.tensor([[int(code)]], dtype=torch.int32),
}


@pytest.mark.parametrize("make", FORMS.values(), ids=FORMS)
def test_a_whole_number_is_a_label_in_every_form(make):
    np.testing.assert_array_equal(read_labels(Made(make), 3), CODES)


@pytest.mark.parametrize("make", [bool, np.bool_, lambda code: torch.tensor(bool(code))])
def test_booleans_are_the_classes_0_and_1(make):
    codes = CODES % 2
    np.testing.assert_array_equal(read_labels(Made(make, codes=codes), 2), codes)


ITEMS = {
    "list": lambda x, label: [x, label],
    "named tuple": Pair,
    "dictionary": lambda x, label: {"image": x, "label": label},
    "label first": lambda x, label: OrderedDict(y=label, x=x),
}


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_an_example_may_be_any_pair(item):
    np.testing.assert_array_equal(read_labels(Made(item=item), 3), CODES)


def nest():
    base = TensorDataset(X, torch.from_numpy(CODES))
    backwards = Subset(base, list(range(29, -1, -1)))
    return {
        "tensors": (base, CODES),
        "tensors in a column": (TensorDataset(X, torch.from_numpy(CODES)[:, None]), CODES),
        "a subset": (backwards, CODES[::-1]),
        "a subset of a subset": (Subset(backwards, [0, 5, 7]), CODES[::-1][[0, 5, 7]]),
        "a part drawn at random": (
            (part := random_split(base, [10, 20], torch.Generator().manual_seed(1))[0]),
            CODES[part.indices],
        ),
        "several": (ConcatDataset([backwards, Made(torch.tensor)]), [*CODES[::-1], *CODES]),
        "a subset of one with targets": (Subset(Made(), [4, 3]), CODES[[4, 3]]),
    }


@pytest.mark.parametrize("name", nest())
def test_labels_are_those_of_the_examples_whatever_lies_behind(name):
    dataset, codes = nest()[name]
    np.testing.assert_array_equal(read_labels(dataset, 3), codes)


WRONG = {
    "a fraction": (lambda code: 1.5, "the label 1.5", "0 to 2"),
    "a fraction in a tensor": (lambda code: torch.tensor(1.5), "the label 1.5", "0 to 2"),
    "a whole number stored as a fraction": (np.float64, "the label 2.0", "int(label)"),
    "below 0": (lambda code: torch.tensor(-1), "the label -1", "0 to 2"),
    "too high": (lambda code: np.uint8(3), "the label 3", "0 to 2"),
    "not a number": (lambda code: float("nan"), "the label nan", "0 to 2"),
    "nothing": (lambda code: None, "the label None", "0 to 2"),
    "a name": (lambda code: "cat", "the label 'cat'", "position of the name"),
    "digits": (str, "the label '2'", "0 to 2"),
    "one number for each class": (
        lambda code: nn.functional.one_hot(torch.tensor(int(code)), 3),
        "the label tensor([0, 0, 1])",
        "position of the largest",
    ),
    "a list of one for each class": (lambda code: [0, 1, 0], "[0, 1, 0]", "of the largest"),
    "the input in the label's place": (
        lambda code: torch.zeros(3, 32, 32),
        "Tensor of the shape (3, 32, 32)",
        "0 to 2",
    ),
    "a duration": (lambda code: np.timedelta64(1, "ns"), "timedelta64(1,'ns')", "0 to 2"),
    "no value at all": (lambda code: torch.tensor(1, device="meta"), "device='meta'", "0 to 2"),
}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_what_is_no_class_is_named_with_its_place(case):
    make, said, cure = case
    with pytest.raises(InputError) as error:
        read_labels(Made(lambda code: int(code) if code < 2 else make(code)), 3)
    assert f"Made[2] has {said}" in error.value.message or said in error.value.message
    assert "Made[2]" in error.value.message
    assert "\n" not in error.value.message
    assert cure in error.value.hint


@pytest.mark.parametrize(
    "stored", [torch.tensor([0.0, 1.5, 0.0]), torch.eye(3), torch.zeros(3, device="meta")]
)
def test_tensors_that_hold_no_classes_are_refused(stored):
    with pytest.raises(InputError, match=r"TensorDataset\[\d\] has the label"):
        read_labels(TensorDataset(X[:3].to(stored.device), stored), 3)


@pytest.mark.parametrize(
    "item",
    [
        lambda x, label: {"x": x, "z": x, "label": label},
        lambda x, label: {"label": label, "y": label},
        lambda x, label: {"x": x, "z": label},
    ],
)
def test_a_dictionary_in_which_the_label_is_not_plain_is_refused_by_its_names(item):
    with pytest.raises(InputError, match=r"Made\[0\] is dict with the names '\w+', ") as error:
        read_labels(Made(item=item), 3)
    assert "(input, label)" in error.value.hint


def test_an_audit_takes_parts_drawn_at_random(tmp_path):
    whole = Made(lambda code: torch.tensor(int(code)))
    data, trusted = random_split(whole, [20, 10], torch.Generator().manual_seed(0))
    result = dc.audit_dataset(nn.Linear(3, 3), data, trusted, epochs=2, out=tmp_path / "run")
    assert list(result.table["given_label"]) == [CODES[at] for at in data.indices]
