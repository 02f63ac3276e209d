"""What is committed along with an offset."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.events import ChangelogMark
from stream.transport.commit_metadata import CommitMetadata

TOPIC_IDS = st.text("ABCabc019-_", min_size=22, max_size=22) | st.just("")
MARKS = st.builds(
    ChangelogMark,
    topic_id=TOPIC_IDS,
    offset=st.integers(0, 2**63 - 1),
    event_id=st.text("0123456789abcdef", max_size=64),
)


@given(st.builds(CommitMetadata, TOPIC_IDS, st.integers(-1, 2**31 - 1), st.none() | MARKS, st.integers(0, 2**63 - 1)))
def test_what_is_committed_is_read_back_and_small(metadata: CommitMetadata) -> None:
    text = metadata.encode()
    assert CommitMetadata.decode(text) == metadata
    assert len(text.encode()) < 1024


@pytest.mark.parametrize("text", [None, "", "{}", "[]", "null", "seek by hand", '{"topic_id":3}', "\udc80"])
def test_what_other_programs_commit_is_ignored(text: str | None) -> None:
    assert CommitMetadata.decode(text) is None


def test_fields_of_later_versions_are_ignored() -> None:
    text = '{"topic_id":"a","leader_epoch":2,"later":[1]}'
    assert CommitMetadata.decode(text) == CommitMetadata("a", 2)
