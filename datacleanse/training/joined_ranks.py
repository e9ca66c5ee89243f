"""The ranks of processes that torchrun started: gloo carries what is on CPUs, nccl what is on GPUs.

Words go by torchrun's key-value store, which outlives each of the processes: what a rank that fails
has to say is still there when the others notice.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from datacleanse.errors import DatacleanseError, SettingsError, Stopped
from datacleanse.training.ranks import RanksError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

JOINING = timedelta(minutes=5)
"""How long ranks wait for each other at first: all begin at once, but load torch from any disk."""

PATIENCE = timedelta(hours=3)
"""How long a rank waits for numbers of the others. One that is killed is noticed at once."""

NOTICING = 3.0
"""Seconds within which ranks at work notice that another one is gone."""

_GLANCE = 0.02
"""Seconds between two looks whether words have come, or somebody failed."""

_FAILURE, _STOPPED, _NOTICED = "failure", "stopped", "noticed"
"""Keys of the store: what the first rank to fail says; that one was stopped; who noticed."""


@dataclass
class JoinedRanks:
    """The ranks, as one of them sees them. See `Ranks`."""

    number: int
    count: int
    _store: Store
    _words: int = 0
    """Messages by the store so far; the same number on all ranks."""

    def add_up(self, values: Tensor) -> Tensor:
        """Sum a tensor over all ranks, in place."""
        self._exchange(lambda: dist.all_reduce(values))
        return values

    def agree(self, flag: bool) -> bool:
        """Whether any rank says so."""
        return bool(self.add_up(torch.tensor(float(flag))) > 0)

    def meet(self) -> None:
        """Wait until all ranks are here."""
        self.add_up(torch.zeros(()))

    def tell(self, text: str | None) -> str:
        """Give all ranks what rank 0 says."""
        self._words += 1
        key = f"told/{self._words}"
        if self.number == 0:
            assert text is not None
            self._put(key, text)
            return text
        return self._wait(key)

    def compare(self, text: str) -> list[str]:
        """List what each rank says, by its number."""
        self._words += 1
        self._put(f"compared/{self._words}/{self.number}", text)
        # A rank that is gone will never say anything: here that is noticed, whatever signals do.
        self.meet()
        return [self._wait(f"compared/{self._words}/{number}") for number in range(self.count)]

    def name(self, number: int) -> str:
        """Name a rank by its number and its machine."""
        with suppress(RuntimeError):
            if self._store.check([f"machine/{number}"]):
                return f"Rank {number} ({self._store.get(f'machine/{number}').decode()})"
        return f"Rank {number}"

    def introduce(self) -> None:
        """Wait for all ranks to come, and tell them of this one.

        Raises:
            RanksError: not all came.
        """
        self._put(f"machine/{self.number}", socket.gethostname())
        missing = list(range(self.count))
        end = monotonic() + JOINING.total_seconds()
        while missing and monotonic() < end:
            missing = [each for each in missing if not self._store.check([f"machine/{each}"])]
            self._raise_failure()
            sleep(_GLANCE if missing else 0)
        if missing:
            names = ", ".join(map(str, missing))
            raise RanksError(
                f"Of {self.count} ranks these did not come within "
                f"{JOINING.total_seconds() / 60:.0f} minutes: {names}.",
                slug="ranks-not-joined",
                hint="See that all machines were given the same command, each a number of its own "
                "(`torchrun --node-rank N`), and reach each other.",
            )

    def report(self, error: BaseException) -> None:
        """Tell the others why this rank ends, unless it is because another one did."""
        with suppress(RuntimeError):
            self._store.set(f"{_NOTICED}/{self.number}", "")
            if isinstance(error, Stopped | KeyboardInterrupt):
                self._store.set(_STOPPED, str(self.number))
            elif not isinstance(error, RanksError):
                told = [self.number, *_describe(error)]
                self._store.compare_set(_FAILURE, "", json.dumps(told))

    def find_cause(self) -> RanksError | None:
        """Find which rank failed or was lost, once this one cannot go on.

        Returns:
            None where none did: all were asked to stop.
        """
        try:
            self._store.set(f"{_NOTICED}/{self.number}", "")
            end = monotonic() + NOTICING
            while (missing := self._list_missing()) and monotonic() < end:
                self._raise_failure()
                sleep(_GLANCE)
            self._raise_failure()
            if not missing and self._store.check([_STOPPED]):
                return None
        except RanksError as failure:
            return failure
        except RuntimeError:  # the store is gone, and torchrun with it
            missing = []
        names = [self.name(number) for number in missing]
        speaker = next((n for n in range(self.count) if n not in missing), 0)
        return _make_lost_error(names, self.count, speaker)

    def _list_missing(self) -> list[int]:
        """List the ranks that have neither noticed nor ended as they should."""
        return [
            number
            for number in range(self.count)
            if not self._store.check([f"{_NOTICED}/{number}"])
        ]

    def _find_failure(self) -> RanksError | None:
        if not self._store.check([_FAILURE]):
            return None
        number, message, slug, hint = json.loads(self._store.get(_FAILURE).decode())
        if number == self.number:
            return None
        return RanksError(f"{self.name(number)}: {message}", slug=slug, hint=hint)

    def _raise_failure(self) -> None:
        failure = self._find_failure()
        if failure is not None:
            raise failure

    def _exchange(self, talk: Callable[[], object]) -> None:
        """Talk to the others; whoever is gone is named.

        Raises:
            RanksError: a rank is gone.
        """
        try:
            talk()
        except RuntimeError as error:
            raise (self.find_cause() or _make_stopped_error()) from error

    def _put(self, key: str, text: str) -> None:
        self._exchange(lambda: self._store.set(key, text))

    def _wait(self, key: str) -> str:
        """Wait for words as long as nobody fails; signals are heard meanwhile."""
        try:
            while not self._store.check([key]):
                self._raise_failure()
                if self._store.check([_STOPPED]):
                    raise _make_stopped_error()
                sleep(_GLANCE)
            words: bytes = self._store.get(key)
        except RuntimeError as error:
            raise _make_lost_error([], self.count) from error
        return words.decode()


@contextmanager
def join_ranks(device: str) -> Iterator[JoinedRanks]:
    """Join the ranks of this torchrun, of which this process is one, until the block is left.

    Each takes the GPU of its own number on its machine, unless ``device`` is ``cpu``.

    Raises:
        RanksError: not all come, or one fails within the block.
        SettingsError: there are fewer GPUs than ranks.
    """
    number, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    with _explain_joining(number, count):
        base, *_ = next(iter(rendezvous("env://", timeout=JOINING)))
        store = PrefixStore("datacleanse", base)
        ranks = JoinedRanks(number, count, store)
        ranks.introduce()
    try:
        _take_device(device)
        with _explain_joining(number, count), _hold_back_stdout():
            dist.init_process_group(
                "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo",
                store=PrefixStore("numbers", store),
                rank=number,
                world_size=count,
                timeout=PATIENCE,
            )
        yield ranks
    except BaseException as error:
        ranks.report(error)
        # torchrun stops whoever is left once one rank has ended.
        if isinstance(error, Stopped | KeyboardInterrupt):
            cause = ranks.find_cause()
            if cause is not None:
                raise cause from error
        raise
    with suppress(RuntimeError):
        store.set(f"{_NOTICED}/{number}", "")
    dist.destroy_process_group()


def _take_device(device: str) -> None:
    """Make this machine's GPU of this rank's number the present one.

    Raises:
        SettingsError: there are fewer GPUs than ranks, or others are asked for.
    """
    if ":" in device:
        raise SettingsError(
            f"--device is {device!r}, and each rank takes the GPU of its own number.",
            slug="ranks-choose-devices",
            hint="Give --device cuda, or --device cpu.",
        )
    if device == "cpu" or not torch.cuda.is_available():
        return
    local, n_gpus = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
    if local >= n_gpus:
        raise SettingsError(
            f"torchrun started {os.environ.get('LOCAL_WORLD_SIZE', local + 1)} ranks on "
            f"{socket.gethostname()}, which has {n_gpus} GPUs.",
            slug="no-gpu",
            hint="Start it with `torchrun --nproc-per-node N`, N being the number of GPUs, or give "
            "--device cpu.",
        )
    torch.cuda.set_device(local)


@contextmanager
def _hold_back_stdout() -> Iterator[None]:
    """Keep what libraries print there while ranks connect away from the results."""
    sys.stdout.flush()
    try:
        kept, void = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # there is none
        yield
        return
    try:
        os.dup2(void, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(void)


def _describe(error: BaseException) -> tuple[str, str, str]:
    """Message, slug and hint of an error, for another rank to say."""
    if isinstance(error, DatacleanseError):
        return error.message, error.slug, error.hint
    if isinstance(error, OSError):
        return f"{error}.", "rank-failed", "Mend that, then go on with --resume."
    said = next(iter(str(error).splitlines()), "")
    return (
        f"the program failed there ({type(error).__name__}: {said}).",
        "rank-failed",
        "What that rank printed tells more.",
    )


def _make_lost_error(names: list[str], count: int, speaker: int = 0) -> RanksError:
    who = ", ".join(names) or "Another rank"
    was = "were" if len(names) > 1 else "was"
    return RanksError(
        f"{who}, of {count}, {was} lost: killed, or the machine or the network is down.",
        slug="rank-lost",
        hint="Go on with --resume, by any number of ranks.",
        speaker=speaker,
    )


def _make_stopped_error() -> Stopped:
    return Stopped("as another rank was.", slug="stopped", hint="Go on with --resume.")


@contextmanager
def _explain_joining(number: int, count: int) -> Iterator[None]:
    """Say in one sentence why ranks do not come together.

    Raises:
        RanksError: they do not.
    """
    try:
        yield
    except (RuntimeError, ValueError, OSError) as error:
        place = f"{os.environ.get('MASTER_ADDR', '?')}:{os.environ.get('MASTER_PORT', '?')}"
        said = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
        raise RanksError(
            f"Rank {number} of {count} could not join the others at {place}: {said}.",
            slug="ranks-not-joined",
            hint="See that all machines reach that address, and each other; GLOO_SOCKET_IFNAME "
            "names the network that they share.",
        ) from error
