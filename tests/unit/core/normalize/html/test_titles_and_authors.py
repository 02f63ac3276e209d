"""Tests of titles without the name of the site, and of authors one by one."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.html.titles_and_authors import AUTHORS_MAX, parse_authors, strip_site_name
from tests.support.cases import cases


@pytest.mark.parametrize("case", cases("html_pages_titles"))
def test_the_name_of_the_site_is_stripped_from_a_title(case: dict[str, Any]) -> None:
    assert strip_site_name(case["title"], case["site"], case["heading"]) == case["expected"]


@pytest.mark.parametrize("case", cases("html_pages_authors"))
def test_authors_are_split_into_names(case: dict[str, Any]) -> None:
    assert parse_authors(case["texts"]) == case["expected"]


@given(st.text(), st.none() | st.text(max_size=10), st.none() | st.text(max_size=10))
def test_the_result_is_a_part_of_the_title(title: str, site: str | None, heading: str | None) -> None:
    assert strip_site_name(title, site, heading) in " ".join(title.split())


@given(st.lists(st.text()))
def test_names_have_letters_and_are_not_urls(texts: list[str]) -> None:
    names = parse_authors(texts)
    assert len(names) == len(set(names)) <= AUTHORS_MAX
    assert all(name == name.strip() and any(map(str.isalpha, name)) and "://" not in name for name in names)


def test_endless_separators_are_handled_in_time() -> None:
    start = time.process_time()
    strip_site_name(" - " * 300, "Site")
    parse_authors([" and " * 100_000, "a@" * 100_000, "By " * 100_000])
    assert time.process_time() - start < 2
