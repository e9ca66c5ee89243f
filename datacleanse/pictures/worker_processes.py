"""Processes that decode, each served by a thread of ours.

For a small picture most of the work is Python's, and Python's lock would let one thread work at a
time. The processes are ``python -m datacleanse.pictures.worker_processes``, not those of
`multiprocessing`: a script that calls `datacleanse.audit` need not be guarded against being
imported again by them.
What goes through the pipes is pickled; both ends are ours.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import IO, TYPE_CHECKING, Any

from datacleanse.pictures.chunks import Chunk, ColourFoundError, Target, decode_chunk
from datacleanse.pictures.decode_one import silence_decoding
from datacleanse.pictures.file_bytes import give_bytes, try_blob

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from datacleanse.pictures.interface import Blob

_LENGTH = 8
"""Bytes before each message that say how long it is."""


@dataclass(frozen=True)
class Workers:
    """Some processes; each chunk goes to one that is idle. The processes end with the block."""

    target: Target
    idle: SimpleQueue[subprocess.Popen[bytes]]
    processes: tuple[subprocess.Popen[bytes], ...]

    def __enter__(self) -> Workers:
        """The workers themselves: their processes have been started."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the processes."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.communicate()

    def decode(self, blobs: Sequence[Blob], *, is_sent: bool) -> Chunk:
        """Decode K pictures in one of the processes, as `decode_chunk` does.

        Args:
            blobs: K pictures.
            is_sent: the blobs can be pickled as they are; otherwise their bytes are.
        """
        sent = list(blobs) if is_sent else [partial(give_bytes, try_blob(blob)) for blob in blobs]
        process = self.idle.get()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            _send(process.stdin, (self.target, sent))
            answer = _receive(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            # It was killed, for want of memory perhaps: the same answer, only later.
            answer = _answer(self.target, sent)
        finally:
            self.idle.put(process)
        if answer is None:
            raise ColourFoundError
        assert isinstance(answer, Chunk)
        return answer


def start_workers(n: int, target: Target) -> Workers:
    """Start ``n`` processes, or as many as the system allows."""
    idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
    processes = []
    with suppress(OSError):
        for _ in range(n):
            processes.append(_start_process())
            idle.put(processes[-1])
    return Workers(target, idle, tuple(processes))


def _start_process() -> subprocess.Popen[bytes]:
    # The same packages as here, wherever they were found.
    path = {"PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    return subprocess.Popen(
        [sys.executable, "-m", "datacleanse.pictures.worker_processes"],
        env=os.environ | path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _answer(target: Target, blobs: Sequence[Blob]) -> Chunk | None:
    """What came of some pictures; None where one has colours and there must be none."""
    try:
        return decode_chunk(target, blobs)
    except ColourFoundError:
        return None


def _send(pipe: IO[bytes], message: object) -> None:
    content = pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL)
    rest = memoryview(len(content).to_bytes(_LENGTH, "little") + content)
    while rest:
        # Under PYTHONUNBUFFERED a pipe takes only a part, if the process was stopped meanwhile.
        rest = rest[pipe.write(rest) :]
    pipe.flush()


def _receive(pipe: IO[bytes]) -> Any:  # noqa: ANN401  # what the other end sent
    head = pipe.read(_LENGTH)
    if len(head) < _LENGTH:
        raise EOFError
    return pickle.loads(pipe.read(int.from_bytes(head, "little")))


def main() -> None:
    """Answer on stdout what comes on stdin, until nothing does."""
    with silence_decoding(), suppress(EOFError):
        while True:
            _send(sys.stdout.buffer, _answer(*_receive(sys.stdin.buffer)))


if __name__ == "__main__":
    main()
