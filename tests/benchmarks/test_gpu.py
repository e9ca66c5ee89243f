"""The benchmark for GPUs, tried in small on the CPU, so that it is ready when there is one."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from benchmarks.cost import cifar, gpu
from benchmarks.cost.step_cost import table_case
from tests.tries import BY_CI

ROUTES = {"plain", "plain, compiled", "audited", "textbook double backward"}


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@BY_CI
# torch's compiler looks at the .grad of a tensor inside.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor:UserWarning")
def test_everything_runs_in_small_and_is_written_and_printed(tmp_path, capsys):
    file = tmp_path / "gpu.json"
    gpu.main(["--smoke", "--out", str(file)])

    result = json.loads(file.read_text())
    for part in ("images", "table"):
        found = result["parts"][part]
        assert found["failed"] == {}
        assert set(found["seconds"]) >= ROUTES
        assert all(len(rounds) == 1 and rounds[0] > 0 for rounds in found["seconds"].values())
    cells = result["parts"]["cifar"]["cells"]
    assert {(c["noise"], c["rule"]) for c in cells} == {
        (noise, rule) for noise in cifar.CLEAN for rule in cifar.RULES
    }
    printed = capsys.readouterr().out
    assert "| audited |" in printed
    assert "| background |" in printed


def test_a_route_that_fails_says_why_and_the_others_go_on(monkeypatch):
    def refused(case):
        raise RuntimeError("operation not permitted when stream is capturing")

    routes = {"plain": gpu.plain, "graph": refused}
    monkeypatch.setitem(gpu.ROUTES, "table", routes)
    result = gpu.cost("table", gpu.SMOKE, torch.device("cpu"))
    assert list(result["seconds"]) == ["plain"]
    assert "graph failed: RuntimeError: operation not permitted" in gpu.report(
        {"table": {"device": "CPU", **result}}
    )


def test_a_part_that_ends_badly_leaves_its_last_words(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu.sys, "executable", "/bin/false")
    gpu.main(["--parts", "cifar", "--out", str(tmp_path / "r.json")])
    assert "exit code 1" in json.loads((tmp_path / "r.json").read_text())["parts"]["cifar"]["error"]


@pytest.mark.parametrize(("noise", "n_clean"), [("uniform", 1000), ("background", 100)])
def test_the_papers_setting_is_made_of_disjoint_parts(noise, n_clean):
    n = 20_000
    labels = np.arange(n) % cifar.N_CLASSES
    images = torch.arange(n).view(n, 1)
    task = cifar.make_task(images, labels, noise, torch.device("cpu"), seed=0)
    parts = [part[0][:, 0] for part in (task.train, task.clean, task.test)]
    assert [len(p) for p in parts] == [n - 4000 - n_clean, n_clean, 4000]
    assert len(torch.cat(parts).unique()) == n
    truth = task.train[0][:, 0] % cifar.N_CLASSES
    wrong = truth != task.train[1]
    assert torch.equal(task.clean[0][:, 0] % cifar.N_CLASSES, task.clean[1])
    assert bool((task.clean[1].bincount() == n_clean // 10).all())
    if noise == "background":
        assert set(task.train[1][wrong].tolist()) == {0}
        assert float(wrong[truth != 0].double().mean()) == pytest.approx(0.4, abs=0.001)
    else:
        assert float(wrong.double().mean()) == pytest.approx(0.4, abs=0.001)


def test_moved_images_are_cut_from_the_padded_one_or_its_mirror():
    torch.manual_seed(0)
    x = torch.randn(20, 3, 8, 8)
    padded = torch.nn.functional.pad(x, (4,) * 4, mode="reflect")
    for image, around in zip(cifar.moved(x), padded, strict=True):
        places = [
            cut
            for top in range(9)
            for left in range(9)
            for cut in (around[:, top : top + 8, left : left + 8],)
        ]
        assert any(torch.equal(image, c) or torch.equal(image, c.flip(2)) for c in places)


def test_graphs_train_as_the_loop_does_where_nothing_is_recorded():
    """On a CPU the step is called instead of replayed: the network must learn by it."""
    case = gpu.on_device(table_case(300), torch.device("cpu"), half=False)
    models = []

    def kept():
        models.append(case.make())
        return models[-1]

    epoch = gpu.audited_as_graph(gpu.replace(case, make=kept))
    examples = case.examples

    def loss():
        logits = models[0].eval()(examples.inputs)
        models[0].train()
        return float(torch.nn.functional.cross_entropy(logits.detach(), examples.labels))

    before = loss()
    for _ in range(3):
        epoch()
    assert loss() < before
