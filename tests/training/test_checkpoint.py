"""A training saved anywhere goes on as if never interrupted; a checkpoint of another is refused."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import nn

from datacleanse.errors import RunFolderError, Stopped
from datacleanse.settings import Meta, Schedule
from datacleanse.training.checkpoint import ROWS, Checkpoint, Checkpoints, check_identity, digest
from datacleanse.training.loop import Hooks, TrainingError, train
from datacleanse.training.rules import RULES, make_rule
from datacleanse.training.saved_state import UnusableStateError
from tests.training.test_loop import blobs, keeping, network
from tests.tries import tries

IDENTITY = {
    "datacleanse": "1.0",
    "torch": "2.0",
    "DATA": "aa",
    "CLEAN": "bb",
    "--rule": "l2rw",
    "--drop": ["x", "y"],
    "--lr": 0.1,
    ROWS: "cc",
}
SCHEDULE = Schedule(epochs=3, batch_size=16, lr=1e-2, meta=Meta(batch=4, every=3, average=0.5))
N_STEPS = 3 * 6


def trained(rule, checkpoints=None, *, stop_after=None, model=None):
    """Train, or go on; stopped after so many batches. What came of it, and the epochs' records."""
    examples, _ = blobs(flipped=10)
    steps = 0

    def should_stop():
        nonlocal steps
        steps += 1
        return steps == stop_after

    records = {}
    model = model or network()
    outcome = train(
        model,
        make_rule(rule, seed=3),
        examples,
        SCHEDULE,
        seed=3,
        saved=None if checkpoints is None else checkpoints.load("t"),
        hooks=Hooks(
            on_epoch=keeping(records),
            save=None if checkpoints is None else lambda c: checkpoints.save("t", c),
            should_stop=should_stop,
        ),
    )
    return outcome, records, model.state_dict()


def assert_same(one, other):
    (first, first_records, first_parameters), (second, records, parameters) = one, other
    for field in fields(first.dynamics):
        np.testing.assert_array_equal(
            getattr(first.dynamics, field.name), getattr(second.dynamics, field.name)
        )
    assert (first.loss, first.trusted_loss) == (second.loss, second.trusted_loss)
    assert first.skipped_steps == second.skipped_steps
    for name, value in first_parameters.items():
        assert torch.equal(value, parameters[name])
    for epoch, record in records.items():
        for field in fields(record):
            np.testing.assert_array_equal(
                getattr(record, field.name), getattr(first_records[epoch], field.name)
            )


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_training_stopped_after_every_few_batches_ends_as_one_that_was_not(rule, tmp_path):
    whole = trained(rule)
    for every in (1, 4, 5, 6):
        checkpoints = Checkpoints(tmp_path / f"{every}", IDENTITY)
        n_stops, done = 0, None
        while done is None:
            try:
                # Another start of the network: all that counts is in the checkpoint.
                done = trained(rule, checkpoints, stop_after=every, model=network(seed=n_stops))
            except Stopped:
                n_stops += 1
        assert n_stops == N_STEPS // every
        assert_same(whole, done)


def test_a_finished_training_is_given_back_without_a_step(tmp_path):
    checkpoints = Checkpoints(tmp_path / "c", IDENTITY)
    whole = trained("l2rw", checkpoints)
    again = trained("l2rw", checkpoints, stop_after=1)
    assert again[1] == {}
    assert_same(whole, again)


class Mixing(nn.Module):
    """Layers alone do not show that its examples mix: a batch does."""

    def __init__(self):
        super().__init__()
        self.inner = network()

    def forward(self, x):
        logits = self.inner(x)
        return logits - logits.mean(dim=0)


def test_a_finished_training_tells_the_route_that_it_took(tmp_path):
    checkpoints = Checkpoints(tmp_path / "c", IDENTITY)
    whole = trained("l2rw", checkpoints, model=Mixing())
    again = trained("l2rw", checkpoints, model=Mixing())
    assert whole[0].route.name == "forward-mode"
    assert again[0].route == whole[0].route
    assert_same(whole, again)


def test_a_stop_names_how_far_it_came(tmp_path):
    with pytest.raises(Stopped, match="after 1 of 3 epochs and 2 of 6 batches"):
        trained("l2rw", Checkpoints(tmp_path, IDENTITY), stop_after=8)


def test_training_that_goes_astray_names_the_batch_and_leaves_the_last_good_checkpoint(tmp_path):
    checkpoints = Checkpoints(tmp_path, IDENTITY)
    examples, _ = blobs()
    model = network()
    saved = []

    def save(checkpoint):
        checkpoints.save("t", checkpoint)
        saved.append(checkpoint.epochs)
        # The first batch of the next epoch is the first to see it.
        model[0].weight.data[0, 0] = torch.nan

    with pytest.raises(TrainingError, match="epoch 1, batch 0"):
        train(model, make_rule("l2rw", seed=0), examples, SCHEDULE, seed=0, hooks=Hooks(save=save))
    assert saved == [1]
    last = checkpoints.load("t")
    assert last.epochs == 1
    assert all(value.isfinite().all() for value in last.network.values())


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | (st.text())
)
TENSORS = st.builds(
    lambda shape, dtype, seed: torch.randint(
        0, 2, shape, generator=torch.Generator().manual_seed(seed)
    ).to(dtype),
    st.lists(st.integers(0, 4), max_size=3),
    st.sampled_from([torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool]),
    st.integers(0, 9),
)
STATES = st.recursive(
    PLAIN.filter(lambda value: value not in (float("inf"), float("-inf"))) | TENSORS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def equal(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and one.shape == other.shape and torch.equal(one, other)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[k], other[k]) for k in one)
    return type(one) is type(other) and one == other


