"""Spaces around punctuation are corrected; more cases are in cases/text_fixes.jsonl."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.text import spacing

STEPS = [
    spacing.remove_spaces_inside_brackets,
    spacing.remove_space_before_mark,
    spacing.add_space_after_script_mark,
    spacing.add_space_after_arabic_word,
    spacing.add_space_after_cased_word,
]


@pytest.mark.parametrize(
    ("text", "expected", "count"),
    [
        ("كلمة :", "كلمة:", 1),
        ("كلمة .\nكلمة", "كلمة.\nكلمة", 1),
        ("كلمة .كلمة", "كلمة.كلمة", 1),
        ("عام ٢٠٢٦ ، ثم", "عام ٢٠٢٦، ثم", 1),
        ("النتيجة 2 : 1", "النتيجة 2 : 1", 0),
        ("كلمة ...", "كلمة ...", 0),
        ("كلمة ، ، كلمة", "كلمة، ، كلمة", 1),
        ("mot ; mot ! mot , mot .", "mot ; mot ! mot, mot.", 2),
        ("слово ; слово !", "слово; слово!", 2),
        ("the .NET and .com", "the .NET and .com", 0),
        ("22, , then", "22, , then", 0),
        ("字 ，字", "字，字", 1),
        ("", "", 0),
    ],
)
def test_the_space_before_a_mark_is_removed(text: str, expected: str, count: int) -> None:
    assert spacing.remove_space_before_mark(text) == (expected, count)


@pytest.mark.parametrize(
    ("fix", "text", "spaced"),
    [
        (spacing.add_space_after_script_mark, "كلمة،كلمة؛كلمة؟كلمة", "كلمة، كلمة؛ كلمة؟ كلمة"),
        (spacing.add_space_after_script_mark, "١،٥٠٠ و1،5", "١،٥٠٠ و1،5"),
        (spacing.add_space_after_script_mark, "शब्द।शब्द", "शब्द। शब्द"),
        (spacing.add_space_after_arabic_word, "كلمة.كلمة!كلمة:كلمة", "كلمة. كلمة! كلمة: كلمة"),
        (spacing.add_space_after_arabic_word, 'قال "كلمة."كلمة', 'قال "كلمة." كلمة'),
        (spacing.add_space_after_arabic_word, "قال:«كلمة».وقال", "قال: «كلمة». وقال"),
        (spacing.add_space_after_arabic_word, "د.محمد (ا.ف.ب) وبي.بي.سي", "د.محمد (ا.ف.ب) وبي.بي.سي"),
        (spacing.add_space_after_cased_word, "word.Word,word", "word. Word, word"),
        (spacing.add_space_after_cased_word, "слово.Слово", "слово. Слово"),
        (spacing.add_space_after_cased_word, "e.g.This U.S.The J.K.Rowling", "e.g.This U.S.The J.K.Rowling"),
        (spacing.add_space_after_cased_word, "see http://a.example/x.Html,y", "see http://a.example/x.Html,y"),
        (
            spacing.add_space_after_cased_word,
            "name@mail.Example #tag.Word a_b.Word",
            "name@mail.Example #tag.Word a_b.Word",
        ),
        (spacing.add_space_after_cased_word, "Booking.Com jQuery.PieRenderer", "Booking.Com jQuery.PieRenderer"),
        (spacing.add_space_after_cased_word, "שלום.שלום", "שלום. שלום"),
    ],
)
def test_words_are_separated_but_not_numbers_initials_or_addresses(
    fix: Callable[[str], tuple[str, int]], text: str, spaced: str
) -> None:
    assert fix(text)[0] == spaced


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("بلغ ( 354 ) شخصاً", "بلغ (354) شخصاً"),
        ("كلمة( كلمة )كلمة", "كلمة (كلمة) كلمة"),
        ("بـ« كلمة » ثم", "بـ«كلمة» ثم"),
        ("« mot »", "« mot »"),
        ("قال » كلمة «", "قال » كلمة «"),
        ("so :( and ;-) and ( )", "so :( and ;-) and ()"),
    ],
)
def test_spaces_inside_brackets_are_removed(text: str, expected: str) -> None:
    assert spacing.remove_spaces_inside_brackets(text)[0] == expected


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
@given(st.text('كلمة wordСлово ،؛؟۔.:!?,;"»«”“()[]5٣\n', max_size=30))
def test_only_spaces_change(step: Callable[[str], tuple[str, int]], text: str) -> None:
    changed, count = step(text)
    assert (count > 0) == (changed != text)
    assert changed.replace(" ", "") == text.replace(" ", "")
