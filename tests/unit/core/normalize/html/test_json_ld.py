"""The article in JSON-LD, whatever graph it stands in."""

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


def article(*things: object, address: str | None = None) -> JsonLdArticle:
    return read_json_ld([orjson.dumps(thing).decode() for thing in things], address)


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
def test_an_author_is_a_text_a_thing_or_a_list(author: object, names: list[str]) -> None:
    person = {"@type": "Person", "@id": "#mary", "name": "Mary of the graph"}
    assert article({"@graph": [person, {"@type": "NewsArticle", "author": author}]}).texts("author") == names


@pytest.mark.parametrize(
    "kind",
    ["NewsArticle", "https://schema.org/NewsArticle", ["Thing", "ReportageNewsArticle"], "LiveBlogPosting", "Report"],
)
def test_kinds_of_articles(kind: object) -> None:
    assert article({"@type": "Person", "headline": "no"}, {"@type": kind, "headline": "yes"}).text("headline") == "yes"


def test_what_an_article_does_not_say_its_page_may() -> None:
    found = article({"@type": "WebPage", "inLanguage": "fa", "name": "page"}, {"@type": "Article", "name": "article"})
    assert (found.text("inLanguage"), found.text("name")) == ("fa", "article")


def test_lists_of_other_articles_are_not_followed() -> None:
    other = {"@type": "NewsArticle", "headline": "other"}
    found = article({"@type": "ItemList", "itemListElement": [{"item": other}]}, {"@type": "WebPage", "about": other})
    assert found.text("headline") is None


def test_the_article_at_the_address_of_the_page_is_taken() -> None:
    first = {"@type": "Article", "headline": "1", "mainEntityOfPage": {"@id": "https://news.example/1"}}
    second = {"@type": "Article", "headline": "2", "mainEntityOfPage": "https://news.example/2"}
    assert article([first, second], address="https://news.example/2").text("headline") == "2"
    assert article([first, second], address="https://news.example/3").text("headline") == "1"


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
def test_usual_mistakes_are_mended(script: str) -> None:
    assert read_json_ld([script], None).text("headline") == "yes"


@pytest.mark.parametrize(
    "script", ["", "{", "null", "7", '"text"', "[" * 100_000, '{"a":' * 100_000, "NaN", '{"@graph": 1}', "{'a': 1}"]
)
def test_what_cannot_be_mended_is_passed_over(script: str) -> None:
    found = read_json_ld([script, '{"@type": "Article", "headline": "yes"}'], None)
    assert found.text("headline") == "yes"


def test_a_script_that_is_too_long_is_passed_over() -> None:
    script = '{"@type": "Article", "headline": "' + "x" * 1_000_000 + '"}'
    assert read_json_ld([script], None).text("headline") is None


@given(JSON)
def test_any_graph_is_read(thing: object) -> None:
    found = article(thing)
    assert all(isinstance(name, str) and name for name in found.texts("author"))
