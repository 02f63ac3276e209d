"""What is found out about this machine, with real folders, locks and ports."""

from __future__ import annotations

import contextlib
import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from stream.core.index.partition_index import PartitionIndex
from stream.demo.runner import free_port
from stream.doctor.collect_host import ask_index, ask_machine, ask_sources, ask_web, lock_holder
from stream.settings import Settings
from stream.state.rocksdb_store import RocksStore
from tests.support.doctor_facts import VERSION, held


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with an index that has read the changelog up to 40."""
    made = tmp_path / "group" / "articles.normalized-3"
    store = RocksStore(made)
    index = PartitionIndex(store, window_ms=1000)
    index.commit(index.transaction(), changelog_end=40)
    store.close()
    return made


def files(folder: Path) -> dict[str, tuple[int, int]]:
    """When each file was changed, and its size."""
    return {file.name: (file.stat().st_mtime_ns, file.stat().st_size) for file in folder.iterdir()}


def test_an_index_is_read_and_left_as_it_was(folder: Path) -> None:
    before = files(folder)
    found = ask_index(folder, 3)
    assert (found.version, found.last_offset, found.changelog_end) == (VERSION, -1, 40)
    assert (found.locked_by, found.damage, found.is_distrusted) == (None, None, False)
    assert found.size > 0
    assert files(folder) == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="locks are told on Linux only")
def test_an_index_in_use_is_told_and_not_disturbed(folder: Path) -> None:
    with held(folder) as process:
        before = files(folder)
        found = ask_index(folder, 3)
        assert (found.locked_by, found.version) == (process, None)
        assert files(folder) == before
    assert lock_holder(folder / "LOCK") is None
    RocksStore(folder).close()


def test_a_marked_and_a_damaged_index_are_told(folder: Path) -> None:
    folder.with_name(f"{folder.name}.distrusted").write_text("reason", encoding="utf-8")
    assert ask_index(folder, 3).is_distrusted
    (manifest,) = folder.glob("MANIFEST-*")
    manifest.write_bytes(b"broken")
    assert ask_index(folder, 3).damage


def test_folders_of_this_flow_are_found(folder: Path) -> None:
    (folder.parent / "articles.normalized-x").mkdir()
    (folder.parent / "articles.other-1").mkdir()
    settings = Settings(data_dir=folder.parents[1], group="group", web_port=free_port())
    facts = ask_machine(settings)
    assert [found.partition for found in facts.data_dir.folders] == [3]
    assert facts.data_dir.exists
    assert facts.data_dir.is_writable
    assert facts.data_dir.free > 0


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    facts = ask_machine(Settings(data_dir=tmp_path / "a" / "b", web_port=free_port())).data_dir
    assert (facts.exists, facts.nearest, facts.is_writable, facts.folders) == (False, str(tmp_path), True, ())
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_place_of_the_folder_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert not ask_machine(Settings(data_dir=tmp_path / "data", web_port=free_port())).data_dir.is_writable


def test_variables_that_no_setting_reads_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_BROKER", "here:1")
    monkeypatch.setenv("STREAM_BROKERS", "here:1")
    sources = ask_sources()
    assert "STREAM_BROKER" in sources.variables
    assert "STREAM_BROKERS" in sources.unread
    assert "STREAM_BROKER" not in sources.unread


class _Pages(http.server.BaseHTTPRequestHandler):
    """Answers as ``server.pages`` says."""

    def do_GET(self) -> None:
        status, body = getattr(self.server, "pages").get(self.path, (404, b"nothing"))  # noqa: B009 - not its field
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(pages: dict[str, tuple[int, bytes]]) -> Iterator[int]:
    """Serve ``pages`` and give the port."""
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
def test_who_is_at_the_web_port(pages: dict[str, tuple[int, bytes]], expected: tuple[str, bool, bool]) -> None:
    with serving(pages) as port:
        web = ask_web("127.0.0.1", port)
    assert (web.state, web.is_healthy, web.is_ready) == expected


def test_a_free_port_stays_free() -> None:
    port = free_port()
    assert ask_web("127.0.0.1", port).state == "free"
    assert ask_web("0.0.0.0", port).state == "free"  # noqa: S104 - as a user would set it


def test_an_address_of_another_machine_cannot_be_used() -> None:
    assert ask_web("nowhere.invalid", 6066).state == "unusable"
