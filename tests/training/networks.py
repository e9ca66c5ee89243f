"""Networks of the layers that people use, each with a batch for it and the route that serves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable

N_CLASSES = 3
SIDE, CHANNELS, N_CODES, N_POSITIONS, WIDTH = 6, 4, 7, 5, 8


@dataclass(frozen=True)
class Case:
    """A network and what it reads."""

    make: Callable[[], nn.Module]
    draw: Callable[[int], Tensor]
    route: str


class Along(nn.Module):
    """A layer on (B, positions, width), averaged over positions, and a head."""

    def __init__(self, layer: nn.Module, n_out: int = WIDTH) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(n_out, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        found = self.layer(x)
        h = found[0] if isinstance(found, tuple) else found
        return self.head(h.mean(dim=1))


class SelfAttention(nn.Module):
    """``nn.MultiheadAttention`` of x with itself."""

    def __init__(self, **options: object) -> None:
        super().__init__()
        self.mix = nn.MultiheadAttention(WIDTH, 2, batch_first=True, **options)

    def forward(self, x: Tensor) -> Tensor:
        return self.mix(x, x, x, need_weights=False)[0]


class TiedOutput(nn.Module):
    """A language model's head: the output matrix is the embedding."""

    def __init__(self, *, as_tensor: bool) -> None:
        super().__init__()
        self.codes = nn.Embedding(N_CODES, WIDTH)
        self.inner = nn.Linear(WIDTH, WIDTH)
        self.out = None if as_tensor else nn.Linear(WIDTH, N_CODES, bias=False)
        if self.out is not None:
            self.out.weight = self.codes.weight

    def forward(self, x: Tensor) -> Tensor:
        h = self.inner(self.codes(x).mean(dim=1)).tanh()
        return h @ self.codes.weight.T if self.out is None else self.out(h)


class Several(nn.Module):
    """One layer called three times, two of them in sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(self.layer(x).tanh()) + self.layer(x))


class InPlace(nn.Module):
    """Overwrites layers' outputs, a view of one included."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.head = nn.Linear(WIDTH, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x).add_(1.0).tanh_()
        out = self.second(h)
        out += h
        out[:, :2].mul_(3.0)
        return self.head(out.relu_())


class Attention(nn.Module):
    """Self-attention of linear layers; its key bias has a gradient of 0 but for rounding."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.scaled_dot_product_attention(self.query(x), self.key(x), self.value(x))


class ByKeyword(nn.Module):
    """Calls its layer by keyword, where a forward hook sees no input."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(input=x).tanh())


class AllPositionsAtOnce(nn.Module):
    """Reshapes examples and positions into one dimension."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.head = nn.Linear(WIDTH, 4), nn.Linear(4 * N_POSITIONS, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(x.reshape(-1, WIDTH)).tanh().view(len(x), -1))


class Unseen(nn.Module):
    """A term without gradient, which forward-mode differentiation looks through."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH)
        self.head = nn.Linear(WIDTH, N_CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.layer(x))
        with torch.no_grad():
            size = self.layer(x).norm(dim=1, keepdim=True)
        return self.head(h / size)


