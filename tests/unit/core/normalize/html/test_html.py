"""Tests of reading a page: any page is read without an error."""

from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import asdict, fields
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.normalize.html import Page, read_page
from stream.errors import Rejected
from tests.support.cases import cases

WORDS = "The new garden of the town was opened this morning by the mayor. "
PIECES = [
    "<p>",
    "</p>",
    "<html>",
    "<head>",
    "<title>",
    "</div>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?x",
    "<a href='",
    "'>",
    "text ",
    WORDS,
    "<table><tr>",
    "<script>",
    "<script type='application/ld+json'>",
    '{"@type": "NewsArticle", "author": [',
    "</script>",
    "<div class='share'>",
    "<div hidden>",
    "<br>",
    "<li>",
    "<pre>\n",
    "&#0;",
    "&#xD800;",
    "&bogus",
    "\0",
    "<svg>",
    "<frameset>",
    "<template>",
    "<base href='//['>",
    "<link rel=canonical href='//['>",
    "<meta charset='x'>",
    "<meta property='og:title' content='| - |'>",
]


@pytest.mark.parametrize("case", cases("html_pages"))
def test_the_article_of_a_page_is_extracted(case: dict[str, Any]) -> None:
    page = asdict(read_page(case["html"]))
    names = {field.name for field in fields(Page)} & case.keys()
    assert {name: page[name] for name in names} == {name: case[name] for name in names}
    lines = page["text"].split("\n")
    assert [line for line in case.get("text_has", []) if line not in lines] == []


@pytest.mark.parametrize("case", cases("html_pages_fragments"))
def test_the_text_of_a_fragment_is_its_visible_text(case: dict[str, str]) -> None:
    assert read_page(case["html"]).text == case["text"]


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert read_page("<p>half \ud800 a pair</p>").text == "half ? a pair"


@pytest.mark.parametrize(
    "html", ["", " \n", "<!-- -->", "<html></html>", "<script>x</script>", "\0", "<?xml?>", "<!DOCTYPE html>"]
)
def test_a_page_without_text_is_empty(html: str) -> None:
    assert read_page(html) == Page()


def test_extraction_logs_no_warnings(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        read_page("<html><body><div>x</div></body></html>")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(), max_size=80) | st.lists(st.sampled_from(PIECES), max_size=24).map("".join))
def test_garbage_is_read_like_a_page(html: str) -> None:
    page = read_page(html)
    assert page == read_page(html)
    assert not page.text.startswith((" ", "\n"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(categories=["L", "Nd", "Zs"]), min_size=30, max_size=90), min_size=4, max_size=9))
def test_no_word_of_plain_paragraphs_is_lost(paragraphs: list[str]) -> None:
    html = "<html><body><article>" + "".join(f"<p>{text}</p>" for text in paragraphs) + "</article></body></html>"
    assert read_page(html).text.split() == " ".join(paragraphs).split()


def test_the_parser_is_imported_with_the_first_page_only() -> None:
    code = (
        "import sys, stream.core.normalize; sys.exit(bool({'trafilatura', 'lxml', 'selectolax'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("html", ["<p>" + "x" * 1_000_001, "<pre>" + "x\n" * 50_001, "<div>" * 25_000 + "x\n" * 50_001])
def test_a_page_whose_text_is_too_large_is_rejected(html: str) -> None:
    with pytest.raises(Rejected) as caught:
        read_page(html)
    assert (caught.value.code, caught.value.field) == ("text_too_large", "$.html")
