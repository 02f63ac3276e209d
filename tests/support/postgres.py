"""A PostgreSQL server for one test module, reached through a socket in its own folder."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.support.tools import tool

_DEBIAN = Path("/usr/lib/postgresql")
_SOURCE = "Debian's postgresql package"


@contextlib.contextmanager
def server(folder: Path) -> Iterator[Path]:
    """Start a server, and stop it at the end; yields the folder of its socket. Skips if there is no PostgreSQL.

    The server refuses to run as root, so it runs as ``postgres`` then, a user that Debian's package creates.
    """
    programs = sorted(_DEBIAN.glob("*/bin/pg_ctl"))
    control = str(programs[-1]) if programs else tool("pg_ctl", _SOURCE)
    initdb = str(Path(control).resolve().with_name("initdb"))
    tool("psql", _SOURCE)
    account = _account()
    # The test's folder is closed to other users.
    home = Path(tempfile.mkdtemp(prefix="postgres-")) if account else folder
    try:
        if account:
            shutil.chown(home, account["user"])
        data = home / "data"
        _run(
            [initdb, "--pgdata", str(data), "--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync"], account, home
        )
        options = f"-c listen_addresses= -c unix_socket_directories={home} -c fsync=off"
        log = str(home / "log")
        _run([control, "start", "-w", "-D", str(data), "-l", log, "-o", options], account, home)
        try:
            yield home
        finally:
            _run([control, "stop", "-m", "immediate", "-D", str(data)], account, home)
    finally:
        if account:
            shutil.rmtree(home)


def query(folder: Path, sql: str) -> str:
    """Return what ``psql`` prints for one query of one value."""
    user = _account().get("user") or pwd.getpwuid(os.getuid()).pw_name
    arguments = ["psql", "-h", str(folder), "-U", user, "-d", "postgres", "-XAtq", "-v", "ON_ERROR_STOP=1", "-f", "-"]
    return subprocess.run(arguments, input=sql, check=True, capture_output=True, text=True, encoding="utf-8").stdout


def _account() -> Mapping[str, Any]:
    return {"user": "postgres"} if os.getuid() == 0 else {}


def _run(arguments: list[str], account: Mapping[str, Any], cwd: Path) -> None:
    # A pipe would stay open in the server, and reading it would wait for the server to end.
    subprocess.run(
        arguments,
        check=True,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **account,
    )
