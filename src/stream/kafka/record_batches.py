"""Record batches within bounds: a batch is refused before more than `DECOMPRESSED_BYTES_MAX` of it are unpacked.

The broker bounds the compressed size of a batch alone, and 1 MB may expand to 30 GB. Both Kafka clients unpack all they
get, so their parts that do are replaced: `limit_kafka_python` here, and `stream.transport.kafka.partition_records` for
aiokafka. A batch that is refused costs no more than the bound.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import cramjam
import kafka.record.memory_records
from kafka.record.default_records import DefaultRecordBatch

from stream.core.contracts.topics import OUTPUT_MESSAGE_BYTES

#: Four times the largest record that this project writes or reads: a batch may hold several, and producers fill it by
#: its compressed size.
DECOMPRESSED_BYTES_MAX: Final = 4 * OUTPUT_MESSAGE_BYTES

#: Codec number of Kafka's message format -> its name.
CODECS: Final = {1: "gzip", 2: "snappy", 3: "lz4", 4: "zstd"}
_SNAPPY: Final = 2
_DECOMPRESS_INTO: Final[dict[int, Any]] = {
    1: cramjam.gzip.decompress_into,
    3: cramjam.lz4.decompress_into,
    4: cramjam.zstd.decompress_into,
}
#: What blocks of snappy begin with as Java clients write it (snappy-java's SnappyOutputStream).
_XERIAL_MAGIC: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER_BYTES: Final = 16


class UndecodableBatchError(Exception):
    """A record batch is larger than the bound once decompressed, or damaged; the message completes "the batch is …"."""


def decompress(codec: int, data: memoryview, *, bytes_max: int = DECOMPRESSED_BYTES_MAX) -> bytes:
    """Return the decompressed ``data``. ``codec``: a key of `CODECS`.

    >>> packed = bytes(cramjam.zstd.compress(bytes(1_000_000)))
    >>> len(packed), len(decompress(4, memoryview(packed)))
    (43, 1000000)

    Raises:
        UndecodableBatchError: It has more than ``bytes_max`` bytes, is damaged, or the codec is unknown.
    """
    try:
        if codec == _SNAPPY:
            return _decompress_snappy(data, bytes_max)
        if codec not in _DECOMPRESS_INTO:
            raise UndecodableBatchError(f"compressed with the unknown codec {codec}")
        # Untouched pages of it take no memory.
        buffer = bytearray(bytes_max)
        size = _DECOMPRESS_INTO[codec](data, buffer)
        return bytes(memoryview(buffer)[:size])
    except (cramjam.DecompressionError, IndexError) as error:
        # The only error of a library that has no place left to write to.
        if "failed to write whole buffer" in str(error):
            raise _too_large(bytes_max) from error
        raise UndecodableBatchError(f"damaged ({error})") from error


def _decompress_snappy(data: memoryview, bytes_max: int) -> bytes:
    """Blocks as Java clients write them, or one block. Each states its decompressed size at its start."""
    if bytes(data[: len(_XERIAL_MAGIC)]) != _XERIAL_MAGIC:
        blocks = [data]
    else:
        blocks, position = [], _XERIAL_HEADER_BYTES
        while position < len(data):
            start = position + 4
            position = start + int.from_bytes(data[position:start], "big")
            blocks.append(data[start:position])
    if sum(cramjam.snappy.decompress_raw_len(block) for block in blocks) > bytes_max:
        raise _too_large(bytes_max)
    return b"".join(bytes(cramjam.snappy.decompress_raw(block)) for block in blocks)


def _too_large(bytes_max: int) -> UndecodableBatchError:
    return UndecodableBatchError(f"larger than {bytes_max} bytes when decompressed")


def describe_batch(first: int, last: int, codec: int, size: int, error: UndecodableBatchError) -> str:
    """Say which batch cannot be read and why."""
    offsets = f"offset {first}" if first == last else f"offsets {first} to {last}"
    return f"the record batch at {offsets} ({CODECS.get(codec, 'unknown codec')}, {size} bytes) is {error}"


class _BoundedBatch(DefaultRecordBatch):  # type: ignore[misc]  # kafka-python has no types
    """kafka-python's record batch within the bound; a batch that is refused is reported, and has no records."""

    _buffer: bytearray
    _pos: int
    _num_records: int
    _decompressed: bool

    def _maybe_uncompress(self) -> None:
        codec = self.compression_type
        if not self._decompressed and codec != self.CODEC_NONE:
            data = memoryview(self._buffer)[self._pos :]
            try:
                self._buffer = bytearray(decompress(codec, data))
            except UndecodableBatchError as error:
                reason = describe_batch(self.base_offset, self.last_offset, codec, len(data), error)
                # kafka-python serves commands only, whose users look there.
                sys.stderr.write(f"stream: {reason}; it is skipped\n")
                self._buffer, self._num_records = bytearray(), 0
            self._pos = 0
        self._decompressed = True


def limit_kafka_python() -> None:
    """Make kafka-python read batches within the bound, in all codecs, without libraries of its own."""
    kafka.record.memory_records.DefaultRecordBatch = _BoundedBatch
