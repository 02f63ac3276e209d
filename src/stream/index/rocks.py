"""The store on disk: RocksDB through rocksdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from rocksdict import BlockBasedOptions, Cache, Options, Rdict, WriteBatch, WriteOptions

from stream.errors import IndexFault

_MIB: Final = 1024 * 1024
#: No key is longer: a prefix, a kind and a hash.
KEY_BYTES_MAX: Final = 64
#: Bits a key: one look-up in a hundred of a key that is not there reads a block.
_BLOOM_BITS: Final = 10


class RocksStore:
    """One RocksDB folder, open in one process at a time.

    Writes go through RocksDB's log and are not flushed to the disk one by one: they survive the process, and what
    a power failure takes is in the changelog. Memory is bounded by ``cache_bytes`` for blocks, bloom filters
    included, and two memtables of 16 MiB.

    Raises:
        IndexFault: the folder is locked by another process, damaged, or cannot be written.
    """

    def __init__(self, folder: Path, *, cache_bytes: int = 64 * _MIB) -> None:
        self._folder = folder
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._db = Rdict(str(folder), options=_options(cache_bytes))
        except Exception as error:  # rocksdict raises bare Exception for whatever RocksDB reports
            raise IndexFault(_advice(folder, error)) from error
        self._unsynced = WriteOptions()

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Store`.

        Raises:
            IndexFault: a file is damaged or gone.
        """
        try:
            # A list of keys gives a list of values; rocksdict's signature is that of all its uses at once.
            return cast("list[bytes | None]", self._db.get(list(keys))) if keys else []
        except Exception as error:  # as above
            raise IndexFault(_advice(self._folder, error)) from error

    def write(self, puts: Mapping[bytes, bytes], dropped: Iterable[bytes] = ()) -> None:
        """See `Store`."""
        batch = WriteBatch(raw_mode=True)
        for prefix in dropped:
            batch.delete_range(prefix, _after(prefix))
        for key, value in puts.items():
            batch.put(key, value)
        self._write(batch)

    def clear(self) -> None:
        """See `Store`."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(b"", b"\xff" * KEY_BYTES_MAX)
        self._write(batch)

    def close(self) -> None:
        """See `Store`."""
        self._db.close()

    def _write(self, batch: WriteBatch) -> None:
        try:
            self._db.write(batch, self._unsynced)
        except Exception as error:  # as above
            raise IndexFault(f"the index cannot be written: {error}; look at the disk, then start again") from error

    @property
    def size_bytes(self) -> int:
        """See `Store`."""
        return int(self._db.property_int_value("rocksdb.total-sst-files-size") or 0) + int(
            self._db.property_int_value("rocksdb.cur-size-all-mem-tables") or 0
        )


def _options(cache_bytes: int) -> Options:
    table = BlockBasedOptions()
    table.set_block_cache(Cache(cache_bytes))
    table.set_bloom_filter(_BLOOM_BITS, block_based=False)
    table.set_cache_index_and_filter_blocks(True)
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(table)
    options.set_write_buffer_size(16 * _MIB)
    options.set_max_write_buffer_number(2)
    # Most anchors that are looked up are not there; the memtables can tell so without a search too.
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(0.1)
    options.set_max_open_files(256)
    return options


def _after(prefix: bytes) -> bytes:
    """The first key behind all that begin with ``prefix``."""
    return (int.from_bytes(prefix, "big") + 1).to_bytes(len(prefix) + 1, "big").removeprefix(b"\0")


def _advice(folder: Path, error: Exception) -> str:
    if f"{folder}/LOCK" in str(error):
        return f"{folder} is in use by another worker; give each worker a STREAM_DATA_DIR of its own"
    return (
        f"the index in {folder} cannot be read: {error}; look at the disk and at who may write there; if they are "
        "sound, delete the folder: it is rebuilt from the changelog"
    )
