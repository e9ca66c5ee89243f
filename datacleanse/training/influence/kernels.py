"""Which of torch's kernels a step runs on, so that all derivatives exist."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from datacleanse.training.influence.interface import name_module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


@contextmanager
def use_differentiable_kernels(model: nn.Module, inputs: Tensor) -> Iterator[None]:
    """Leave out fused attention and fused LSTMs, which have a first backward derivative only."""
    with sdpa_kernel(SDPBackend.MATH), unfuse_recurrence(model, inputs):
        yield


@contextmanager
def unfuse_recurrence(model: nn.Module, inputs: Tensor) -> Iterator[None]:
    """Leave out fused LSTMs and GRUs; a GPU's lack even a first derivative in evaluation mode."""
    with ExitStack() as stack:
        if any(isinstance(module, nn.RNNBase) for module in model.modules()):
            # Not ``library.flags``, which sets more than this one.
            library = torch.backends.cudnn if inputs.is_cuda else torch.backends.mkldnn
            was_enabled = library.set_flags(_enabled=False)[0]
            stack.callback(library.set_flags, _enabled=was_enabled)
        yield


def suspend_compilation() -> AbstractContextManager[object]:
    """Run what ``torch.compile`` wrapped as it was written: compiled code hides its layers."""
    # Nothing can be compiled before this is loaded, and loading it takes a second.
    is_loaded = "torch._dynamo" in sys.modules
    return torch.compiler.set_stance("force_eager") if is_loaded else nullcontext()


def find_module_at_fault(model: nn.Module, error: BaseException) -> str:
    """Find the innermost module whose forward pass raised the error; it begins a sentence."""
    modules, found = {id(module): module for module in model.modules()}, model
    at = error.__traceback__
    while at is not None:
        found = modules.get(id(at.tb_frame.f_locals.get("self")), found)
        at = at.tb_next
    return name_module(model, found)


def take_first_line(error: BaseException) -> str:
    """Take what torch says, without its advice to its own developers."""
    return str(error).partition("\n")[0].rstrip(".")
