"""The store on disk: RocksDB through rocksdict."""

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
#: No key is longer: a prefix, a kind and a hash.
KEY_BYTES_MAX: Final = 64
#: Bits a key: one look-up in a hundred of a key that is not there reads a block.
_BLOOM_BITS: Final = 10
_MEMORY_PROPERTIES: Final = dict(
    zip(
        MEMORY_KINDS,
        ("rocksdb.block-cache-usage", "rocksdb.estimate-table-readers-mem", "rocksdb.cur-size-all-mem-tables"),
        strict=True,
    )
)

# How many files of 16 MiB wait to be merged, and at how many writers are held up: RocksDB's own figures, and those
# for a restore, of which merging took as much time as all the rest.
_MERGED: Final = {
    "level0_file_num_compaction_trigger": "4",
    "level0_slowdown_writes_trigger": "20",
    "level0_stop_writes_trigger": "36",
}
_MERGED_LATE: Final = {
    "level0_file_num_compaction_trigger": "16",
    "level0_slowdown_writes_trigger": "40",
    "level0_stop_writes_trigger": "60",
}


class RocksStore:
    """One RocksDB folder, open in one process at a time.

    Writes stand in memory until 16 MiB of them go to a file, or the store is closed: what a crash takes is in the
    changelog. Memory is bounded by ``cache_bytes`` for blocks and two memtables, beside filters and block indexes,
    which take about 60 bytes an article: kept among the blocks, each filter that is read again would push out others.

    A folder that is damaged, or was said to be (`distrust`), is emptied when it is opened; ``emptied_because`` tells
    why.

    Raises:
        IndexFault: the folder is locked by another process, or cannot be written.
    """

    def __init__(self, folder: Path, *, cache_bytes: int = 64 * _MIB) -> None:
        self._folder = folder
        self._marker = folder.with_name(f"{folder.name}.distrusted")
        self.emptied_because: str | None = None
        self._db = self._opened(cache_bytes)
        self._unlogged = WriteOptions()
        self._unlogged.disable_wal = True  # type: ignore[method-assign,assignment] # a property, which the stub calls a method

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Store`."""
        try:
            # A list of keys gives a list of values; rocksdict's signature is that of all its uses at once.
            return cast("list[bytes | None]", self._db.get(list(keys))) if keys else []
        except Exception as error:  # rocksdict raises bare Exception for whatever RocksDB reports
            raise self._fault(error) from error

    def write(self, puts: Iterable[tuple[bytes, bytes]], dropped: Iterable[bytes] = ()) -> None:
        """See `Store`."""
        batch = WriteBatch(raw_mode=True)
        for prefix in dropped:
            batch.delete_range(prefix, _after(prefix))
        deque(starmap(batch.put, puts), maxlen=0)
        self._write(batch)

    def clear(self) -> None:
        """See `Store`."""
        batch = WriteBatch(raw_mode=True)
        batch.delete_range(b"", b"\xff" * KEY_BYTES_MAX)
        self._write(batch)

    def distrust(self, reason: str) -> None:
        """See `Store`."""
        self._marker.write_text(reason, encoding="utf-8")

    def expect_writes(self, *, many: bool) -> None:
        """See `Store`."""
        try:
            self._db.set_options(_MERGED_LATE if many else _MERGED)
        except Exception as error:  # as above
            raise self._fault(error) from error

    def close(self) -> None:
        """See `Store`."""
        try:
            try:
                self._db.flush()
            finally:
                self._db.close()
        except Exception as error:  # as above
            raise self._fault(error) from error

    def _opened(self, cache_bytes: int) -> Rdict:
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            distrusted = self._marker.read_text(encoding="utf-8") if self._marker.exists() else None
            try:
                db = _open(self._folder, cache_bytes)
            except Exception as error:  # as above
                if _is_locked(self._folder, error) or not (distrusted or _is_damage(error)):
                    raise
                self._empty(distrusted or str(error))
                return _open(self._folder, cache_bytes)
            if distrusted is None:
                return db
            # That it could be opened tells that nobody else is using what is removed here.
            db.close()
            self._empty(distrusted)
            return _open(self._folder, cache_bytes)
        except Exception as error:  # as above
            raise IndexFault(_advice(self._folder, error)) from error

    def _empty(self, reason: str) -> None:
        self.emptied_because = reason
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._marker.unlink(missing_ok=True)

    def _write(self, batch: WriteBatch) -> None:
        try:
            self._db.write(batch, self._unlogged)
        except Exception as error:  # as above
            raise self._fault(error) from error

    def _fault(self, error: Exception) -> IndexFault:
        if _is_damage(error):
            return IndexDamaged(f"the index in {self._folder} is damaged: {error}")
        return IndexFault(_advice(self._folder, error))

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
    # Named for the column family too: of a folder that is there, rocksdict would open it with RocksDB's defaults,
    # without a filter.
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
    # Most anchors that are looked up are not there; the memtables can tell so without a search too. This share of them
    # is some 14 bits a key, and stays in the processor's cache: with five times as much, writing took a quarter longer.
    options.set_memtable_whole_key_filtering(True)
    options.set_memtable_prefix_bloom_ratio(0.02)
    options.set_max_open_files(-1)
    return options


def _after(prefix: bytes) -> bytes:
    """The first key behind all that begin with ``prefix``."""
    return (int.from_bytes(prefix, "big") + 1).to_bytes(len(prefix) + 1, "big").removeprefix(b"\0")


def _is_damage(error: Exception) -> bool:
    """RocksDB found by its checksums that a file does not hold what was written, or that one is gone."""
    return "Corruption" in str(error) or "No such file" in str(error)


def _is_locked(folder: Path, error: Exception) -> bool:
    return f"{folder}/LOCK" in str(error)


def _advice(folder: Path, error: Exception) -> str:
    if _is_locked(folder, error):
        return f"{folder} is in use by another worker; give each worker a STREAM_DATA_DIR of its own"
    return f"the index in {folder} cannot be used: {error}; look at the disk and at who may write there"
