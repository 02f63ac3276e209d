"""Titles without their site, authors one by one."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.html.titles_and_authors import AUTHORS_MAX, authors_in, title_alone
from tests.support.cases import cases


@pytest.mark.parametrize("case", cases("html_pages_titles"))
def test_a_title_stands_alone(case: dict[str, Any]) -> None:
    assert title_alone(case["title"], case["site"], case["heading"]) == case["want"]


@pytest.mark.parametrize("case", cases("html_pages_authors"))
def test_authors_are_single_names(case: dict[str, Any]) -> None:
    assert authors_in(case["said"]) == case["want"]


@given(st.text(), st.none() | st.text(max_size=10), st.none() | st.text(max_size=10))
def test_a_title_is_a_part_of_what_was_said(title: str, site: str | None, heading: str | None) -> None:
    assert title_alone(title, site, heading) in " ".join(title.split())


@given(st.lists(st.text()))
def test_names_have_letters_and_no_addresses(said: list[str]) -> None:
    names = authors_in(said)
    assert len(names) == len(set(names)) <= AUTHORS_MAX
    assert all(name == name.strip() and any(map(str.isalpha, name)) and "://" not in name for name in names)


def test_endless_marks_take_no_time() -> None:
    start = time.process_time()
    title_alone(" - " * 300, "Site")
    authors_in([" and " * 100_000, "a@" * 100_000, "By " * 100_000])
    assert time.process_time() - start < 2
