"""A RocksDB store reopens with what it held, or empty with the reason."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.index.store import MEMORY_KINDS
from stream.errors import IndexDamaged, IndexFault
from stream.state.rocksdb_store import RocksStore

KEY = b"\x01" * 9
VALUES = {KEY + bytes([number]): bytes([number]) * 700 for number in range(200)}


def fill(folder: Path) -> None:
    store = RocksStore(folder)
    store.write(VALUES.items())
    store.close()


def files(folder: Path, pattern: str) -> list[Path]:
    matches = sorted(file for file in folder.glob(pattern) if file.stat().st_size)
    assert matches
    return matches


def test_values_survive_closing_and_reopening(tmp_path: Path) -> None:
    fill(tmp_path / "index")
    store = RocksStore(tmp_path / "index")
    assert store.reset_reason is None
    assert store.get_many(list(VALUES)) == list(VALUES.values())
    store.close()


def test_folders_that_do_not_exist_are_created(tmp_path: Path) -> None:
    fill(tmp_path / "partitions" / "3" / "index")
    assert (tmp_path / "partitions" / "3" / "index").is_dir()


def write_in_killed_process(folder: Path, batches: int) -> None:
    """Write numbered batches of 200 kB into ``folder`` in a process that kills itself."""
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom stream.state.rocksdb_store import RocksStore\n"
        "store = RocksStore(Path(sys.argv[1]))\n"
        "for number in range(int(sys.argv[2])):\n"
        "    name = b'%06d' % number\n"
        "    store.write({b'document' + name: os.urandom(200_000), b'position': name, b'other' + name: name}.items())\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(folder), str(batches)], check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("batches", [3, 400])
def test_a_killed_process_loses_only_whole_batches_from_the_end(tmp_path: Path, batches: int) -> None:
    write_in_killed_process(tmp_path / "index", batches)
    store = RocksStore(tmp_path / "index")
    assert store.reset_reason is None
    position = store.get_many([b"position"])[0]
    kept = int(position) + 1 if position else 0
    # 400 batches fill several memtables; at most two may exist, so the first was flushed to a file.
    assert kept > 0 or batches < 400
    for kind in (b"document", b"other"):
        values = store.get_many([kind + b"%06d" % number for number in range(batches)])
        assert [value is not None for value in values] == [number < kept for number in range(batches)]
    store.close()


def test_a_folder_in_use_is_refused_with_advice(tmp_path: Path) -> None:
    first = RocksStore(tmp_path / "index")
    with pytest.raises(IndexFault, match="in use by another worker; give each worker a STREAM_DATA_DIR") as refused:
        RocksStore(tmp_path / "index")
    assert not isinstance(refused.value, IndexDamaged)
    first.write({KEY: b"value"}.items())
    first.close()
    second = RocksStore(tmp_path / "index")
    assert second.get_many([KEY]) == [b"value"]
    second.close()


def test_a_folder_in_use_by_another_process_is_refused(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\nfrom stream.state.rocksdb_store import RocksStore\n"
        "store = RocksStore(Path(sys.argv[1]))\nprint('open', flush=True)\nsys.stdin.read()\nstore.close()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "index")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(IndexFault, match="in use by another worker"):
            RocksStore(tmp_path / "index")
        other.communicate()
    RocksStore(tmp_path / "index").close()


def overwrite(file: Path) -> None:
    file.write_bytes(b"block of garbage" * 50)


def flip_bits(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 3] ^= 0x55
    file.write_bytes(data)


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def read_all(folder: Path) -> list[bytes | None] | str:
    """The values in the store, or why it was emptied or cannot be read."""
    store = RocksStore(folder)
    try:
        values = store.get_many(list(VALUES))
    except IndexDamaged as damage:
        return str(damage)
    finally:
        store.close()
    if store.reset_reason is None:
        return values
    assert values == [None] * len(VALUES)
    return store.reset_reason


@pytest.mark.parametrize("damage", [overwrite, flip_bits, truncate, Path.unlink])
def test_damaged_values_are_reported(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    fill(tmp_path / "index")
    for file in files(tmp_path / "index", "*.sst"):
        damage(file)
    result = read_all(tmp_path / "index")
    assert isinstance(result, str)
    assert str(tmp_path / "index") in result


@pytest.mark.parametrize("damage", [overwrite, flip_bits, Path.unlink])
@pytest.mark.parametrize("pattern", ["MANIFEST-*", "CURRENT"])
def test_a_store_that_cannot_be_opened_is_emptied_and_usable_again(
    tmp_path: Path, damage: Callable[[Path], None], pattern: str
) -> None:
    fill(tmp_path / "index")
    for file in files(tmp_path / "index", pattern):
        damage(file)
    result = read_all(tmp_path / "index")
    # Without CURRENT, which names the manifest, it is a new store.
    assert isinstance(result, str) or (
        result == [None] * len(VALUES) and damage is Path.unlink and pattern == "CURRENT"
    )
    fill(tmp_path / "index")
    assert read_all(tmp_path / "index") == list(VALUES.values())


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_with_any_byte_changed_the_store_is_intact_or_empty_or_reports_damage(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("store") / "index"
    fill(folder)
    file = data.draw(st.sampled_from([file for file in files(folder, "*") if file.name != "LOG"]))
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)
    result = read_all(folder)
    # RocksDB may take the last records of the manifest for a write that was cut short, and go back to before them.
    assert isinstance(result, str) or result in (list(VALUES.values()), [None] * len(VALUES))
    shutil.rmtree(folder.parent)


def test_a_store_marked_corrupt_is_empty_when_it_is_reopened(tmp_path: Path) -> None:
    fill(tmp_path / "index")
    store = RocksStore(tmp_path / "index")
    store.mark_corrupt("a verdict was wrong")
    store.close()
    again = RocksStore(tmp_path / "index")
    assert again.reset_reason == "a verdict was wrong"
    assert again.get_many(list(VALUES)) == [None] * len(VALUES)
    again.write({KEY: b"fresh"}.items())
    again.close()
    third = RocksStore(tmp_path / "index")
    assert (third.reset_reason, third.get_many([KEY])) == (None, [b"fresh"])
    third.close()


def test_a_store_marked_corrupt_is_not_emptied_while_it_is_in_use(tmp_path: Path) -> None:
    first = RocksStore(tmp_path / "index")
    first.write({KEY: b"value"}.items())
    first.mark_corrupt("damaged")
    with pytest.raises(IndexFault, match="in use by another worker"):
        RocksStore(tmp_path / "index")
    assert first.get_many([KEY]) == [b"value"]
    first.close()
    second = RocksStore(tmp_path / "index")
    assert (second.reset_reason, second.get_many([KEY])) == ("damaged", [None])
    second.close()


def test_marking_a_store_corrupt_affects_one_folder(tmp_path: Path) -> None:
    for name in ("0", "1"):
        fill(tmp_path / name)
    store = RocksStore(tmp_path / "0")
    store.mark_corrupt("damaged")
    store.close()
    assert read_all(tmp_path / "1") == list(VALUES.values())
    assert read_all(tmp_path / "0") == "damaged"


def test_a_file_where_the_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(IndexFault, match="check the disk, and that the worker may write there"):
        RocksStore(tmp_path / "file" / "index")


def test_using_a_closed_store_is_a_fault(tmp_path: Path) -> None:
    store = RocksStore(tmp_path / "index")
    store.close()
    with pytest.raises(IndexFault):
        store.get_many([KEY])
    with pytest.raises(IndexFault, match="closed"):
        store.write({KEY: b""}.items())


def test_a_full_disk_is_a_fault_when_the_store_is_closed(tmp_path: Path) -> None:
    script = (
        "import os, resource, sys\n"
        "from pathlib import Path\n"
        "from stream.errors import IndexFault\n"
        "from stream.state.rocksdb_store import RocksStore\n"
        "store = RocksStore(Path(sys.argv[1]))\n"
        "store.write([(b'key', os.urandom(200_000))])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    store.close()\n"
        "except IndexFault as fault:\n"
        "    print(fault)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "index"], capture_output=True, text=True, check=False
    )
    assert "check the disk" in done.stdout, done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(IndexFault, match="the worker may write there"):
            RocksStore(tmp_path / "below" / "index")
    finally:
        tmp_path.chmod(0o700)


def test_memory_is_reported_by_kind(tmp_path: Path) -> None:
    store = RocksStore(tmp_path / "index")
    assert tuple(store.memory_bytes) == MEMORY_KINDS
    empty = store.memory_bytes
    store.write(VALUES.items())
    assert store.memory_bytes["memtables"] > empty["memtables"] + 100_000
    store.close()
    store = RocksStore(tmp_path / "index")
    opened = store.memory_bytes
    assert opened["tables"] > empty["tables"]
    store.get_many(list(VALUES))
    assert store.memory_bytes["cache"] > opened["cache"]
    store.close()


def test_compactions_start_later_only_during_a_bulk_load(tmp_path: Path) -> None:
    def trigger() -> str:
        options = max((tmp_path / "index").glob("OPTIONS-*")).read_text(encoding="utf-8")
        return options.partition("\n  level0_file_num_compaction_trigger=")[2].partition("\n")[0]

    store = RocksStore(tmp_path / "index")
    default = trigger()
    store.set_bulk_load(enabled=True)
    assert int(trigger()) > int(default)
    store.set_bulk_load(enabled=False)
    assert trigger() == default
    store.close()
