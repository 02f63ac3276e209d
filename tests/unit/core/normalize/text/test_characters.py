"""Controls, bidi marks, spaces and combining marks are fixed; more cases are in cases/text_fixes.jsonl."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.text import characters

ACUTE = "\u0301"


def test_the_character_sets_cover_all_that_is_uncomposed_composes_or_combines() -> None:
    """Text without these characters need not be checked for NFC."""
    points = [chr(point) for point in range(0x20000) if not 0xD800 <= point < 0xE000]
    uncomposed = re.compile(f"[{characters.UNCOMPOSED}]")
    assert not [c for c in points if not unicodedata.is_normalized("NFC", c) and not uncomposed.match(c)]
    seconds = {chr(int(parts.split()[1], 16)) for parts in map(canonical_decomposition, points) if " " in parts}
    assert not [c for c in seconds if not uncomposed.match(c)]
    combining = re.compile(f"[{characters.COMBINING}]")
    assert not [c for c in points if unicodedata.combining(c) and not combining.match(c)]


def canonical_decomposition(character: str) -> str:
    """Return the canonical decomposition as hexadecimal code points, or an empty string."""
    decomposition = unicodedata.decomposition(character)
    return "" if decomposition.startswith("<") else decomposition


@given(st.lists(st.text("aeيو" + ACUTE + "\u0653\u0654\u064e\u0651\n", max_size=6), max_size=4).map("\n".join))
def test_composing_line_by_line_equals_composing_the_whole(text: str) -> None:
    composed, count = characters.compose_nfc(text)
    assert composed == unicodedata.normalize("NFC", text)
    assert (count > 0) == (composed != text)


def test_presentation_forms_become_letters_and_signs_for_words_stay() -> None:
    forms = re.findall(
        f"[{characters.PRESENTATION_FORMS}]", "".join(map(chr, [*range(0xFB00, 0xFB07), *range(0xFB50, 0xFEFD)]))
    )
    for form in forms:
        letters, _ = characters.resolve_presentation_forms(form)
        assert letters != form
        assert " " not in letters
        assert unicodedata.normalize("NFKC", letters) == letters
    assert not set("ﷲﷺﷻ﷼﷽﴾﴿") & set(forms)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\u200cb", "ab"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\u200cخبر\u200c", "خبر"),
        ("خبر\u200c عاجل", "خبر عاجل"),
        ("क\u094d\u200dष", "क\u094d\u200dष"),
        ("Bürger\xadmeister", "Bürgermeister"),
        ("Bürger\xad\nmeister", "Bürgermeister"),
        ("Bürger\xad  \n 5", "Bürger  \n 5"),
    ],
)
def test_joiners_stay_only_where_they_have_an_effect(text: str, expected: str) -> None:
    assert characters.remove_invisible(text)[0] == expected


@given(st.text(" \na", max_size=20))
def test_paragraphs_are_trimmed_and_words_have_one_space_between_them(text: str) -> None:
    collapsed, count = characters.collapse_spaces(text)
    assert collapsed == "\n".join(" ".join(line.split()) for line in text.split("\n") if line.strip())
    assert (count > 0) == (collapsed != text)
