"""The lock on the folder of the index."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stream.errors import SettingsError
from stream.runtime.data_dir_lock import LOCK_FILE, lock_data_dir

PROGRAM = (
    "import sys\nfrom pathlib import Path\nfrom stream.runtime.data_dir_lock import lock_data_dir\n"
    "with lock_data_dir(Path(sys.argv[1])):\n    print('locked', flush=True)\n    sys.stdin.read()\n"
)


def start_holder(folder: Path) -> subprocess.Popen[bytes]:
    """Start another process, which locks ``folder``."""
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"locked\n"
    return process


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM])
def test_a_folder_is_locked_by_one_process_until_that_ends(tmp_path: Path, ending: signal.Signals) -> None:
    folder = tmp_path / "data" / "group"
    with start_holder(folder) as holder:
        with pytest.raises(SettingsError, match=f"in use by another worker .process {holder.pid} on .*STREAM_DATA_DIR"):
            lock_data_dir(folder).__enter__()
        holder.send_signal(ending)
        holder.wait()
        with lock_data_dir(folder):
            assert f"process {os.getpid()} " in (folder / LOCK_FILE).read_text(encoding="utf-8")


def test_a_folder_can_be_locked_again(tmp_path: Path) -> None:
    for _ in range(2):
        with lock_data_dir(tmp_path):
            assert list(tmp_path.iterdir()) == [tmp_path / LOCK_FILE]


def test_a_folder_that_cannot_be_made_is_a_settings_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SettingsError, match=r"cannot hold the index \(Not a directory\); set STREAM_DATA_DIR"):
        lock_data_dir(tmp_path / "file" / "group").__enter__()
