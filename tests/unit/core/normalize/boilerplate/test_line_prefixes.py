"""Prefixes of lines are folded in one call, with the same result as one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stream.core.folding import fold_letters
from stream.core.normalize.boilerplate.line_prefixes import CHARS_MAX, are_equal, folded_prefixes


@given(st.lists(st.text("aBإء\u064b ꙮ国,é", max_size=5) | st.just("x" * (CHARS_MAX + 9)), max_size=5))
def test_heads_are_those_of_each_line(lines: list[str]) -> None:
    assert folded_prefixes(lines) == [fold_letters(line[:CHARS_MAX]) for line in lines] or not lines


def test_long_lines_are_compared_to_their_ends() -> None:
    long = "a" * CHARS_MAX
    assert are_equal(f"{long}, B", f"{long} b.")
    assert not are_equal(f"{long}b", f"{long}c")
