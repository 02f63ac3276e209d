"""Texts cut to the columns of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from stream.cli.terminal_width import clip, max_columns


@pytest.mark.parametrize(
    ("text", "columns"),
    [("news", 4), ("新闻", 4), ("خبر", 3), ("น้ำ", 2), ("हिंदी", 4), ("\u2067خبر\u2069", 3), ("❤️", 2), ("", 0)],
)
def test_columns_are_those_of_the_widest_terminal(text: str, columns: int) -> None:
    assert max_columns(text) == columns


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"])))
def test_no_terminal_needs_more(text: str) -> None:
    assert wcswidth(text) <= max_columns(text)


@given(st.text(), st.integers(1, 40))
def test_a_clipped_text_fits_and_is_a_beginning(text: str, columns: int) -> None:
    clipped = clip(text, columns)
    assert max_columns(clipped) <= columns
    assert clipped == clip(clipped, columns)
    if clipped.endswith("…") and max_columns(text) > columns:
        assert " ".join(text.split()).startswith(clipped[:-1]) or text.startswith(clipped[:-1])