def checkpoint(**state) -> Checkpoint:
    return Checkpoint(
        **{
            "epochs": 2,
            "batches": 1,
            "rows": 4,
            "batch_size": 4,
            "steps": 13,
            "skipped": 0,
            "losses": [0.5, 0.1 + 0.2],
            "trusted_losses": [1e-300, 0.25],
            "network": {"a.weight": torch.ones(2, 3), "b": torch.tensor(1.5)},
            "optimiser": {"0": {"step": torch.tensor(3.0)}},
            "rule": {},
            "direction": {},
            "generators": {"cpu": torch.arange(20, dtype=torch.uint8)},
            "recorder": {},
            "order": torch.arange(7),
        }
        | state
    )


@given(state=st.dictionaries(st.text(), STATES, max_size=3))
@settings(max_examples=tries(60), deadline=None)
def test_what_is_saved_is_loaded(state, tmp_path_factory):
    checkpoints = Checkpoints(tmp_path_factory.mktemp("c") / "checkpoint", IDENTITY)
    saved = checkpoint(rule=state)
    checkpoints.save("t", saved)
    loaded = checkpoints.load("t")
    for field in fields(Checkpoint):
        assert equal(getattr(saved, field.name), getattr(loaded, field.name)), field.name


def test_the_file_is_plain_safetensors(tmp_path):
    Checkpoints(tmp_path, IDENTITY).save("t", checkpoint())
    tensors = load_file(tmp_path / "t.safetensors")
    assert torch.equal(tensors["network/a.weight"], torch.ones(2, 3))
    assert [path.name for path in tmp_path.iterdir()] == ["t.safetensors"]


def test_no_checkpoint_is_no_error(tmp_path):
    assert Checkpoints(tmp_path / "none", IDENTITY).load("t") is None


@pytest.mark.parametrize(
    ("key", "slug", "said", "cure"),
    [
        ("datacleanse", "checkpoint-other-version", "with datacleanse 1.0; this is", "1.0, or"),
        ("torch", "checkpoint-other-version", "with torch 2.0; this is", "2.0, or"),
        ("DATA", "checkpoint-other-data", "another DATA", "Give the DATA"),
        ("CLEAN", "checkpoint-other-data", "another CLEAN", "Give the CLEAN"),
        (ROWS, "checkpoint-other-data", "other rows", "libraries"),
        ("--rule", "checkpoint-other-settings", "--rule 'l2rw'; now it is 'new'", "options"),
        ("--drop", "checkpoint-other-settings", "['x', 'y']; now it is 'new'", "options"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_kept(tmp_path, key, slug, said, cure):
    Checkpoints(tmp_path, IDENTITY).save("t", checkpoint())
    before = (tmp_path / "t.safetensors").read_bytes()
    with pytest.raises(RunFolderError) as error:
        Checkpoints(tmp_path, IDENTITY | {key: "new"}).load("t")
    assert error.value.slug == slug
    assert said in error.value.message
    assert str(tmp_path / "t.safetensors") in error.value.message
    assert cure in error.value.hint
    assert "--force" in error.value.hint
    assert (tmp_path / "t.safetensors").read_bytes() == before


def test_the_weightiest_difference_is_named_first(tmp_path):
    with pytest.raises(RunFolderError, match="another DATA"):
        check_identity(IDENTITY, IDENTITY | {"--rule": "u", "DATA": "z", ROWS: "z"}, tmp_path)


def test_an_option_that_was_not_given_before_is_named(tmp_path):
    with pytest.raises(RunFolderError, match=r"lr= not given; now it is 0\.1"):
        check_identity(IDENTITY | {"--lr": None}, IDENTITY, tmp_path)


def test_rows_that_are_not_encoded_yet_are_not_compared(tmp_path):
    check_identity(IDENTITY, {k: v for k, v in IDENTITY.items() if k != ROWS}, tmp_path)


def test_another_format_is_refused(tmp_path):
    Checkpoints(tmp_path, IDENTITY).save("t", checkpoint())
    file = tmp_path / "t.safetensors"
    content = file.read_bytes()
    old, new = (json.dumps('{"version": ' + n)[1:-1].encode() for n in "29")
    assert content.count(old) == 1
    file.write_bytes(content.replace(old, new))
    with pytest.raises(RunFolderError, match="format 9; this program reads 2") as error:
        Checkpoints(tmp_path, IDENTITY).load("t")
    assert error.value.slug == "checkpoint-other-version"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:-1],
        lambda content: b"\0" * len(content),
        lambda content: content.replace(b"losses", b"l0sses"),
        lambda content: b"nonsense",
    ],
)
def test_a_damaged_file_is_named_with_the_cure(tmp_path, spoil):
    Checkpoints(tmp_path, IDENTITY).save("t", checkpoint())
    file = tmp_path / "t.safetensors"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(RunFolderError, match="is damaged") as error:
        Checkpoints(tmp_path, IDENTITY).load("t")
    assert error.value.slug == "checkpoint-damaged"
    assert "--force" in error.value.hint


