"""A scan finds which pairs of characters a text contains."""

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
def test_a_pair_is_found_where_a_regular_expression_finds_it(text: str) -> None:
    mask = TriggerScan(PAIRS)(text)
    for bit, pair in enumerate(PAIRS):
        second = "(?s:.)" if pair.second == ANY else f"[{pair.second}]"
        expected = re.search(f"[{pair.first}]{second}", f"\n{text}\n") is not None
        # Characters of the last planes count as part of any pair.
        assert bool(mask >> bit & 1) == expected or (not expected and "\U000e0001" in text)


def test_both_ends_of_a_text_count_as_a_line_feed() -> None:
    scan = TriggerScan([CharacterPair("\n", "a"), CharacterPair("b", "\n")])
    assert scan("ab") == 0b11
    assert scan("ba") == 0
    assert scan("") == 0


def test_a_lone_surrogate_is_a_character() -> None:
    assert TriggerScan([CharacterPair("\ud800-\udfff")])("a\ud800b") == 1


def test_more_than_32_pairs_are_refused() -> None:
    TriggerScan([CharacterPair("a")] * PAIRS_MAX)
    with pytest.raises(ValueError, match="33 pairs"):
        TriggerScan([CharacterPair("a")] * (PAIRS_MAX + 1))
