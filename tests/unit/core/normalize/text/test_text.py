"""Published text gets conservative fixes, each counted, and a second run finds nothing more to fix."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream.core.normalize.fixes import FixCounts, FixStep
from stream.core.normalize.text import TEXT_STEPS, clean_line, clean_text
from stream.core.normalize.text.characters import MARKS_MAX
from stream.core.normalize.trigger_scan import TriggerScan
from tests.support.cases import cases

#: Strings that the fixes look for, so that interactions between fixes occur often.
TRICKY = st.lists(
    st.sampled_from(
        [
            *"&;#x26ampltAMP 09٣.:!،؛؟,\"»«”“„كلمةابahK\n\r\t'`<>()[]@-/",
            "''",
            "<p>",
            "</b>",
            "<b>",
            "ط§",
            "Ù…",
            "é",
            "。",
            "שלום",
            "слово",
            "Word",
            "۔",
            "।",
            "ﻻ",
            "ﬁ",
            "-\n",
            " (at) ",
            "[.]",
            "hxxp://",
            "com",
            "&amp;",
            "&lt;",
            "كلمة",
            "\u200b",
            "\u200c",
            "\u200d",
            "\u200f",
            "\u00ad",
            "\xa0",
            "\u2028",
            "\x00",
            "\x1c",
            "\u0301",
            "\u0316",
            "\u0654",
            "\u064b",
            "\u0651",
            "\u037e",
            "\u212a",
            "\u2000",
            "\u1fef",
            "\ufeff",
            "\ufdd0",
            "\U0001f468",
            "ｶ",
            "\u3099",
        ]
    ),
    max_size=14,
).map("".join)
ANY_TEXT = st.text(st.characters(), max_size=40) | TRICKY


@pytest.mark.parametrize("case", cases("text_fixes"))
def test_text_is_fixed_and_every_fix_is_counted(case: dict[str, Any]) -> None:
    fixes = FixCounts()
    assert clean_text(case["given"], fixes) == case["text"]
    assert dict(fixes) == case["fixes"]


@pytest.mark.parametrize("case", cases("text_keep"))
def test_correct_text_stays(case: dict[str, Any]) -> None:
    fixes = FixCounts()
    assert clean_text(case["given"], fixes) == case["given"]
    assert not fixes


@pytest.mark.parametrize("case", cases("text_known_failures"))
def test_known_failures_still_fail(case: dict[str, Any]) -> None:
    """A case that passes by now belongs in text_fixes.jsonl."""
    assert clean_text(case["given"], FixCounts()) != case["wanted"]


@pytest.mark.parametrize("step", TEXT_STEPS.steps, ids=lambda step: step.fix.__name__)
@given(ANY_TEXT)
def test_each_step_counts_its_changes_and_changes_only_texts_with_its_triggers(step: FixStep, text: str) -> None:
    once, count = step.fix(text)
    assert (count > 0) == (once != text)
    if step.triggers and not TriggerScan(step.triggers)(text):
        assert once == text


@given(ANY_TEXT)
def test_no_letter_is_lost_by_fixes_that_remove_none(text: str) -> None:
    """Fixes of encodings, entities, tags, forms and addresses replace letters; the others change none."""
    fixes = FixCounts()
    cleaned = clean_text(text, fixes)
    if not fixes.keys() & {"mojibake", "entities", "html_tags", "presentation_forms", "addresses"}:
        assert letters(cleaned) == letters(text)


def letters(text: str) -> list[str]:
    """Return the letters and digits of a text, decomposed."""
    return [c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c)[0] in "LN"]


@given(ANY_TEXT)
@example("0 ,\x1f,")
@example("كلمة\n، كلمة")
@example("\r\u200b\n")
@example("&amp\u037elt;")
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_text(text, FixCounts())
    again = FixCounts()
    assert clean_text(once, again) == once
    assert not again


@given(ANY_TEXT)
@example("كلمة\n، كلمة")
def test_a_line_has_no_line_break_and_cleaning_it_twice_changes_nothing(text: str) -> None:
    once = clean_line(text, FixCounts())
    assert "\n" not in once
    assert clean_line(once, FixCounts()) == once


@given(st.text("aBz9ءيغЖя字 .:!،؟«", max_size=24))
def test_the_shortcut_for_plain_lines_gives_the_same_result_as_the_steps(text: str) -> None:
    fixes, expected = FixCounts(), FixCounts()
    assert clean_line(text, fixes) == clean_text(text, expected)
    assert fixes == expected


@pytest.mark.parametrize(
    ("sentence", "encoding"),
    [
        ("Voilà, c’est déjà\xa0fait à Paris", "cp1252"),
        ("Россия и Румыния", "latin-1"),
        ("افتتح الوزير المعرض عام ٢٠٢٦", "cp1256"),
        ("加拿大的市长来了，很多人参加", "latin-1"),
    ],
)
def test_a_no_break_space_that_is_a_byte_of_a_letter_is_restored_to_it(sentence: str, encoding: str) -> None:
    broken = sentence.encode().decode(encoding)
    assert "\xa0" in broken
    assert clean_text(broken, FixCounts()) == sentence.replace("\xa0", " ")


@given(ANY_TEXT)
def test_clean_text_is_nfc_without_control_characters(text: str) -> None:
    cleaned = clean_text(text, FixCounts())
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not [c for c in cleaned if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c != "\n"]
    assert "  " not in cleaned
    assert all(line and line == line.strip() for line in cleaned.split("\n")) or not cleaned
    assert cleaned.split() == [word for line in cleaned.split("\n") for word in line.split(" ") if word]


def test_combining_marks_beyond_the_limit_are_removed() -> None:
    fixes = FixCounts()
    stacked = "a" + "\u0301" * (MARKS_MAX + 7) + "b" + "\u0301" * 3
    assert clean_text(stacked, fixes) == unicodedata.normalize("NFC", "a" + "\u0301" * MARKS_MAX + "b" + "\u0301" * 3)
    assert fixes["stacked_marks"] == 7


@pytest.mark.parametrize(
    "piece",
    [
        "\u0301\u0316",
        "a\u200c",
        "\u200c\u200d",
        "a\u200b",
        "&amp;",
        "&AMP;",
        "AMP;",
        "&",
        " ",
        "\n",
        "\r",
        " .",
        "كلمة.",
        "،",
        '".',
        "…",
        "''",
        '«"',
        "”»",
        "<p ",
        "<p>",
        "ط§",
        "Ã©",
        "é",
        ".a",
        "۔ا",
        "ab-\n",
        "a (at) ",
        "a[.]",
        "http:// ",
        "!!",
        "( ",
        " )",
        "ا »",
        "« ا",
    ],
)
def test_cleaning_takes_linear_time(piece: str) -> None:
    """Superlinear work on a million characters would stall a worker."""
    text = "&a" + piece * (300_000 // len(piece)) + "b"
    start = time.process_time()
    clean_text(text, FixCounts())
    assert time.process_time() - start < 3
