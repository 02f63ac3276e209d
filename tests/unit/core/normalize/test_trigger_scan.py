"""Which pairs of characters are in a text, told in one look."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.trigger_scan import ANY, PAIRS_MAX, CharacterPair, TriggerScan

PAIRS = [
    CharacterPair("a-c", "1-3"),
    CharacterPair(" ", "\n "),
    CharacterPair("x"),
    CharacterPair("-،", "-،"),
    CharacterPair("\U0001f468", "!"),
]
TEXT = st.text("abcd1239 \nx-،\U0001f468!\U000e0001", max_size=12)


@given(TEXT)
def test_a_pair_is_seen_where_a_pattern_finds_it(text: str) -> None:
    seen = TriggerScan(PAIRS)(text)
    for place, pair in enumerate(PAIRS):
        behind = "(?s:.)" if pair.second == ANY else f"[{pair.second}]"
        found = re.search(f"[{pair.first}]{behind}", f"\n{text}\n") is not None
        # Characters of the last planes may be part of any pair.
        assert bool(seen >> place & 1) == found or (not found and "\U000e0001" in text)


def test_the_ends_of_a_text_are_line_feeds() -> None:
    scan = TriggerScan([CharacterPair("\n", "a"), CharacterPair("b", "\n")])
    assert scan("ab") == 0b11
    assert scan("ba") == 0
    assert scan("") == 0


def test_half_a_surrogate_pair_is_a_character() -> None:
    assert TriggerScan([CharacterPair("\ud800-\udfff")])("a\ud800b") == 1


def test_too_many_pairs_are_refused() -> None:
    TriggerScan([CharacterPair("a")] * PAIRS_MAX)
    with pytest.raises(ValueError, match="33 pairs"):
        TriggerScan([CharacterPair("a")] * (PAIRS_MAX + 1))
