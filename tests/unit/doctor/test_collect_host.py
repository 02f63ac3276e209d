"""Facts about this host, with real folders, locks and ports."""

from __future__ import annotations

import contextlib
import http.server
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.core.index.changelog_records import SkippedRecord
from stream.demo.runner import free_port
from stream.doctor.collect_host import (
    collect_host,
    collect_index_folder,
    collect_setting_sources,
    collect_web_port,
)
from stream.doctor.facts import LockOwner
from stream.runtime.data_dir_lock import lock_data_dir
from stream.settings import Settings
from stream.skipped_records import add_skipped_records, skips_file
from stream.state.rocksdb_store import RocksStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of an index."""
    path = tmp_path / "group" / "articles.normalized-3"
    RocksStore(path).close()
    return path


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """Modification time and size of each file."""
    return {file.name: (file.stat().st_mtime_ns, file.stat().st_size) for file in folder.iterdir()}


def test_an_index_is_measured_without_changing_it(folder: Path) -> None:
    before = files(folder)
    index = collect_index_folder(folder, 3)
    assert index.size == sum(size for _, size in before.values()) > 0
    assert (index.partition, index.is_readable, index.is_corrupt) == (3, True, False)
    assert files(folder) == before


def test_an_index_that_was_marked_as_corrupt_is_reported(folder: Path) -> None:
    store = RocksStore(folder)
    store.mark_corrupt("reason")
    store.close()
    assert collect_index_folder(folder, 3).is_corrupt


def test_what_an_index_has_skipped_of_the_changelog_is_reported(folder: Path) -> None:
    assert collect_index_folder(folder, 3).skipped == {}
    add_skipped_records(folder, [SkippedRecord(7, "foreign", "it has no ce_type"), SkippedRecord(9, "unusable", "why")])
    add_skipped_records(folder, [SkippedRecord(9, "unusable", "why")])  # a restore that was repeated
    index = collect_index_folder(folder, 3)
    assert (index.skipped, index.last_skipped) == ({"foreign": 1, "unusable": 1}, (9, "why"))


def test_a_damaged_report_of_skipped_records_is_ignored(folder: Path) -> None:
    skips_file(folder).write_bytes(b'{"counts": 7')
    assert collect_index_folder(folder, 3).skipped == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_index_is_reported(folder: Path) -> None:
    folder.chmod(0)
    try:
        assert not collect_index_folder(folder, 3).is_readable
    finally:
        folder.chmod(0o700)


def test_a_missing_index_is_not_readable(tmp_path: Path) -> None:
    assert not collect_index_folder(tmp_path / "absent", 3).is_readable


def collect_owner(settings: Settings) -> LockOwner | None:
    """The owner of the data folder."""
    return collect_host(settings).data_dir.owner


def test_the_process_that_holds_the_data_folder_is_found(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, web_port=free_port())
    assert collect_owner(settings) is None
    with lock_data_dir(settings.index_dir):
        assert collect_owner(settings) == LockOwner(os.getpid(), socket.gethostname(), is_running=True)


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("process 7 on pod-3\n", LockOwner(7, "pod-3", is_running=None)),
        (f"process 999999999 on {socket.gethostname()}\n", LockOwner(999_999_999, socket.gethostname(), False)),
        ("", None),
        ("anything", None),
    ],
)
def test_a_lock_file_that_was_left_behind(tmp_path: Path, text: str, owner: LockOwner | None) -> None:
    settings = Settings(data_dir=tmp_path, web_port=free_port())
    settings.lock_file.parent.mkdir(parents=True)
    settings.lock_file.write_text(text, encoding="utf-8")
    assert collect_owner(settings) == owner


def test_the_index_folders_of_this_flow_are_found(folder: Path) -> None:
    (folder.parent / "articles.normalized-x").mkdir()
    (folder.parent / "articles.other-1").mkdir()
    settings = Settings(data_dir=folder.parents[1], group="group", web_port=free_port())
    facts = collect_host(settings)
    assert [index.partition for index in facts.data_dir.folders] == [3]
    assert facts.data_dir.exists
    assert facts.data_dir.is_writable
    assert facts.data_dir.free > 0


def test_a_missing_data_folder_is_not_created(tmp_path: Path) -> None:
    facts = collect_host(Settings(data_dir=tmp_path / "a" / "b", web_port=free_port())).data_dir
    assert (facts.exists, facts.nearest, facts.is_writable, facts.folders) == (False, str(tmp_path), True, ())
    assert not list(tmp_path.iterdir())


def test_a_file_instead_of_the_data_folder_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert not collect_host(Settings(data_dir=tmp_path / "data", web_port=free_port())).data_dir.is_writable


def test_variables_of_settings_are_reported_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_BROKER", "here:1")
    monkeypatch.setenv("STREAM_SERVICE_HOST", "here")
    variables = collect_setting_sources().variables
    assert "STREAM_BROKER" in variables
    assert "STREAM_SERVICE_HOST" not in variables


class _Pages(http.server.BaseHTTPRequestHandler):
    """Answers with ``server.pages``."""

    def do_GET(self) -> None:
        status, body = getattr(self.server, "pages").get(self.path, (404, b"nothing"))  # noqa: B009 - not its field
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Do nothing."""


@contextlib.contextmanager
def serving(pages: dict[str, tuple[int, bytes]]) -> Iterator[int]:
    """Serve ``pages`` and yield the port."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Pages) as server:
        setattr(server, "pages", pages)  # noqa: B010 - the same
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


PAGES: list[tuple[dict[str, tuple[int, bytes]], tuple[str, bool, bool]]] = [
    ({"/healthz": (200, b'{"ok":true}'), "/readyz": (200, b'{"ok":true}')}, ("worker", True, True)),
    ({"/healthz": (200, b'{"ok":true}'), "/readyz": (503, b'{"ok":false}')}, ("worker", True, False)),
    ({"/healthz": (503, b'{"ok":false,"a":1}'), "/readyz": (200, b'{"ok":true}')}, ("worker", False, True)),
    ({"/healthz": (200, b"[1]")}, ("taken", True, True)),
    ({}, ("taken", True, True)),
]


@pytest.mark.parametrize(("pages", "expected"), PAGES)
def test_a_worker_is_recognized_at_the_web_port(
    pages: dict[str, tuple[int, bytes]], expected: tuple[str, bool, bool]
) -> None:
    with serving(pages) as port:
        web = collect_web_port("127.0.0.1", port)
    assert (web.state, web.is_healthy, web.is_ready) == expected


def test_a_free_port_stays_free() -> None:
    port = free_port()
    assert collect_web_port("127.0.0.1", port).state == "free"
    assert collect_web_port("0.0.0.0", port).state == "free"  # noqa: S104 - as a user would set it


def test_an_address_of_another_host_is_unusable() -> None:
    assert collect_web_port("nowhere.invalid", 6066).state == "unusable"
