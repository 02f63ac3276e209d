"""Tests of recognizing pages that would take the parser too long."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from stream.core.normalize.html.parse_cost import REOPENED_MAX, limit_parse_cost

WORDS = "word / 'and' \"word\" " * 3_000


def repeat_numbered(piece: str, count: int) -> str:
    return "".join(piece.replace("#", str(number)) for number in range(count))


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 25_000,
        "<div>" * 20_000 + "</div>" * 20_000,
        "<div title='</'>" * 18_000,
        "<div><!--</div>-->" * 18_000,
        "<svg><desc>" * 13_000,
        "<span>" * 15_000 + "</x>" * 30_000,
    ],
)
def test_a_page_with_too_many_open_elements_is_not_parsed(html: str) -> None:
    assert limit_parse_cost(html.encode()) is None


@pytest.mark.parametrize(
    "html", ["<p>x</p>" * 20_000, "line<br>" * 20_000, "<p>x<img src=a>" * 12_000, "<!--x-->" * 20_000]
)
def test_many_elements_without_children_are_parsed(html: str) -> None:
    assert limit_parse_cost(html.encode()) == html.encode()


@pytest.mark.parametrize(
    "html",
    [
        "<p " + repeat_numbered("attribute#=1 ", 5_000) + ">",
        "<p" + repeat_numbered("/attribute#", 5_000) + ">",
        "<p " + repeat_numbered('a#="1"', 5_000) + ">",
        "<p " + repeat_numbered("a# ", 5_000),
        "<p " + repeat_numbered("<a# ", 5_000) + ">",
        "<p " + repeat_numbered("a#='>' <b#='>' ", 2_500) + ">",
        "<p title='<b>' " + repeat_numbered("a# ", 5_000) + ">",
        "<!-- > " + "<P " + repeat_numbered("a#\n", 5_000) + ">",
        ("<p " + repeat_numbered("a# ", 500) + ">") * 50,
        repeat_numbered("<body a#=1 b#=2>", 2_000),
        "<html " + repeat_numbered("a# ", 3_000) + ">",
    ],
)
def test_a_page_with_too_many_attributes_is_not_parsed(html: str) -> None:
    assert limit_parse_cost(html.encode()) is None


@pytest.mark.parametrize("html", ["<p x " * 3_000, "<p" * 3_000, "<p x='<b y=" * 3_000])
def test_a_page_with_too_many_tags_inside_tags_is_not_parsed(html: str) -> None:
    assert limit_parse_cost(html.encode()) is None


@pytest.mark.parametrize(
    "html",
    [
        f"<p class='x'>{WORDS}</p>",
        f"<p>1 < 2 {WORDS}</p>",
        f"<script>if (a<b) {{ {WORDS} }}</script><p>x",
        f"<!-- {WORDS} --><p>x",
        f"<style>a{{}} {WORDS}</style>",
        f'<img src="data:{"A" * 100_000}">',
        f'<p title="<b>{"word " * 9_000}</b>">x',
        "<meta name=author content=" * 40 + ">",
        "<!--[if IE]><html class='ie'><![endif]--><html lang=ar><body class='a b'>",
    ],
)
def test_long_texts_scripts_and_values_do_not_count_as_attributes(html: str) -> None:
    assert limit_parse_cost(html.encode()) == html.encode()


@pytest.mark.parametrize(
    "html",
    [
        repeat_numbered("<font color=#>x<p>", 2_000),
        repeat_numbered("<B ID=#>x<p>", 2_000),
        repeat_numbered("<font color=#><!--</font>-->x<p>", 2_000),
        repeat_numbered("<i a='<#>'>x<p>", 2_000),
        repeat_numbered("<em/a#>", 1_000) + "<p>x" * 3_000,
    ],
)
def test_formatting_is_not_reopened_in_each_block(html: str) -> None:
    """Without the limit, each of these pages would have more than a million elements."""
    data = limit_parse_cost(html.encode())
    assert data is not None
    parser = LexborHTMLParser(data)
    assert parser.body is not None
    assert len(parser.css("*")) < REOPENED_MAX
    assert parser.body.text().count("x") == html.count("x")


def test_ordinary_formatting_is_kept() -> None:
    html = ("<p>One <b>two</b> <i class='a'>three</i> <font color=red>four</font>" * 150).encode()
    assert limit_parse_cost(html) == html
