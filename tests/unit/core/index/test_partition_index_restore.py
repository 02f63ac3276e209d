"""An index is restored from its changelog, and reopened from its store."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from stream.core.contracts.events import FingerprintEvent
from stream.core.index.keys import POSITION
from stream.core.index.partition_index import PartitionIndex
from stream.core.index.store import MemoryStore
from stream.errors import IndexDamaged
from stream.state.rocksdb_store import RocksStore
from tests.support.index import EXCERPT, REPRINT, STORY, WINDOW_MS, Partition, article, prose
from tests.unit.core.index.conftest import NewStore


class TestRestore:
    """Applying changelog records."""

    @pytest.fixture
    def changelog(self) -> list[FingerprintEvent]:
        partition = Partition(MemoryStore())
        partition.run([article(prose(letter), name=letter) for letter in "abcdef"])
        return partition.fingerprints

    def test_every_record_of_a_changelog_is_applied_once(
        self, new_store: NewStore, changelog: list[FingerprintEvent]
    ) -> None:
        index = PartitionIndex(new_store(), window_ms=WINDOW_MS)
        assert index.apply_changelog(changelog, changelog_end=6) == 6
        assert index.apply_changelog(changelog, changelog_end=6) == 0
        assert (index.documents, index.last_offset, index.changelog_end) == (6, 5, 6)

    def test_a_restore_may_begin_anywhere_in_a_trimmed_changelog(
        self, new_store: NewStore, changelog: list[FingerprintEvent]
    ) -> None:
        partition = Partition(new_store())
        assert partition.index.apply_changelog(changelog[3:], changelog_end=6) == 3
        assert partition.run_one(article(prose("a"), name="a")).verdict.relation == "new"
        assert partition.run_one(article(prose("f"), name="f")).verdict.relation == "recrawl"

    def test_a_restore_after_a_reset_may_begin_anywhere_again(
        self, new_store: NewStore, changelog: list[FingerprintEvent]
    ) -> None:
        index = PartitionIndex(new_store(), window_ms=WINDOW_MS)
        index.apply_changelog(changelog[:2], changelog_end=2)
        assert index.apply_changelog(changelog[4:], changelog_end=6) == 0
        index.reset()
        assert (index.documents, index.last_offset, index.changelog_end) == (0, -1, 0)
        assert index.apply_changelog(changelog[4:], changelog_end=6) == 2

    @pytest.mark.parametrize("offset", [0, 1])
    def test_a_record_that_does_not_come_after_its_predecessor_is_skipped(
        self, new_store: NewStore, changelog: list[FingerprintEvent], offset: int
    ) -> None:
        index = PartitionIndex(new_store(), window_ms=WINDOW_MS)
        backward = msgspec.structs.replace(changelog[2], offset=offset)
        assert index.apply_changelog([*changelog[:2], backward, changelog[2]], changelog_end=4) == 3
        assert (index.documents, index.last_offset) == (3, 2)

    def test_records_behind_a_gap_are_skipped(self, new_store: NewStore, changelog: list[FingerprintEvent]) -> None:
        index = PartitionIndex(new_store(), window_ms=WINDOW_MS)
        with_gap = changelog[:2] + changelog[3:]
        assert index.apply_changelog(with_gap, changelog_end=5) == 2
        assert index.last_offset == 1
        # The worker decides again from the gap on, and appends its records to the changelog.
        assert index.apply_changelog([*with_gap, *changelog[2:]], changelog_end=9) == 4
        assert index.documents == 6

    def test_records_of_a_worker_that_had_lost_the_partition_are_skipped(
        self, new_store: NewStore, changelog: list[FingerprintEvent]
    ) -> None:
        partition = Partition(new_store())
        zombie = msgspec.structs.replace(changelog[5], offset=9, previous=3, id="zombie")
        mixed = [*changelog[:5], zombie, changelog[3], changelog[4], changelog[5]]
        assert partition.index.apply_changelog(mixed, changelog_end=9) == 6
        assert partition.index.last_offset == 5
        assert partition.run_one(article(prose("z"), name="zombie")).verdict.relation == "new"

    def test_after_a_record_that_cannot_be_used_the_next_one_is_applied(
        self, new_store: NewStore, changelog: list[FingerprintEvent]
    ) -> None:
        index = PartitionIndex(new_store(), window_ms=WINDOW_MS)
        assert index.apply_changelog([*changelog[:2], None, *changelog[3:]], changelog_end=6) == 5
        assert (index.documents, index.last_offset, index.changelog_end) == (5, 5, 6)

    def test_a_record_that_cannot_be_used_is_remembered_until_the_next_one_is_read(
        self, new_store: NewStore, changelog: list[FingerprintEvent]
    ) -> None:
        store = new_store()
        PartitionIndex(store, window_ms=WINDOW_MS).apply_changelog([*changelog[:2], None], changelog_end=3)
        assert PartitionIndex(store, window_ms=WINDOW_MS).apply_changelog(changelog[3:], changelog_end=6) == 3

    def test_a_record_that_cannot_be_used_excuses_no_later_gap(
        self, new_store: NewStore, changelog: list[FingerprintEvent]
    ) -> None:
        index = PartitionIndex(new_store(), window_ms=WINDOW_MS)
        assert index.apply_changelog([changelog[0], None, *changelog[1:3], *changelog[4:]], changelog_end=6) == 3

    def test_records_that_do_not_follow_or_contradict_an_earlier_one_are_named(
        self, new_store: NewStore, changelog: list[FingerprintEvent]
    ) -> None:
        index = PartitionIndex(new_store(), window_ms=WINDOW_MS)
        forged = msgspec.structs.replace(changelog[2], id="forged")
        misplaced = msgspec.structs.replace(changelog[2], scope="other/en")
        too_far = msgspec.structs.replace(changelog[5], offset=900, previous=800)
        records = [*changelog[:3], forged, changelog[2], too_far, misplaced, *changelog[3:]]
        skipped: list[tuple[int, str]] = []
        assert index.apply_changelog(records, changelog_end=10, on_skip=lambda *skip: skipped.append(skip)) == 6
        assert skipped == [(3, "conflict"), (5, "broken_chain"), (6, "conflict")]


class TestStore:
    """Reopening a store."""

    def test_a_reopened_store_decides_as_before(self, tmp_path: Path) -> None:
        stream = [
            article(text, name=name) for text, name in ((STORY, "a"), (EXCERPT, "b"), (REPRINT, "c"), (STORY, "a"))
        ]
        expected = Partition(MemoryStore()).run(stream)
        results = []
        for event in stream:
            partition = Partition(RocksStore(tmp_path / "index"))
            results.append(partition.run_one(event))
            partition.index.close()
        assert results == expected

    def test_a_store_of_other_rules_is_refused(self, new_store: NewStore) -> None:
        store = new_store()
        store.write({POSITION: msgspec.msgpack.encode(["0/other", 5, 5, 5])}.items())
        with pytest.raises(IndexDamaged, match="written by version 0/other, this is "):
            PartitionIndex(store, window_ms=WINDOW_MS)

    @pytest.mark.parametrize("value", [b"garbage", msgspec.msgpack.encode({"a": 1})])
    def test_a_store_with_other_contents_is_refused(self, new_store: NewStore, value: bytes) -> None:
        store = new_store()
        store.write({POSITION: value}.items())
        with pytest.raises(IndexDamaged):
            PartitionIndex(store, window_ms=WINDOW_MS)

    @pytest.mark.parametrize("value", [b"garbage that is long", None])
    def test_a_damaged_or_missing_article_stops_the_flow(self, value: bytes | None) -> None:
        store = MemoryStore()
        Partition(store).run_one(article(STORY))
        documents = [key for key in store.values if key[9:10] == b"\x05"]
        for key in documents:
            store.values.pop(key)
            if value:
                store.write({key: value}.items())
        assert documents
        with pytest.raises(IndexDamaged):
            Partition(store).run_one(article(REPRINT))
