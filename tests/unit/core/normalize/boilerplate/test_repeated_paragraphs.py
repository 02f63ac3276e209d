"""A paragraph that stood before is a repeat; refrains, lists and tables are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.folding import letters
from stream.core.normalize.boilerplate.line_prefixes import folded_prefixes
from stream.core.normalize.boilerplate.repeated_paragraphs import find_repeated_paragraphs

LONG = "افتتح رئيس البلدية حديقة عامة إلى جوار المدرسة القديمة، وقال إن العمل فيها استغرق عاماً كاملاً."
OTHER = "The mayor opened a new garden beside the old school, and said that the work had taken a full year."
CHINESE = "市长昨天上午在老学校旁边为一座新公园剪彩，他说工程历时整整一年，附近的居民都来了。"


def _repeated(*lines: str) -> list[int]:
    return find_repeated_paragraphs(lines, folded_prefixes(lines)) if lines else []


@pytest.mark.parametrize(
    ("lines", "places"),
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
def test_paragraphs_and_what_is_repeated_with_them(lines: tuple[str, ...], places: list[int]) -> None:
    assert _repeated(*lines) == places


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
    assert _repeated(*lines) == []


@given(st.lists(st.sampled_from([LONG, OTHER, CHINESE, "Yes.", "No", LONG[:-1]]), max_size=9))
def test_what_is_left_has_no_repeats(lines: list[str]) -> None:
    places = _repeated(*lines)
    left = [line for place, line in enumerate(lines) if place not in places]
    assert _repeated(*left) == []
    assert {letters(line) for line in left} == {letters(line) for line in lines}
