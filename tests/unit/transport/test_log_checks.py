"""Where reading starts, and that it does not start in another log."""

from __future__ import annotations

import pytest
from faust.types import TP

from stream.core.contracts.records import LogId
from stream.core.log_position import UNKNOWN_LOG, LogState
from stream.errors import LogWentBack
from stream.transport.commit_metadata import CommitMetadata
from stream.transport.log_checks import choose_start, epoch_to_ask

TP0 = TP("articles.raw", 0)
OLD, NEW = "q8vTzcWnSDm2aSZC9Xv1Yg", "bNf0mMVJQnOQ7tNHZz0gWA"
METADATA = CommitMetadata(OLD, 3)


@pytest.mark.parametrize(
    ("committed", "metadata", "position", "log"),
    [
        pytest.param(None, None, 5, LogId(OLD, -1), id="nothing is committed"),
        pytest.param(7, METADATA, 7, LogId(OLD, 3), id="in the log"),
        pytest.param(5, METADATA, 5, LogId(OLD, 3), id="its first record"),
        pytest.param(9, METADATA, 9, LogId(OLD, 3), id="its end"),
        pytest.param(2, METADATA, 5, LogId(OLD, 3), id="what retention deleted"),
        pytest.param(7, None, 7, LogId(OLD, -1), id="committed without metadata"),
    ],
)
def test_reading_starts_where_the_group_is(
    committed: int | None, metadata: CommitMetadata | None, position: int, log: LogId
) -> None:
    start = choose_start(TP0, committed, metadata, LogState(OLD, 3, 5, 9, 9))
    assert (start.position, start.committed, start.end, start.log) == (position, committed, 9, log)


@pytest.mark.parametrize(("metadata", "expected"), [(METADATA, False), (None, True)])
def test_an_offset_without_metadata_is_committed_again(metadata: CommitMetadata | None, expected: bool) -> None:
    assert choose_start(TP0, 7, metadata, LogState(OLD, 3, 5, 9, 9)).needs_commit is expected


@pytest.mark.parametrize(
    ("metadata", "state", "kind", "what"),
    [
        (None, LogState(OLD, 3, 0, 40, None), "truncated", "was read up to offset 50, but the log now ends at 40"),
        (
            METADATA,
            LogState(OLD, 3, 0, 40, 40),
            "truncated",
            f"50 of topic id {OLD}, but the log now ends at 40",
        ),
        (METADATA, LogState(OLD, 4, 0, 50, 40), "truncated", "offset 40 on, and now ends at 50"),
        (METADATA, LogState(OLD, 4, 0, 90, 40), "truncated", "leader epoch 3 was lost: the log differs from offset 40"),
        (METADATA, LogState(NEW, 0, 0, 90, 90), "recreated", f"created again and now has the id {NEW}"),
    ],
)
def test_reading_does_not_start_in_a_log_that_went_back(
    metadata: CommitMetadata | None, state: LogState, kind: str, what: str
) -> None:
    with pytest.raises(LogWentBack) as raised:
        choose_start(TP0, 50, metadata, state)
    error = raised.value
    assert (error.topic, error.partition, error.kind) == ("articles.raw", 0, kind)
    message = str(error)
    assert message.startswith("articles.raw-0: was read up to offset 50")
    assert what in message
    assert message.endswith("; run `stream recover` (it only reports unless --yes is given), see the run book")


def test_only_known_epochs_are_asked_for() -> None:
    assert (epoch_to_ask(UNKNOWN_LOG), epoch_to_ask(LogId(OLD, 0))) == (None, 0)
