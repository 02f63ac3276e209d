"""Signs and currencies of numbers: what counts as one, in which spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.dedup.number_marks import MARKS_MAX, find_number_marks, have_other_marks, have_other_signs

MARKS = st.lists(st.sampled_from(["+1", "-1", "+2", "-2", "$1", "€1", "$2"]), unique=True).map(sorted)
SPACES = ["", " ", "\u00a0", "\u202f"]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("a fall from +2 to −2", ("+2", "-2")),
        ("at -0.50% and -1,10 pct", ("-0.50", "-1.10")),
        ("below -20C, near -18 °C", ("-18", "-20")),
        ("(-٦٫٩ في المائة", ("-6.9",)),
        ("变动为-48%、-27%，误差-2/+3秒", ("+3", "-27", "-48")),
        ("US$1,000 or 1.000 €", ("$1000", "€1000")),
        ("＄５ ￥７", ("$5", "¥7")),
        ("costs 5€ and £3.50", ("£3.50", "€5")),
        ("₹५०", ("₹50",)),
        ("loss of -$5", ("$5", "-5")),
        ("10 $ or 12 $", ("$10", "$12")),
        ("$ + - € and no number", ()),
        ("2016-12-20, 2-1, 2 -1, 8%-10%, COVID-19, Covid -19, F-16, -ish", ()),
        ("Tel. +41 21 924 22 33 or +1 339-368-6001", ()),
        ("-5 spoons\n-6 eggs\n- 7 pears", ()),
        ("", ()),
    ],
)
def test_the_marks_of_a_text(text: str, marks: tuple[str, ...]) -> None:
    assert find_number_marks([text]) == [marks]


@pytest.mark.parametrize("space", SPACES)
def test_a_currency_may_be_before_or_after_its_number(space: str) -> None:
    assert find_number_marks([f"for €{space}45 each", f"for 45{space}€ each"]) == [("€45",), ("€45",)]


@given(st.lists(st.text("+-−$€12 .,\n\0a(ل"), max_size=5))
def test_the_marks_of_a_text_do_not_depend_on_its_neighbours(texts: list[str]) -> None:
    assert find_number_marks(texts) == [find_number_marks([text])[0] for text in texts]


def test_the_number_of_marks_is_bounded() -> None:
    assert len(find_number_marks([" ".join(f"${number}" for number in range(500))])[0]) == MARKS_MAX


@given(MARKS, MARKS)
def test_comparing_marks_is_symmetric(marks: list[str], others: list[str]) -> None:
    assert have_other_marks(marks, others) == have_other_marks(others, marks)
    assert have_other_signs(marks, others) == have_other_signs(others, marks)
    assert not have_other_marks(marks, marks)
    assert not have_other_signs(marks, marks)


def test_a_currency_that_is_missing_is_no_other_currency() -> None:
    assert not have_other_marks(["$5"], ["€6"])
    assert not have_other_marks(["$5", "+5"], ["$5"])
