"""Unit tests of `stream.kafka.record_batches`."""

from __future__ import annotations

import cramjam
import pytest
from kafka.record import MemoryRecords

from stream.kafka.record_batches import DECOMPRESSED_BYTES_MAX, UndecodableBatchError, decompress, limit_kafka_python
from tests.support.record_batches import CODECS, bomb, record_batch

VALUES = [b"harbour", b"", "ميناء فيلمورا".encode() * 500]


@pytest.fixture(autouse=True)
def _limited() -> None:
    limit_kafka_python()


@pytest.mark.parametrize("codec", [None, *CODECS])
def test_kafka_python_reads_every_codec(codec: str | None) -> None:
    (batch,) = MemoryRecords(record_batch(VALUES, codec_name=codec))
    assert [record.value for record in batch] == VALUES


@pytest.mark.parametrize("codec", CODECS)
def test_kafka_python_skips_a_bomb_and_reports_its_offset(codec: str, capsys: pytest.CaptureFixture[str]) -> None:
    (batch,) = MemoryRecords(bomb(codec, DECOMPRESSED_BYTES_MAX + 1, first_offset=41))
    assert list(batch) == []
    assert batch.next_offset == 42
    assert "offset 41" in capsys.readouterr().err


def test_a_batch_of_exactly_the_bound_is_read() -> None:
    packed = memoryview(bytes(cramjam.zstd.compress(bytes(1000))))
    assert decompress(4, packed, bytes_max=1000) == bytes(1000)
    with pytest.raises(UndecodableBatchError, match="larger than 999 bytes"):
        decompress(4, packed, bytes_max=999)


def test_an_unknown_codec_is_refused() -> None:
    with pytest.raises(UndecodableBatchError, match="unknown codec 7"):
        decompress(7, memoryview(b"x"))
