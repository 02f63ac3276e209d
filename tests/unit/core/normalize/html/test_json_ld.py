"""Tests of reading the article from JSON-LD, whatever graph it is in."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.html.json_ld import JsonLdArticle, read_json_ld

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["NewsArticle", "Person", "#1", "text", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["@type", "@id", "@graph", "author", "name", "url", "mainEntityOfPage", "headline"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def read(*values: object, url: str | None = None) -> JsonLdArticle:
    return read_json_ld([orjson.dumps(value).decode() for value in values], url)


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ("Mary Hill", ["Mary Hill"]),
        (["Mary Hill", "John Brook"], ["Mary Hill", "John Brook"]),
        ({"@type": "Person", "name": "Mary Hill"}, ["Mary Hill"]),
        ([{"name": "Mary Hill"}, "John Brook"], ["Mary Hill", "John Brook"]),
        ({"name": ["Mary Hill", "John Brook"]}, ["Mary Hill", "John Brook"]),
        ({"alternateName": "Mary"}, ["Mary"]),
        ({"@id": "#mary"}, ["Mary of the graph"]),
        ({"@id": "#nobody"}, []),
        ({"name": None}, []),
        ({"name": {"first": "Mary"}}, []),
        ([], []),
        (7, []),
    ],
)
def test_an_author_may_be_a_text_an_object_or_a_list(author: object, names: list[str]) -> None:
    person = {"@type": "Person", "@id": "#mary", "name": "Mary of the graph"}
    assert read({"@graph": [person, {"@type": "NewsArticle", "author": author}]}).texts("author") == names


@pytest.mark.parametrize(
    "article_type",
    ["NewsArticle", "https://schema.org/NewsArticle", ["Thing", "ReportageNewsArticle"], "LiveBlogPosting", "Report"],
)
def test_each_article_type_of_schema_org_is_recognized(article_type: object) -> None:
    article = read({"@type": "Person", "headline": "no"}, {"@type": article_type, "headline": "yes"})
    assert article.text("headline") == "yes"


def test_the_web_page_supplies_what_the_article_lacks() -> None:
    article = read({"@type": "WebPage", "inLanguage": "fa", "name": "page"}, {"@type": "Article", "name": "article"})
    assert (article.text("inLanguage"), article.text("name")) == ("fa", "article")


def test_lists_of_other_articles_are_not_followed() -> None:
    second_article = {"@type": "NewsArticle", "headline": "other"}
    article = read(
        {"@type": "ItemList", "itemListElement": [{"item": second_article}]},
        {"@type": "WebPage", "about": second_article},
    )
    assert article.text("headline") is None


def test_the_article_with_the_url_of_the_page_is_chosen() -> None:
    first = {"@type": "Article", "headline": "1", "mainEntityOfPage": {"@id": "https://news.example/1"}}
    second = {"@type": "Article", "headline": "2", "mainEntityOfPage": "https://news.example/2"}
    assert read([first, second], url="https://news.example/2").text("headline") == "2"
    assert read([first, second], url="https://news.example/3").text("headline") == "1"


@pytest.mark.parametrize(
    "script",
    [
        '{"@type": "Article", "headline": "yes",}',
        '[{"@type": "Article", "headline": "yes"},]',
        '<!-- {"@type": "Article", "headline": "yes"} -->',
        '//<![CDATA[\n{"@type": "Article", "headline": "yes"}\n//]]>',
        '{"@type": "Article", "headline": "yes"};',
        '{"@type": "Article", "headline": "yes", "text": "line\nbreak\ttab"}',
    ],
)
def test_common_syntax_errors_are_fixed(script: str) -> None:
    assert read_json_ld([script], None).text("headline") == "yes"


@pytest.mark.parametrize(
    "script", ["", "{", "null", "7", '"text"', "[" * 100_000, '{"a":' * 100_000, "NaN", '{"@graph": 1}', "{'a': 1}"]
)
def test_a_script_that_cannot_be_parsed_is_skipped(script: str) -> None:
    article = read_json_ld([script, '{"@type": "Article", "headline": "yes"}'], None)
    assert article.text("headline") == "yes"


def test_a_script_that_is_too_long_is_skipped() -> None:
    script = '{"@type": "Article", "headline": "' + "x" * 1_000_000 + '"}'
    assert read_json_ld([script], None).text("headline") is None


@given(JSON)
def test_any_graph_is_read(value: object) -> None:
    article = read(value)
    assert all(isinstance(name, str) and name for name in article.texts("author"))
