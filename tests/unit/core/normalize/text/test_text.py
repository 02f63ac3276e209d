"""Published text gets conservative fixes, each counted, and no second run finds more to fix."""

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

#: Characters that the steps look at, so that what they do to each other is met often.
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
def test_what_is_right_stays(case: dict[str, Any]) -> None:
    fixes = FixCounts()
    assert clean_text(case["given"], fixes) == case["given"]
    assert not fixes


@pytest.mark.parametrize("case", cases("text_known_failures"))
def test_known_failures_still_fail(case: dict[str, Any]) -> None:
    """One that works by now belongs to the fixes."""
    assert clean_text(case["given"], FixCounts()) != case["wanted"]


@pytest.mark.parametrize("step", TEXT_STEPS.steps, ids=lambda step: step.fix.__name__)
@given(ANY_TEXT)
def test_each_step_counts_what_it_changes_and_is_found_where_it_does(step: FixStep, text: str) -> None:
    once, count = step.fix(text)
    assert (count > 0) == (once != text)
    if step.triggers and not TriggerScan(step.triggers)(text):
        assert once == text


@given(ANY_TEXT)
def test_no_letter_is_lost_that_no_step_removes(text: str) -> None:
    """Encodings, entities and tags replace letters; what the other steps remove are no letters."""
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
def test_a_line_is_one_line_and_cleaning_it_twice_changes_nothing(text: str) -> None:
    once = clean_line(text, FixCounts())
    assert "\n" not in once
    assert clean_line(once, FixCounts()) == once


@given(st.text("aBz9ءيغЖя字 .:!،؟«", max_size=24))
def test_a_line_that_looks_plain_is_what_the_steps_make_of_it(text: str) -> None:
    fixes, stepwise = FixCounts(), FixCounts()
    assert clean_line(text, fixes) == clean_text(text, stepwise)
    assert fixes == stepwise


@pytest.mark.parametrize(
    ("sentence", "encoding"),
    [
        ("Voilà, c’est déjà\xa0fait à Paris", "cp1252"),
        ("Россия и Румыния", "latin-1"),
        ("افتتح الوزير المعرض عام ٢٠٢٦", "cp1256"),
        ("加拿大的市长来了，很多人参加", "latin-1"),
    ],
)
def test_a_no_break_space_may_be_a_byte_of_a_letter(sentence: str, encoding: str) -> None:
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


def test_no_script_stacks_more_marks_than_stay() -> None:
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
def test_work_grows_with_the_length_alone(piece: str) -> None:
    """A message of a million characters must not stop a worker."""
    text = "&a" + piece * (300_000 // len(piece)) + "b"
    start = time.process_time()
    clean_text(text, FixCounts())
    assert time.process_time() - start < 3