class RunningShift(nn.Module):
    """Replaces its buffer at each pass instead of overwriting it."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.detach().mean(dim=0)
        return x - self.mean


def rows(n: int) -> Tensor:
    return torch.randn(n, WIDTH, dtype=torch.float64)


def series(n: int) -> Tensor:
    return torch.randn(n, N_POSITIONS, WIDTH, dtype=torch.float64)


def codes(n: int) -> Tensor:
    return torch.randint(N_CODES, (n, N_POSITIONS))


def images(dimensions: int) -> Callable[[int], Tensor]:
    return lambda n: torch.randn(n, CHANNELS, *[SIDE] * dimensions, dtype=torch.float64)


def _convolutional(layer: type[nn.Module], dimensions: int, **options: object) -> nn.Module:
    # Many and few channels a group take other orders of computation.
    body = nn.Sequential(
        nn.Conv1d(CHANNELS, 16, 1) if dimensions == 1 else _lift(dimensions),
        nn.Tanh(),
        layer(16, 6, 3, **options),
        nn.Tanh(),
        nn.Flatten(),
    )
    n = body(torch.zeros(1, CHANNELS, *[SIDE] * dimensions)).shape[1]
    return nn.Sequential(*body, nn.Linear(n, N_CLASSES))


def _lift(dimensions: int) -> nn.Module:
    return (nn.Conv2d if dimensions == 2 else nn.Conv3d)(CHANNELS, 16, 1)


def _mlp(*middle: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(WIDTH, WIDTH), *middle, nn.Linear(WIDTH, N_CLASSES))


def _over_codes(layer: nn.Module, n_out: int) -> nn.Module:
    return nn.Sequential(layer, nn.Flatten(), nn.Tanh(), nn.Linear(n_out, N_CLASSES))


def _image_norm(layer: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(CHANNELS, 8, 3),
        layer,
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.Linear(8 * 16, N_CLASSES),
    )


def _channels_last() -> Case:
    make = lambda: _image_norm(nn.GroupNorm(2, 8)).to(memory_format=torch.channels_last)  # noqa: E731
    return Case(
        make, lambda n: images(2)(n).contiguous(memory_format=torch.channels_last), "layerwise"
    )


def _frozen(module: nn.Module, *names: str) -> nn.Module:
    for name in names:
        module.get_parameter(name).requires_grad_(False)
    return module


CONVOLUTIONS = (
    {},
    {"groups": 2, "padding": 1, "bias": False},
    {"dilation": 2, "stride": 2, "padding": 2},
    {"padding": 2, "padding_mode": "circular"},
    {"padding": 1, "padding_mode": "reflect", "stride": 2},
    {"padding": "same", "padding_mode": "replicate"},
)
INPLACE = (nn.ReLU, nn.SiLU, nn.ELU, nn.LeakyReLU, nn.Hardswish, nn.Mish, nn.SELU, nn.Hardsigmoid)


def _convolution_cases() -> dict[str, Case]:
    plain, transposed = (
        (nn.Conv1d, nn.Conv2d, nn.Conv3d),
        (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    )
    found = {
        f"{d}d convolution {options}": Case(
            lambda d=d, o=options: _convolutional(plain[d - 1], d, **o), images(d), "layerwise"
        )
        for d in (1, 2, 3)
        for options in CONVOLUTIONS
    }
    for d in (1, 2, 3):
        make = lambda d=d: _convolutional(transposed[d - 1], d, stride=2)  # noqa: E731
        found[f"{d}d transposed convolution"] = Case(make, images(d), "forward-mode")
    return found


CASES: dict[str, Case] = {
    **_convolution_cases(),
    "linear": Case(lambda: _mlp(nn.Tanh()), rows, "layerwise"),
    "linear along positions": Case(lambda: Along(nn.Linear(WIDTH, WIDTH)), series, "layerwise"),
    "embedding": Case(
        lambda: _over_codes(nn.Embedding(N_CODES, 4, padding_idx=0), 20), codes, "layerwise"
    ),
    "embedding, negative padding": Case(
        lambda: _over_codes(nn.Embedding(N_CODES, 4, padding_idx=-2), 20), codes, "layerwise"
    ),
    "bag of embeddings, sum": Case(
        lambda: _over_codes(nn.EmbeddingBag(N_CODES, 4, mode="sum"), 4), codes, "layerwise"
    ),
    "bag of embeddings, mean": Case(
        lambda: _over_codes(nn.EmbeddingBag(N_CODES, 4, padding_idx=0), 4), codes, "layerwise"
    ),
    "group norm": Case(lambda: _image_norm(nn.GroupNorm(2, 8)), images(2), "layerwise"),
    "layer norm over images": Case(
        lambda: _image_norm(nn.LayerNorm([8, 4, 4])), images(2), "layerwise"
    ),
    "layer norm": Case(lambda: _mlp(nn.LayerNorm(WIDTH), nn.GELU()), rows, "layerwise"),
    "RMS norm": Case(lambda: Along(nn.RMSNorm(WIDTH)), series, "layerwise"),
    "instance norm": Case(
        lambda: _image_norm(nn.InstanceNorm2d(8, affine=True)), images(2), "forward-mode"
    ),
    "batch norm": Case(
        lambda: _mlp(nn.BatchNorm1d(WIDTH), nn.ReLU(inplace=True)), rows, "forward-mode"
    ),
    "batch norm, plain average": Case(
        lambda: _mlp(nn.BatchNorm1d(WIDTH, momentum=None)), rows, "forward-mode"
    ),
    "batch norm without statistics": Case(
        lambda: _mlp(nn.BatchNorm1d(WIDTH, track_running_stats=False)), rows, "forward-mode"
    ),
    "batch norm, frozen": Case(
        lambda: _frozen(_mlp(nn.BatchNorm1d(WIDTH)), "1.weight", "1.bias"), rows, "forward-mode"
    ),
    "replaced buffer": Case(
        lambda: _mlp(RunningShift(), nn.BatchNorm1d(WIDTH)), rows, "forward-mode"
    ),
    "dropout": Case(lambda: _mlp(nn.Dropout(0.4), nn.Tanh()), rows, "layerwise"),
    "dropout beside batch norm": Case(
        lambda: _mlp(nn.BatchNorm1d(WIDTH), nn.Dropout(0.4)), rows, "forward-mode"
    ),
    "multi-head attention": Case(lambda: Along(SelfAttention()), series, "forward-mode"),
    "multi-head attention, dropout": Case(
        lambda: Along(SelfAttention(dropout=0.3)), series, "forward-mode"
    ),
    "attention of linear layers": Case(lambda: Along(Attention()), series, "layerwise"),
    "encoder layer": Case(
        lambda: Along(nn.TransformerEncoderLayer(WIDTH, 2, 16, batch_first=True)),
        series,
        "forward-mode",
    ),
    "LSTM": Case(
        lambda: Along(nn.LSTM(WIDTH, 6, 2, batch_first=True, bidirectional=True), 12),
        series,
        "forward-mode",
    ),
    "LSTM, dropout": Case(
        lambda: Along(nn.LSTM(WIDTH, 6, 2, batch_first=True, dropout=0.4), 6),
        series,
        "forward-mode",
    ),
    "GRU": Case(lambda: Along(nn.GRU(WIDTH, 6, batch_first=True), 6), series, "forward-mode"),
    "PReLU": Case(lambda: _mlp(nn.PReLU()), rows, "forward-mode"),
    "tied layers": Case(lambda: TiedOutput(as_tensor=False), codes, "layerwise"),
    "tied by hand": Case(lambda: TiedOutput(as_tensor=True), codes, "forward-mode"),
    "several calls": Case(Several, rows, "layerwise"),
    "frozen first layer": Case(
        lambda: _frozen(_mlp(nn.Tanh()), "0.weight", "0.bias"), rows, "layerwise"
    ),
    "frozen weight": Case(lambda: _frozen(_mlp(nn.Tanh()), "0.weight"), rows, "layerwise"),
    "frozen middle": Case(
        lambda: _frozen(_mlp(nn.Tanh(), nn.Linear(WIDTH, WIDTH)), "2.weight", "2.bias"),
        rows,
        "layerwise",
    ),
    "channels last": _channels_last(),
    "in place": Case(InPlace, rows, "layerwise"),
    "called by keyword": Case(ByKeyword, rows, "forward-mode"),
    "all positions at once": Case(AllPositionsAtOnce, series, "forward-mode"),
    "without gradient": Case(Unseen, rows, "double-backward"),
    "weight norm": Case(
        lambda: nn.Sequential(
            nn.utils.parametrizations.weight_norm(nn.Linear(WIDTH, 8)), nn.Linear(8, N_CLASSES)
        ),
        rows,
        "double-backward",
    ),
    "spectral norm": Case(
        lambda: nn.Sequential(
            nn.utils.parametrizations.spectral_norm(nn.Linear(WIDTH, 8)), nn.Linear(8, N_CLASSES)
        ),
        rows,
        "double-backward",
    ),
    "noisy activation": Case(
        lambda: _mlp(nn.BatchNorm1d(WIDTH), nn.RReLU(inplace=True)), rows, "double-backward"
    ),
    **{
        f"in-place {each.__name__}": Case(
            lambda each=each: _mlp(each(inplace=True)), rows, "layerwise"
        )
        for each in INPLACE
    },
    **{
        f"in-place {each.__name__} beside batch norm": Case(
            lambda each=each: _mlp(nn.BatchNorm1d(WIDTH), each(inplace=True)), rows, "forward-mode"
        )
        for each in INPLACE
    },
}
