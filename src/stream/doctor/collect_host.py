"""What this machine tells: disk, indexes, limits, the web port. Looks only: nothing is locked or written there."""

from __future__ import annotations

import errno
import fcntl
import http.client
import os
import resource
import shutil
import socket
import struct
import sys
import tempfile
from pathlib import Path
from typing import Final

import orjson
from rocksdict import AccessType, Options, Rdict

from stream.core.index import keys
from stream.core.index.records import Position, unpack
from stream.doctor.facts import DataDir, IndexFolder, MachineFacts, Sources, Web
from stream.settings import CONFIG_VARIABLE, ENV_PREFIX, Settings

_ANSWER_S: Final = 3.0
_ANSWER_BYTES: Final = 65_536
#: struct flock of 64-bit Linux: type, whence, start, length, process.
_FLOCK: Final = struct.Struct("hhqqi4x")
#: RocksDB's own; with what it points to it names all the rest.
_COPIED: Final = frozenset({"CURRENT", "rocksdict-config.json"})


def ask_sources() -> Sources:
    """Where the settings come from, by the environment."""
    fields = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields} | {CONFIG_VARIABLE}
    given = sorted(name for name in os.environ if name.upper().startswith(ENV_PREFIX))
    return Sources(
        file=os.environ.get(CONFIG_VARIABLE) or None,
        variables=tuple(name for name in given if name.upper() in fields and name != CONFIG_VARIABLE),
        unread=tuple(name for name in given if name.upper() not in fields),
    )


def python_version() -> tuple[int, int, int]:
    """Of this interpreter."""
    return sys.version_info[:3]


def ask_machine(settings: Settings) -> MachineFacts:
    """Everything that can be told here."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return MachineFacts(
        python_version(),
        None if files == resource.RLIM_INFINITY else files,
        _data_dir(settings),
        ask_web(settings.web_host, settings.web_port),
    )


def _data_dir(settings: Settings) -> DataDir:
    folder = settings.index_dir.absolute()
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    is_writable = nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)
    return DataDir(
        str(folder),
        nearest == folder,
        str(nearest),
        is_writable,
        shutil.disk_usage(nearest).free,
        _folders(folder, settings.topics.normalized),
    )


def _folders(folder: Path, topic: str) -> tuple[IndexFolder, ...]:
    found = []
    try:
        for inside in folder.glob(f"{topic}-*"):
            number = inside.name.removeprefix(f"{topic}-")
            if number.isdecimal() and inside.is_dir():
                found.append(ask_index(inside, int(number)))
    except OSError:  # may not be read; whether it may be written tells
        return ()
    return tuple(sorted(found, key=lambda one: one.partition))


def ask_index(folder: Path, partition: int) -> IndexFolder:
    """One partition's index; where a worker has it open, only that."""
    size = sum(_size(file) for file in folder.iterdir())
    holder = lock_holder(folder / "LOCK")
    if holder is not None:
        return IndexFolder(partition, size, locked_by=holder)
    is_distrusted = folder.with_name(f"{folder.name}.distrusted").exists()
    try:
        position = _position(folder)
    except Exception as error:  # noqa: BLE001 - rocksdict raises bare Exception; it is what is to be told
        return IndexFolder(partition, size, is_distrusted=is_distrusted, damage=str(error))
    if position is None:
        return IndexFolder(partition, size, is_distrusted=is_distrusted)
    return IndexFolder(
        partition,
        size,
        version=position.version,
        last_offset=position.last,
        changelog_end=position.changelog_end,
        is_distrusted=is_distrusted,
    )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # RocksDB has just removed it
        return 0


def lock_holder(file: Path) -> int | None:
    """The process that holds RocksDB's lock, 0 for one outside of this container; None where it is free.

    The lock is asked about and not taken, so that a worker that starts meanwhile gets it. Of this process's own locks
    nothing is told, and to close the file would give them up: only for a process that has no index open.
    """
    if not sys.platform.startswith("linux"):
        return None
    try:
        with file.open("rb") as opened:
            asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, process = _FLOCK.unpack(fcntl.fcntl(opened, fcntl.F_GETLK, asked))
    except OSError:
        return None
    return None if kind == fcntl.F_UNLCK else max(0, process)


def _position(folder: Path) -> Position | None:
    """How far the index has come. Read through links in a folder of our own: rocksdict writes where it opens."""
    if not (folder / "CURRENT").exists():
        return None
    with tempfile.TemporaryDirectory(prefix="article-stream-doctor-") as temporary:
        for file in folder.iterdir():
            if file.name in _COPIED:
                shutil.copyfile(file, Path(temporary, file.name))
            elif file.name != "LOCK" and not file.name.startswith("LOG"):
                Path(temporary, file.name).symlink_to(file.absolute())
        store = Rdict(temporary, options=Options(raw_mode=True), access_type=AccessType.read_only(False))
        try:
            value = store.get(keys.POSITION)
        finally:
            store.close()
    return unpack(value, Position) if value else None


def ask_web(host: str, port: int) -> Web:
    """Who is at the address of the pages."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
    try:
        status, body = _get(here, port, "/healthz")
    except ConnectionRefusedError:
        return _bindable(host, port)
    except (OSError, http.client.HTTPException) as error:
        unusable = isinstance(error, socket.gaierror) or getattr(error, "errno", None) == errno.EADDRNOTAVAIL
        return Web("unusable" if unusable else "taken", details=_reason(error))
    if not isinstance(body, dict) or "ok" not in body:
        return Web("taken", details=f"/healthz answers {status}")
    try:
        ready_status, ready = _get(here, port, "/readyz")
    except (OSError, http.client.HTTPException) as error:
        return Web("worker", is_healthy=bool(body["ok"]), is_ready=False, details=_reason(error))
    is_healthy, is_ready = bool(body["ok"]), ready_status == http.HTTPStatus.OK
    told = body if not is_healthy else ready
    details = ", ".join(f"{name}: {value}" for name, value in told.items() if name != "ok") if told else ""
    return Web("worker", is_healthy=is_healthy, is_ready=is_ready, details=details)


def _get(host: str, port: int, path: str) -> tuple[int, dict[str, object] | None]:
    connection = http.client.HTTPConnection(host, port, timeout=_ANSWER_S)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        answer = connection.getresponse()
        body = answer.read(_ANSWER_BYTES)
    finally:
        connection.close()
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return answer.status, None
    return answer.status, value if isinstance(value, dict) else None


def _bindable(host: str, port: int) -> Web:
    """Nobody listens; whether we could. The port is bound and not listened on, for no longer than this takes."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as opened:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind(address)
    except OSError as error:
        return Web("unusable", details=_reason(error))
    return Web("free")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
