"""A restore as its process does it: frames in, answers out, an index on disk."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from stream.core.contracts.records import InputRecord
from stream.core.index.partition_index import PartitionIndex
from stream.errors import IndexDamaged
from stream.state.restore.process_main import LENGTH_BYTES, Answer, Task, event_of, framed, portion_of, restore
from stream.state.rocksdb_store import RocksStore
from tests.support.articles import fictional, with_takedowns
from tests.support.changelog import RECORDS, WINDOW_MS, changelog
from tests.support.restore import contents

MESSAGES = with_takedowns(fictional(60, seed=62), seed=62)


def frames(folder: Path, portions: Sequence[Sequence[InputRecord]]) -> bytes:
    """What a worker sends."""
    task = Task(str(folder), 1 << 20, WINDOW_MS, "log", 0)
    return framed(task) + b"".join(framed(portion_of(records, records[-1].offset + 1)) for records in portions)


def answered(given: bytes) -> list[Answer]:
    """What is answered to it."""
    answers = io.BytesIO()
    restore(io.BytesIO(given), answers)
    return list(_answers(answers.getvalue()))


def _answers(told: bytes) -> Iterator[Answer]:
    while told:
        length = int.from_bytes(told[:LENGTH_BYTES], "big")
        yield msgspec.msgpack.decode(told[LENGTH_BYTES : LENGTH_BYTES + length], type=Answer)
        told = told[LENGTH_BYTES + length :]


def restored_here(folder: Path, portions: Sequence[Sequence[InputRecord]]) -> None:
    """The same without a process."""
    index = PartitionIndex(RocksStore(folder), window_ms=WINDOW_MS)
    for records in portions:
        index.apply_changelog([event_of(record) for record in records], changelog_end=records[-1].offset + 1)
    index.end_restore()
    index.close()


def test_the_index_is_the_one_that_a_worker_restores_by_itself(tmp_path: Path) -> None:
    records = changelog(MESSAGES)
    assert len({dict(record.headers)["ce_type"] for record in records}) == 2  # takedowns are among them
    portions = [records[start : start + 17] for start in range(0, len(records), 17)]
    answers = answered(frames(tmp_path / "apart", portions))
    assert [answer.taken for answer in answers] == [len(records) for records in portions]
    restored_here(tmp_path / "here", portions)
    assert contents(tmp_path / "apart") == contents(tmp_path / "here")


def test_what_was_taken_over_before_is_not_new(tmp_path: Path) -> None:
    assert answered(frames(tmp_path / "0", [RECORDS[:7]])) == [Answer(7)]
    assert answered(frames(tmp_path / "0", [RECORDS[:9], RECORDS[9:]])) == [Answer(2), Answer(3)]


@pytest.mark.parametrize("missing", [1, 40, 300])
def test_where_the_input_is_cut_off_the_index_is_kept_up_to_there(tmp_path: Path, missing: int) -> None:
    given = frames(tmp_path / "0", [RECORDS[:5], RECORDS[5:]])
    assert answered(given[:-missing]) == [Answer(5)]
    restored_here(tmp_path / "here", [RECORDS[:5]])
    assert contents(tmp_path / "0") == contents(tmp_path / "here")


@pytest.mark.parametrize("length", [0, 2, 10])
def test_without_a_task_nothing_is_done(tmp_path: Path, length: int) -> None:
    assert answered(frames(tmp_path / "0", [])[:length]) == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_fingerprint_is_answered_with_a_fault(tmp_path: Path) -> None:
    answers = answered(frames(tmp_path / "0", [RECORDS[:5], [replace(RECORDS[5], value=b"{}")], RECORDS[6:]]))
    assert answers[0] == Answer(5)
    assert len(answers) == 2
    assert str(answers[1].fault).startswith("log/0/5 is not a fingerprint")


def test_an_index_that_another_has_open_is_answered_with_a_fault(tmp_path: Path) -> None:
    held = RocksStore(tmp_path / "0")
    (answer,) = answered(frames(tmp_path / "0", [RECORDS]))
    assert "in use by another worker" in str(answer.fault)
    held.close()


def test_a_damaged_index_is_not_trusted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(_self: RocksStore, keys: Sequence[bytes]) -> list[bytes | None]:
        if any(not key.startswith(b"\0") for key in keys):
            raise IndexDamaged("a block does not match its checksum")
        return [None] * len(keys)

    with monkeypatch.context() as patched:
        patched.setattr(RocksStore, "get_many", damaged)
        (answer,) = answered(frames(tmp_path / "0", [RECORDS]))
    assert answer.fault == "a block does not match its checksum"
    again = RocksStore(tmp_path / "0")
    assert again.reset_reason == answer.fault
    again.close()
