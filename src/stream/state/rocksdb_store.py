"""The store on disk: RocksDB, through rocksdict."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap
from pathlib import Path
from typing import Final, cast

from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, Rdict, WriteBatch, WriteOptions

from stream.core.index.store import MEMORY_KINDS
from stream.errors import IndexDamaged, IndexFault

_MIB: Final = 1024 * 1024
#: An upper bound of the length of a key, which is a prefix, a kind and a hash.
KEY_BYTES_MAX: Final = 64
#: Bits per key. One look-up of a missing key in a hundred reads a block.
_BLOOM_BITS: Final = 10
_MEMORY_PROPERTIES: Final = dict(
    zip(
        MEMORY_KINDS,
        ("rocksdb.block-cache-usage", "rocksdb.estimate-table-readers-mem", "rocksdb.cur-size-all-mem-tables"),
        strict=True,
    )
)

# How many files of 16 MiB wait for a compaction, and at how many writers are slowed down and stopped: RocksDB's own
# defaults, and the values for a restore, where compactions with the defaults took as much time as all the rest.
_DEFAULT_COMPACTION: Final = {
    "level0_file_num_compaction_trigger": "4",
    "level0_slowdown_writes_trigger": "20",
    "level0_stop_writes_trigger": "36",
}
_BULK_LOAD_COMPACTION: Final = {
    "level0_file_num_compaction_trigger": "16",
    "level0_slowdown_writes_trigger": "40",
    "level0_stop_writes_trigger": "60",
}


class RocksStore:
    """One RocksDB folder, open in one process at a time.

    Writes stay in memory until 16 MiB of them are flushed to a file, or the store is closed; there is no write-ahead
    log, since writes lost in a crash are in the changelog. Memory is bounded by ``cache_bytes`` for blocks and two
    memtables. Filters and block indexes take about 60 bytes per article more: they are kept outside the block cache,
    where a filter that is read again would evict other blocks.

    A folder that is damaged, or was marked by `mark_corrupt`, is emptied when it is opened, and `reset_reason` says
    why.

    Args:
        folder: The folder of the database; its parent is created too.
        cache_bytes: Size of the block cache.

    Raises:
        IndexFault: The folder is locked by another process, or cannot be written.
    """

    def __init__(self, folder: Path, *, cache_bytes: int = 64 * _MIB) -> None:
        self._folder = folder
        self._marker = folder.with_name(f"{folder.name}.distrusted")
        self.reset_reason: str | None = None
        self._db = self._open_or_reset(cache_bytes)
        self._without_log = WriteOptions()
        self._without_log.disable_wal = True  # type: ignore[method-assign,assignment] # a property, which the stub calls a method

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Store`."""
        try:
            # A list of keys gives a list of values; rocksdict's signature covers all kinds of arguments at once.
            return cast("list[bytes | None]", self._db.get(list(keys))) if keys else []
        except Exception as error:  # rocksdict raises a bare Exception for every error of RocksDB
            raise self._translate(error) from error

    def write(
        self,
        puts: Iterable[tuple[bytes, bytes]],
        dropped_prefixes: Iterable[bytes] = (),
        deletions: Iterable[bytes] = (),
    ) -> None:
        """See `Store`."""
        batch = WriteBatch(raw_mode=True)
        for prefix in dropped_prefixes:
            batch.delete_range(prefix, _end_of_prefix(prefix))
        for key in deletions:
            batch.delete(key)
        deque(starmap(batch.put, puts), maxlen=0)
        self._write(batch)

    def clear(self) -> None:
        """See `Store`."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(b"", b"\xff" * KEY_BYTES_MAX)
        self._write(batch)

    def mark_corrupt(self, reason: str) -> None:
        """See `Store`."""
        self._marker.write_text(reason, encoding="utf-8")

    def set_bulk_load(self, *, enabled: bool) -> None:
        """See `Store`."""
        try:
            self._db.set_options(_BULK_LOAD_COMPACTION if enabled else _DEFAULT_COMPACTION)
        except Exception as error:  # as above
            raise self._translate(error) from error

    def flush(self) -> None:
        """See `Store`."""
        try:
            self._db.flush()
        except Exception as error:  # as above
            raise self._translate(error) from error

    def close(self) -> None:
        """See `Store`."""
        try:
            try:
                self._db.flush()
            finally:
                self._db.close()
        except Exception as error:  # as above
            raise self._translate(error) from error

    def _open_or_reset(self, cache_bytes: int) -> Rdict:
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            marked_reason = self._marker.read_text(encoding="utf-8") if self._marker.exists() else None
            try:
                db = _open(self._folder, cache_bytes)
            except Exception as error:  # as above
                if _is_locked(self._folder, error) or not (marked_reason or _is_damage(error)):
                    raise
                self._delete_files(marked_reason or str(error))
                return _open(self._folder, cache_bytes)
            if marked_reason is None:
                return db
            # It could be opened, so no other process uses the files that are deleted here.
            db.close()
            self._delete_files(marked_reason)
            return _open(self._folder, cache_bytes)
        except Exception as error:  # as above
            raise IndexFault(_describe_fault(self._folder, error)) from error

    def _delete_files(self, reason: str) -> None:
        self.reset_reason = reason
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._marker.unlink(missing_ok=True)

    def _write(self, batch: WriteBatch) -> None:
        try:
            self._db.write(batch, self._without_log)
        except Exception as error:  # as above
            raise self._translate(error) from error

    def _translate(self, error: Exception) -> IndexFault:
        if _is_damage(error):
            return IndexDamaged(f"the index in {self._folder} is damaged: {error}")
        return IndexFault(_describe_fault(self._folder, error))

    @property
    def size_bytes(self) -> int:
        """See `Store`."""
        return int(self._db.property_int_value("rocksdb.total-sst-files-size") or 0) + int(
            self._db.property_int_value("rocksdb.cur-size-all-mem-tables") or 0
        )

    @property
    def memory_bytes(self) -> Mapping[str, int]:
        """See `Store`."""
        return {kind: int(self._db.property_int_value(name) or 0) for kind, name in _MEMORY_PROPERTIES.items()}


def _open(folder: Path, cache_bytes: int) -> Rdict:
    options = _options(cache_bytes)
    # The options are given for the column family too: otherwise rocksdict opens that of an existing folder with
    # RocksDB's defaults, without a Bloom filter.
    return Rdict(str(folder), options=options, column_families={"default": options})


def _options(cache_bytes: int) -> Options:
    table = BlockBasedOptions()
    table.set_block_cache(Cache(cache_bytes))
    table.set_bloom_filter(_BLOOM_BITS, block_based=False)
    options = Options(raw_mode=True)
    options.set_compression_type(DBCompressionType.lz4())
    options.create_if_missing(True)
    options.set_block_based_table_factory(table)
    options.set_write_buffer_size(16 * _MIB)
    options.set_max_write_buffer_number(2)
    # Most anchors that are looked up are missing, so memtables get a Bloom filter too. This share of a memtable is
    # about 14 bits per key and stays in the processor's cache; with five times as much, writes took a quarter longer.
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(0.02)
    options.set_max_open_files(-1)
    return options


def _end_of_prefix(prefix: bytes) -> bytes:
    """The first key that sorts after every key that begins with ``prefix``."""
    return (int.from_bytes(prefix, "big") + 1).to_bytes(len(prefix) + 1, "big").removeprefix(b"\0")


def _is_damage(error: Exception) -> bool:
    """RocksDB reports that a checksum does not match, or that a file is missing."""
    return "Corruption" in str(error) or "No such file" in str(error)


def _is_locked(folder: Path, error: Exception) -> bool:
    return f"{folder}/LOCK" in str(error)


def _describe_fault(folder: Path, error: Exception) -> str:
    if _is_locked(folder, error):
        return f"{folder} is in use by another worker; give each worker a STREAM_DATA_DIR of its own"
    return f"the index in {folder} cannot be used: {error}; check the disk, and that the worker may write there"
