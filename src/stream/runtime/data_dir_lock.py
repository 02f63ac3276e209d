"""Keeps the folder of the index to one process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from stream.errors import SettingsError

#: The file that is locked; it names the process that holds the folder.
LOCK_FILE: Final = "worker.lock"


@contextlib.contextmanager
def lock_data_dir(folder: Path) -> Iterator[None]:
    """Lock ``folder`` for this process. The kernel releases the lock however the process ends.

    Raises:
        SettingsError: Another worker holds the folder, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise SettingsError(f"{folder} cannot hold the index ({error.strerror}); set STREAM_DATA_DIR") from None
    try:
        _lock(file, folder)
        yield
    finally:
        os.close(file)


def _lock(file: int, folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(file, 200, 0).decode(errors="replace").strip()
        raise SettingsError(
            f"{folder} is in use by another worker ({holder}); give each worker a STREAM_DATA_DIR of its own"
        ) from None
    except OSError as error:
        raise SettingsError(f"{folder} cannot be locked ({error.strerror}); set STREAM_DATA_DIR") from None
    os.ftruncate(file, 0)
    os.pwrite(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
