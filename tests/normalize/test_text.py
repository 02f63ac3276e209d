"""Published text gets conservative fixes, each counted, and no second run finds more to fix."""

from __future__ import annotations

import time
import unicodedata
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cases_files import cases
from stream.normalize.steps import Fixes, Step
from stream.normalize.text import MARKS_MAX, TEXT_STEPS, clean_line, clean_text

#: Characters that the steps look at, so that what they do to each other is met often.
TRICKY = st.lists(
    st.sampled_from(
        [
            *'&;#x26ampltAMP 09٣.:!،؛؟,"»«”“كلمةابahK\n\r\t',
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
    fixes = Fixes()
    assert clean_text(case["given"], fixes) == case["text"]
    assert dict(fixes) == case["fixes"]


@pytest.mark.parametrize(("name", "step"), TEXT_STEPS)
@given(ANY_TEXT)
def test_each_step_is_idempotent_and_counts_what_it_changes(name: str, step: Step, text: str) -> None:
    once, count = step(text)
    assert (count > 0) == (once != text), name
    if name != "entities":  # decoding may show another entity, on purpose once only: the whole is repeated
        assert step(once) == (once, 0)


@given(ANY_TEXT)
@example("كلمة\n، كلمة")
@example("\r\u200b\n")
@example("&amp\u037elt;")
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean_text(text, Fixes())
    again = Fixes()
    assert clean_text(once, again) == once
    assert not again


@given(ANY_TEXT)
@example("كلمة\n، كلمة")
def test_a_line_is_one_line_and_cleaning_it_twice_changes_nothing(text: str) -> None:
    once = clean_line(text, Fixes())
    assert "\n" not in once
    assert clean_line(once, Fixes()) == once


@given(ANY_TEXT)
def test_clean_text_is_nfc_without_control_characters(text: str) -> None:
    cleaned = clean_text(text, Fixes())
    assert unicodedata.is_normalized("NFC", cleaned)
    assert not [c for c in cleaned if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") and c != "\n"]
    assert "  " not in cleaned
    assert all(line and line == line.strip() for line in cleaned.split("\n")) or not cleaned
    assert cleaned.split() == [word for line in cleaned.split("\n") for word in line.split(" ") if word]


@given(ANY_TEXT)
def test_the_short_way_does_what_all_steps_do(text: str) -> None:
    expected = text
    for _ in range(4):
        for _name, step in TEXT_STEPS:
            expected, _ = step(expected)
    assert clean_text(text, Fixes()) == expected


def test_no_script_stacks_more_marks_than_stay() -> None:
    fixes = Fixes()
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
    ],
)
def test_work_grows_with_the_length_alone(piece: str) -> None:
    """A message of a million characters must not stop a worker."""
    text = "&a" + piece * (300_000 // len(piece)) + "b"
    start = time.process_time()
    clean_text(text, Fixes())
    assert time.process_time() - start < 3
