"""Record batches as producers send them, in every codec, and ones that expand to far more than they hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cramjam
from aiokafka import codec  # type: ignore[import-untyped]  # it ships no types
from aiokafka.record.default_records import DefaultRecordBatchBuilder  # type: ignore[import-untyped]
from aiokafka.record.util import calc_crc32c  # type: ignore[import-untyped]

CODECS: Final = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
_HEADER_BYTES: Final = 61


def record_batch(
    values: Sequence[bytes], *, codec_name: str | None = None, first_offset: int = 0, leader_epoch: int = -1
) -> bytes:
    """Return a record batch with ``values``, compressed as aiokafka compresses; a broker adds the leader epoch."""
    number = CODECS[codec_name] if codec_name else 0
    builder = DefaultRecordBatchBuilder(2, number, 0, -1, -1, -1, 2**30)
    for offset, value in enumerate(values):
        builder.append(offset, 1_777_896_000_000, b"key", value, [("name", b"header")])
    built = bytes(builder.build())
    return first_offset.to_bytes(8, "big") + built[8:12] + leader_epoch.to_bytes(4, "big", signed=True) + built[16:]


def replace_records(batch: bytes, records: bytes) -> bytes:
    """Return ``batch`` with other compressed records, and a checksum that fits."""
    header = bytearray(batch[:_HEADER_BYTES])
    header[8:12] = (_HEADER_BYTES - 12 + len(records)).to_bytes(4, "big")
    header[17:21] = calc_crc32c(bytes(header[21:]) + records).to_bytes(4, "big")
    return bytes(header) + records


def bomb(codec_name: str, size: int, *, first_offset: int = 0) -> bytes:
    """Return a batch of one record that expands to about ``size`` zeros."""
    value = bytes(size)
    compress = {
        "gzip": lambda data: bytes(cramjam.gzip.compress(data, level=9)),
        "snappy": codec.snappy_encode,
        "lz4": codec.lz4_encode,
        "zstd": codec.zstd_encode,
    }[codec_name]
    plain = record_batch([b"x"], first_offset=first_offset)
    body = b"\x00\x00\x00\x01" + _varint(len(value)) + value + b"\x00"
    records = compress(_varint(len(body)) + body)
    header = bytearray(plain[:_HEADER_BYTES])
    header[22] = CODECS[codec_name]
    return replace_records(bytes(header), records)


def _varint(value: int) -> bytes:
    """Kafka's varint: zigzag, then seven bits a byte."""
    number, out = value << 1, bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
