"""The last decision in a part of the changelog, whatever else was written there."""

from __future__ import annotations

import pytest

from stream.core.contracts.events import ChangelogEvent, RecoveryEvent, RemovalEvent
from stream.core.index.changelog_chain import find_last


def decision(offset: int, previous: int) -> RemovalEvent:
    """A record of the changelog; only its place in the chain matters."""
    return RemovalEvent(event_id="ab" * 16, offset=offset, previous=previous, tenant="default", id="x")


def recovery(offset: int, base: int = 0) -> RecoveryEvent:
    return RecoveryEvent(event_id="cd" * 16, offset=offset, base=base)


CHAIN = [decision(7, 5), decision(8, 7), decision(11, 8)]
FORGED = decision(10**6, 3)


@pytest.mark.parametrize(
    ("events", "last"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param([None], None, id="nothing that can be used"),
        pytest.param(CHAIN, 11, id="a chain that begins anywhere"),
        pytest.param([*CHAIN, FORGED], 11, id="a forged decision at the end"),
        pytest.param([FORGED, *CHAIN], 11, id="at the beginning"),
        pytest.param([*CHAIN[:2], FORGED, CHAIN[2]], 11, id="in between"),
        pytest.param([*CHAIN, *CHAIN[1:]], 11, id="records that were stored again"),
        pytest.param([*CHAIN, decision(12, 7)], 11, id="a decision of a worker that had lost the partition"),
        pytest.param([*CHAIN[:2], None, decision(13, 12)], 13, id="a decision behind one that cannot be used"),
        pytest.param([*CHAIN, None], 11, id="one that cannot be used at the end"),
        pytest.param([*CHAIN, recovery(20)], 20, id="a recovery"),
        pytest.param([recovery(20), decision(21, 20)], 21, id="what follows it"),
        pytest.param([*CHAIN, recovery(20), recovery(20)], 20, id="a recovery that was repeated"),
        pytest.param([*CHAIN, recovery(20, base=9), FORGED], 20, id="a forged decision behind it"),
    ],
)
def test_the_last_decision_is_the_end_of_the_chain(events: list[ChangelogEvent | None], last: int | None) -> None:
    event = find_last(events)
    assert (event.offset if event else None) == last


@pytest.mark.parametrize(
    ("events", "last"),
    [
        pytest.param([*CHAIN, decision(31, 30), decision(32, 31)], 32, id="decisions behind what is lost"),
        pytest.param([*CHAIN, FORGED], 11, id="a forged decision at the end"),
        pytest.param([*CHAIN, decision(31, 30), FORGED], 31, id="behind what is lost"),
    ],
)
def test_where_records_are_lost_the_chain_goes_on_behind_them(events: list[ChangelogEvent | None], last: int) -> None:
    """A worker stores decisions in a changelog that lost its end, before it notices that."""
    event = find_last(events, is_incomplete=True)
    assert event is not None
    assert event.offset == last
