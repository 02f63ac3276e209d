"""The store on disk: it comes back as it was, and says what to do when it cannot."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stream.errors import IndexFault
from stream.index.rocks import RocksStore

KEY = b"\x01" * 9


def fill(folder: Path) -> None:
    store = RocksStore(folder)
    store.write({KEY + bytes([number]): bytes(1000) for number in range(100)})
    store.close()
    # Opened again, RocksDB moves what stood in its log into a table file.
    RocksStore(folder).close()


def test_values_are_there_after_it_was_closed_and_opened(tmp_path: Path) -> None:
    fill(tmp_path / "index")
    store = RocksStore(tmp_path / "index")
    assert store.get_many([KEY + b"\x05"]) == [bytes(1000)]
    store.close()


def test_a_write_survives_a_killed_process(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom stream.index.rocks import RocksStore\n"
        "store = RocksStore(Path(sys.argv[1]))\nstore.write({b'k' * 12: b'value'})\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path / "index")], check=False)
    assert killed.returncode == -signal.SIGKILL
    store = RocksStore(tmp_path / "index")
    assert store.get_many([b"k" * 12]) == [b"value"]
    store.close()


def test_a_folder_in_use_is_refused_with_advice(tmp_path: Path) -> None:
    first = RocksStore(tmp_path / "index")
    with pytest.raises(IndexFault, match="in use by another worker; give each worker a STREAM_DATA_DIR"):
        RocksStore(tmp_path / "index")
    first.close()
    RocksStore(tmp_path / "index").close()


def spoil(folder: Path, pattern: str) -> None:
    for file in folder.glob(pattern):
        file.write_bytes(b"block of garbage" * 50)


def remove(folder: Path, pattern: str) -> None:
    for file in folder.glob(pattern):
        file.unlink()


@pytest.mark.parametrize("damage", [spoil, remove])
@pytest.mark.parametrize("pattern", ["MANIFEST-*", "*.sst"])
def test_a_damaged_folder_is_refused_with_advice(
    tmp_path: Path, damage: Callable[[Path, str], None], pattern: str
) -> None:
    fill(tmp_path / "index")
    assert list((tmp_path / "index").glob(pattern))
    damage(tmp_path / "index", pattern)
    with pytest.raises(IndexFault, match="delete the folder: it is rebuilt from the changelog"):
        RocksStore(tmp_path / "index").get_many([KEY + b"\x05"])


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(IndexFault, match="cannot be read"):
        RocksStore(tmp_path / "file" / "index")


def test_a_closed_store_faults(tmp_path: Path) -> None:
    store = RocksStore(tmp_path / "index")
    store.close()
    with pytest.raises(IndexFault):
        store.get_many([KEY])
    with pytest.raises(IndexFault, match="cannot be written"):
        store.write({KEY: b""})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_without_rights_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(IndexFault, match="who may write there"):
            RocksStore(tmp_path / "below" / "index")
    finally:
        tmp_path.chmod(0o700)
