"""Random networks of the layers that people use, for comparisons with a slow reference."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

SIDE, CHANNELS, N_CLASSES = 6, 2, 3
"""Inputs are (B, CHANNELS, SIDE, SIDE)."""


class FixedDropout(nn.Module):
    """Dropout whose mask does not change from pass to pass, (B, ...) to (B, ...)."""

    def forward(self, x: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(3)
        return 2 * x * (torch.rand(x.shape[1:], generator=generator) > 0.5)


class Tied(nn.Module):
    """One linear layer used twice, (B, n) to (B, n)."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.layer = nn.Linear(n, n)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.layer(x).tanh())


class TiedOutside(nn.Module):
    """An embedding whose weight is used once more as a plain tensor, (B, n) to (B, n)."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.codes = nn.Embedding(5, n)

    def forward(self, x: Tensor) -> Tensor:
        found = self.codes((x * 10).detach().long().abs() % 5).mean(dim=1)
        return (x + found) @ self.codes.weight.T @ self.codes.weight


class Attention(nn.Module):
    """Self-attention over 4 positions, (B, n) to (B, n), from torch's or from linear layers."""

    def __init__(self, n: int, *, of_torch: bool) -> None:
        super().__init__()
        self.widen = nn.Linear(n, 4 * n)
        self.mix = nn.MultiheadAttention(n, 2, batch_first=True) if of_torch else None
        self.query, self.key, self.value = (nn.Linear(n, n) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        h = self.widen(x).view(len(x), 4, -1)
        if self.mix is not None:
            return self.mix(h, h, h, need_weights=False)[0].mean(dim=1)
        scores = self.query(h) @ self.key(h).transpose(1, 2)
        return (scores.softmax(dim=2) @ self.value(h)).mean(dim=1)


@st.composite
def convolution(draw, n_in: int, n_out: int) -> nn.Module:
    mode = draw(st.sampled_from(["zeros", "reflect", "circular", "replicate"]))
    stride = draw(st.integers(1, 2))
    padding = draw(st.sampled_from([0, 1, 2, *(["same"] if stride == 1 else [])]))
    return nn.Conv2d(
        n_in,
        n_out,
        draw(st.integers(1, 3)),
        stride=stride,
        padding=padding,
        dilation=draw(st.integers(1, 2)),
        groups=draw(st.sampled_from([1, 2])),
        bias=draw(st.booleans()),
        padding_mode=mode,
    )


def _spatial_norm(name: str, n: int) -> nn.Module:
    if name == "group":
        return nn.GroupNorm(2, n)
    return nn.BatchNorm2d(n) if name == "batch" else nn.Identity()


def _flat(name: str, n: int) -> nn.Module:
    makers = {
        "linear": lambda: nn.Linear(n, n),
        "layer norm": lambda: nn.LayerNorm(n),
        "rms norm": lambda: nn.RMSNorm(n),
        "batch norm": lambda: nn.BatchNorm1d(n),
        "group norm": lambda: nn.GroupNorm(2, n),
        "dropout": FixedDropout,
        "tied": lambda: Tied(n),
        "tied outside": lambda: TiedOutside(n),
        "attention": lambda: Attention(n, of_torch=False),
        "torch attention": lambda: Attention(n, of_torch=True),
    }
    return makers[name]()


FLAT = (
    "linear",
    "layer norm",
    "rms norm",
    "batch norm",
    "group norm",
    "dropout",
    "tied",
    "tied outside",
    "attention",
    "torch attention",
)


@st.composite
def architectures(draw) -> nn.Module:
    """A network in float64 and training mode, some of its parameters frozen."""
    torch.manual_seed(draw(st.integers(0, 10_000)))
    layers: list[nn.Module] = []
    n = CHANNELS
    for _ in range(draw(st.integers(0, 2))):
        layers += [draw(convolution(n, 4)), nn.ReLU(inplace=draw(st.booleans()))]
        layers.append(_spatial_norm(draw(st.sampled_from(["group", "batch", "none"])), 4))
        n = 4
    width = 2 * draw(st.integers(2, 4))
    layers += [nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * n, width)]
    for name in draw(st.lists(st.sampled_from(FLAT), max_size=3)):
        layers += [_flat(name, width), nn.Tanh()]
    layers.append(nn.Linear(width, N_CLASSES))
    model = nn.Sequential(*layers).double().train()
    parameters = list(model.parameters())
    for parameter in parameters[:-2]:
        parameter.requires_grad_(draw(st.integers(0, 4)) > 0)
    return model
