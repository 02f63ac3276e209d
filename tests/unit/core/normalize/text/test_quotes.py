"""Quotation marks are matched; more cases are in cases/text_fixes.jsonl."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.text.quotes import fix_mismatched_quotes, merge_doubled_marks


@pytest.mark.parametrize(
    ("text", "matched", "lines"),
    [
        ('قال «نعم" ثم', "قال «نعم» ثم", 1),
        ('قال "نعم» ثم', "قال «نعم» ثم", 1),
        ("وقال لـ»المدينة»: لا", "وقال لـ«المدينة»: لا", 1),
        ('a “b" c “d” e', "a “b” c “d” e", 1),
        ('قال «نعم" ثم\nقال «لا» ثم\nو»نعم« ثم', "قال «نعم» ثم\nقال «لا» ثم\nو«نعم» ثم", 2),
        ("“a» b", "“a” b", 1),
        ("„Ja” und „nein“, »so« und ”så”", "„Ja” und „nein“, »so« und ”så”", 0),
        ('«قال "نعم" ثم»', '«قال "نعم" ثم»', 0),
        ('«one" two" three', '«one" two" three', 0),
        ('צה"ל אמר «כן» לרמטכ"ל', 'צה"ל אמר «כן» לרמטכ"ל', 0),
        ('a 5" and “b" c', 'a 5" and “b" c', 0),
    ],
)
def test_the_wrong_mark_of_a_pair_is_corrected(text: str, matched: str, lines: int) -> None:
    assert fix_mismatched_quotes(text) == (matched, lines)


@pytest.mark.parametrize(
    ("text", "expected", "count"),
    [
        ("''a'' and ``b''", '"a" and "b"', 4),
        ('""a" b ""c""', '"a" b "c"', 3),
        ("<<a>> b << 2 >> 3", "«a» b << 2 >> 3", 2),
        ("6'2'' and '''x'''", "6'2'' and '''x'''", 0),
        ("source: '' and \"\"", "source: '' and \"\"", 0),
    ],
)
def test_a_doubled_mark_becomes_one_mark(text: str, expected: str, count: int) -> None:
    assert merge_doubled_marks(text) == (expected, count)


@given(st.text("«»“”„\"'`<>ab ولا.\n", max_size=30))
def test_only_quotation_marks_change(text: str) -> None:
    matched, count = fix_mismatched_quotes(text)
    assert (count > 0) == (matched != text)
    assert fix_mismatched_quotes(matched) == (matched, 0)
    marks = dict.fromkeys(map(ord, '«»“”„"'))
    assert matched.translate(marks) == text.translate(marks)
    assert len(matched) == len(text)
