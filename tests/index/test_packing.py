"""Fingerprints in changelog records."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from index.kit import (
    Partition,
    article,
)
from stream.fingerprint import fingerprint
from stream.index.packing import pack_fingerprint, unpack_fingerprint
from stream.index.store import MemoryStore


@given(st.text(max_size=300), st.none() | st.text(max_size=30))
def test_a_fingerprint_comes_out_of_a_record_as_it_went_in(text: str, title: str | None) -> None:
    found = fingerprint(text, title)
    partition = Partition(MemoryStore())
    partition.one(article("any"))
    event = msgspec.structs.replace(partition.changelog[0], **pack_fingerprint(found))
    again = unpack_fingerprint(event)
    assert pack_fingerprint(again) == pack_fingerprint(found)
    assert (again.text_hash, again.tokens, again.level) == (found.text_hash, found.tokens, found.level)
