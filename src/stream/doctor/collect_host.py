"""Collects facts about this host: settings, disk, indexes, limits, web port. Locks and writes nothing."""

from __future__ import annotations

import errno
import http.client
import os
import re
import resource
import shutil
import socket
import sys
from pathlib import Path
from typing import Final

import orjson

from stream.doctor.facts import DataDir, HostFacts, IndexFolder, LockOwner, SettingSources, WebPort
from stream.settings import CONFIG_VARIABLE, ENV_PREFIX, Settings
from stream.skipped_records import read_skipped_records

_HTTP_TIMEOUT_S: Final = 3.0
_HTTP_BYTES_MAX: Final = 65_536
#: What a worker writes to the lock file of its data folder.
_LOCK_TEXT: Final = re.compile(r"process (\d{1,9}) on (\S+)")


def collect_setting_sources() -> SettingSources:
    """Where the settings come from, by the environment variables."""
    known_variables = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields}
    variables = tuple(sorted(name for name in os.environ if name.upper() in known_variables))
    return SettingSources(os.environ.get(CONFIG_VARIABLE) or None, variables)


def python_version() -> tuple[int, int, int]:
    """The version of this interpreter."""
    return sys.version_info[:3]


def collect_host(settings: Settings) -> HostFacts:
    """All facts about this host that matter to a worker with these settings."""
    files_max = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return HostFacts(
        python_version(),
        None if files_max == resource.RLIM_INFINITY else files_max,
        _collect_data_dir(settings),
        collect_web_port(settings.web_host, settings.web_port),
    )


def _collect_data_dir(settings: Settings) -> DataDir:
    folder = settings.index_dir.absolute()
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    return DataDir(
        str(folder),
        nearest == folder,
        str(nearest),
        nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK),
        shutil.disk_usage(nearest).free,
        _read_lock_owner(settings.lock_file),
        _collect_index_folders(folder, settings.topics.normalized),
    )


def _read_lock_owner(lock_file: Path) -> LockOwner | None:
    """The worker that last locked the data folder, by the text that it left in the lock file."""
    try:
        match = _LOCK_TEXT.match(lock_file.read_text("utf-8", "replace"))
    except OSError:
        return None
    if match is None:
        return None
    process, host = int(match[1]), match[2]
    return LockOwner(process, host, _is_running(process) if host == socket.gethostname() else None)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it belongs to another user
        return True
    return True


def _collect_index_folders(folder: Path, topic: str) -> tuple[IndexFolder, ...]:
    folders = []
    try:
        for path in folder.glob(f"{topic}-*"):
            number = path.name.removeprefix(f"{topic}-")
            if number.isdecimal() and path.is_dir():
                folders.append(collect_index_folder(path, int(number)))
    except OSError:  # not readable; that is reported with the data folder
        return ()
    return tuple(sorted(folders, key=lambda index: index.partition))


def collect_index_folder(folder: Path, partition: int) -> IndexFolder:
    """The size and state of the index of one partition, without opening it."""
    is_corrupt = folder.with_name(f"{folder.name}.distrusted").exists()
    try:
        files = list(folder.iterdir())
    except OSError:
        return IndexFolder(partition, is_readable=False, is_corrupt=is_corrupt)
    is_readable = all(os.access(file, os.R_OK) or not file.exists() for file in files)
    skipped = read_skipped_records(folder)
    last = (skipped.newest[-1].offset, skipped.newest[-1].reason) if skipped.newest else None
    return IndexFolder(partition, sum(map(_file_size, files)), is_readable, is_corrupt, skipped.counts, last)


def _file_size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:  # RocksDB has removed it in the meantime
        return 0


def collect_web_port(host: str, port: int) -> WebPort:
    """Who uses the web address: nobody, a worker, or something else."""
    local = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
    try:
        status, body = _get(local, port, "/healthz")
    except ConnectionRefusedError:
        return _try_to_bind(host, port)
    except (OSError, http.client.HTTPException) as error:
        is_unusable = isinstance(error, socket.gaierror) or getattr(error, "errno", None) == errno.EADDRNOTAVAIL
        return WebPort("unusable" if is_unusable else "taken", details=_reason(error))
    if not isinstance(body, dict) or "ok" not in body:
        return WebPort("taken", details=f"/healthz returns status {status}")
    is_healthy = bool(body["ok"])
    try:
        ready_status, ready_body = _get(local, port, "/readyz")
    except (OSError, http.client.HTTPException) as error:
        return WebPort("worker", is_healthy=is_healthy, is_ready=False, details=_reason(error))
    details = (ready_body if is_healthy else body) or {}
    text = ", ".join(f"{name}: {value}" for name, value in details.items() if name != "ok")
    return WebPort("worker", is_healthy=is_healthy, is_ready=ready_status == http.HTTPStatus.OK, details=text)


def _get(host: str, port: int, path: str) -> tuple[int, dict[str, object] | None]:
    connection = http.client.HTTPConnection(host, port, timeout=_HTTP_TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read(_HTTP_BYTES_MAX)
    finally:
        connection.close()
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return response.status, None
    return response.status, value if isinstance(value, dict) else None


def _try_to_bind(host: str, port: int) -> WebPort:
    """Nothing listens: find out whether a worker could. Binds the port for a moment, without listening."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return WebPort("unusable", details=_reason(error))
    return WebPort("free")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