def edited(tmp_path, change, *, after=8):
    """The checkpoints of a training stopped within its second epoch, its description changed."""
    checkpoints = Checkpoints(tmp_path, IDENTITY)
    with pytest.raises(Stopped):
        trained("l2rw", checkpoints, stop_after=after)
    file = tmp_path / "t.safetensors"
    content = file.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    described = json.loads(header["__metadata__"]["datacleanse"])
    change(described["state"])
    header["__metadata__"]["datacleanse"] = json.dumps(described)
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + content[end:])
    return checkpoints


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.update(batch_size=0), "state.batch_size is 0, where a whole number from 1 on"),
        (lambda s: s.update(batch_size=2.5), "state.batch_size is 2.5, where a whole number"),
        (lambda s: s.update(epochs=-1), "state.epochs is -1, where a whole number from 0 on"),
        (lambda s: s.pop("losses"), "state.losses is missing, where a list was expected"),
        (lambda s: s.update(losses=[float("nan")]), "it holds NaN, which is no JSON"),
        (lambda s: s.update(network=None), "state.network is not what a training saves there"),
        (lambda s: s.update(order=3), "state.order is not what a training saves there"),
    ],
)
def test_a_value_of_a_wrong_type_is_named(tmp_path, change, said):
    with pytest.raises(RunFolderError) as error:
        edited(tmp_path, change).load("t")
    assert error.value.slug == "checkpoint-damaged"
    assert said in error.value.message
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s.update(epochs=99), "epochs is 99, where at most 3 was expected"),
        (lambda s: s.update(rows=10**6), "rows is 1,000,000, where at most"),
        (lambda s: s.update(skipped=9), "skipped is 9, where at most 8 was expected"),
        (lambda s: s.update(losses=[]), "losses has 0 of them, where 1 were expected"),
        (lambda s: s["recorder"].update(epochs=3), "recorder.epochs is 3, where 1 was expected"),
        (lambda s: s["recorder"].pop("sums"), "recorder has other entries than it should: sums"),
        (lambda s: s["direction"].update(age="x"), "direction.age is of type str, not int"),
        (lambda s: s["direction"].update(direction={}), "direction.direction has other entries"),
        (lambda s: s["optimiser"].update(means=[]), "optimiser.means has 0 entries, not 4"),
        (lambda s: s["generators"].pop("cpu"), "generators has other entries than it should: cpu"),
        (lambda s: s.update(order=s["network"]["0.bias"]), "order is (16,) torch.float32, not"),
        (
            lambda s: s["network"].update({"0.weight": s["network"]["0.bias"]}),
            "network.0.weight is (16,) torch.float32, not (16, 4) torch.float32",
        ),
    ],
)
def test_a_state_of_another_training_is_refused_before_it_goes_on(tmp_path, change, said):
    checkpoints = edited(tmp_path, change)
    with pytest.raises(UnusableStateError) as error:
        trained("l2rw", checkpoints)
    assert said in str(error.value)


def test_an_order_that_leads_elsewhere_is_refused(tmp_path):
    checkpoints = edited(tmp_path, lambda state: None)
    loaded = checkpoints.load("t")
    loaded.order[0] = 10**6
    checkpoints.save("t", loaded)
    with pytest.raises(UnusableStateError, match="order does not hold each training row once"):
        trained("l2rw", checkpoints)


def test_a_loss_that_is_not_finite_is_kept_as_none(tmp_path):
    checkpoints = edited(tmp_path, lambda state: state.update(losses=[None]))
    outcome, _, _ = trained("l2rw", checkpoints)
    assert np.isnan(outcome.loss[0])
    assert np.isfinite(outcome.loss[1:]).all()


def test_a_failure_while_saving_leaves_the_checkpoint_before(tmp_path):
    checkpoints = Checkpoints(tmp_path, IDENTITY)
    checkpoints.save("t", checkpoint())
    with pytest.raises(RuntimeError):
        checkpoints.save("t", replace(checkpoint(epochs=3), order=torch.ones(2).to_sparse()))
    assert checkpoints.load("t").epochs == 2


def test_a_digest_tells_values_shapes_and_types_apart():
    one = torch.arange(6, dtype=torch.float32)
    others = [one + 1, one.reshape(2, 3), one.to(torch.float64), one.to(torch.int32)]
    assert len({digest(each) for each in [one, *others]}) == 5
    assert digest(one) == digest(one.clone())
