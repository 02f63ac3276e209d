"""Repeated paragraphs are found; refrains, lists and tables are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.folding import fold_letters
from stream.core.normalize.boilerplate.line_prefixes import folded_prefixes
from stream.core.normalize.boilerplate.repeated_paragraphs import find_repeated_paragraphs

LONG = "افتتح رئيس البلدية حديقة عامة إلى جوار المدرسة القديمة، وقال إن العمل فيها استغرق عاماً كاملاً."
OTHER = "The mayor opened a new garden beside the old school, and said that the work had taken a full year."
CHINESE = "市长昨天上午在老学校旁边为一座新公园剪彩，他说工程历时整整一年，附近的居民都来了。"


def repeated_indices(*lines: str) -> list[int]:
    """Return the indexes of the repeated lines."""
    return find_repeated_paragraphs(lines, folded_prefixes(lines)) if lines else []


@pytest.mark.parametrize(
    ("lines", "indexes"),
    [
        ((LONG, OTHER, LONG), [2]),
        ((LONG, LONG.replace("إ", "ا")), [1]),
        ((OTHER, f"“{OTHER}”"), [1]),
        ((f"{LONG} {OTHER}", LONG, f"{LONG.replace(' ', '  ').replace('،', ' ، ')} {OTHER}"), [2]),
        ((OTHER, LONG, OTHER, OTHER), [2, 3]),
        ((OTHER, "Yes.", OTHER, "Yes."), [2, 3]),
        (("Yes.", OTHER, LONG, "Yes.", OTHER), [3, 4]),
        ((CHINESE, OTHER, CHINESE), [2]),
    ],
)
def test_repeated_paragraphs_are_found_with_the_lines_repeated_around_them(
    lines: tuple[str, ...], indexes: list[int]
) -> None:
    assert repeated_indices(*lines) == indexes


@pytest.mark.parametrize(
    "lines",
    [
        ("Yes.", "No.", "Yes."),
        (LONG[:-1], OTHER, LONG[:-1]),
        (f"- {OTHER}", LONG, f"- {OTHER}"),
        (f"2- {LONG}", OTHER, f"2- {LONG}"),
        (f"٢- {LONG}", OTHER, f"٢- {LONG}"),
        (OTHER, OTHER.replace("full", "whole")),
        (f"{OTHER} {LONG}", f"{OTHER} {LONG[:-9]}."),
        ("***", "***", "—"),
    ],
)
def test_what_may_be_repeated_on_purpose_stays(lines: tuple[str, ...]) -> None:
    assert repeated_indices(*lines) == []


@given(st.lists(st.sampled_from([LONG, OTHER, CHINESE, "Yes.", "No", LONG[:-1]]), max_size=9))
def test_the_remaining_text_has_no_repeats_and_lost_no_line(lines: list[str]) -> None:
    indexes = repeated_indices(*lines)
    remaining = [line for i, line in enumerate(lines) if i not in indexes]
    assert repeated_indices(*remaining) == []
    assert {fold_letters(line) for line in remaining} == {fold_letters(line) for line in lines}
