"""Messages between processes: what is large goes as a file without a name, not through the pipe.

Pickles leave the bytes of arrays to whoever sends them (PEP 574). Those of an array that
`keep_on_disk` would keep in a file are written to one, whose handle the receiver gets and maps; so
they take no memory there, and whichever process ends first, nothing stays on the disk. Only Unix
hands handles over.
"""

from __future__ import annotations

import pickle
from contextlib import ExitStack
from multiprocessing.reduction import recv_handle, send_handle
from os import close
from typing import TYPE_CHECKING, Any

from datacleanse.storage.mapped_files import is_kept_on_disk, map_handle, open_nameless

if TYPE_CHECKING:
    from mmap import mmap
    from multiprocessing.connection import Connection
    from typing import BinaryIO

COUNT = 4
"""Bytes that tell how many files come with a message."""


def send(connection: Connection, what: object) -> None:
    """Send what can be pickled.

    Raises:
        OutputError: the disk has no room for what is large.
        OSError: nobody receives it any more.
    """
    with ExitStack() as stack:
        files: list[BinaryIO] = []

        def stays(buffer: pickle.PickleBuffer) -> bool:
            """Whether an array's bytes stay in the pickle."""
            values = buffer.raw()
            if not is_kept_on_disk(values.nbytes):
                return True
            files.append(stack.enter_context(open_nameless(values)))
            return False

        message = pickle.dumps(what, pickle.HIGHEST_PROTOCOL, buffer_callback=stays)
        connection.send_bytes(len(files).to_bytes(COUNT, "big"))
        connection.send_bytes(message)
        for file in files:
            send_handle(connection, file.fileno(), None)


def receive(connection: Connection) -> Any:  # noqa: ANN401  # whatever was sent
    """Receive what `send` sent, waiting for it.

    Raises:
        EOFError: nothing was sent, and nothing will be.
        OSError: the sender ended in the middle.
    """
    n_files = int.from_bytes(connection.recv_bytes(), "big")
    message = connection.recv_bytes()
    return pickle.loads(message, buffers=[_map_next(connection) for _ in range(n_files)])


def _map_next(connection: Connection) -> mmap:
    handle = recv_handle(connection)
    try:
        return map_handle(handle)
    finally:
        close(handle)
