"""Spaces around Arabic punctuation; the cases of whole texts are in cases/text_fixes.jsonl."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.normalize.arabic import space_arabic_punctuation


@pytest.mark.parametrize(
    ("given_text", "text", "count"),
    [
        ("كلمة  ،كلمة", "كلمة، كلمة", 2),
        ("كلمة :", "كلمة:", 1),
        ("كلمة .\nكلمة", "كلمة.\nكلمة", 1),
        ("كلمة .كلمة", "كلمة .كلمة", 0),
        ("كلمة!كلمة", "كلمة! كلمة", 1),
        ('قال "كلمة."كلمة', 'قال "كلمة." كلمة', 1),
        ("كلمة.“كلمة", "كلمة. “كلمة", 1),
        ("عام ٢٠٢٦ ، ثم", "عام ٢٠٢٦ ، ثم", 0),
        ("د.محمد", "د.محمد", 0),
        ("news ، news", "news ، news", 0),
        ("", "", 0),
    ],
)
def test_spaces_are_put_right(given_text: str, text: str, count: int) -> None:
    assert space_arabic_punctuation(given_text) == (text, count)


@given(st.text('كلمة ،؛؟.:!,"»«”“5٣\na'))
def test_once_is_enough_and_nothing_but_spaces_changes(text: str) -> None:
    once, count = space_arabic_punctuation(text)
    assert space_arabic_punctuation(once) == (once, 0)
    assert once.replace(" ", "") == text.replace(" ", "")
    assert (count > 0) == (once != text)
