"""A valid raw event becomes the article that consumers read, or is rejected."""

from __future__ import annotations

import unicodedata
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.contracts import codec
from stream.core.contracts.events import NormalizedEvent, Origin, RawEvent, Source, TakedownEvent
from stream.core.normalize import FUTURE_MAX_MS, EventContext, normalize, normalize_takedown
from stream.errors import Rejected

NOON = 1_777_896_000_000
ARRIVAL = EventContext("e" * 32, Origin(topic="articles.raw", partition=0, offset=7), NOON, NOON)
LONG = "The mayor opened a new garden beside the old school this morning, and said that the work had taken a full year."


def made(**fields: Any) -> NormalizedEvent:
    """Return the article made of these fields."""
    return normalize(RawEvent(**{"id": "a", "text": "Some words of news.", **fields}), ARRIVAL)


def fixes(article: NormalizedEvent) -> dict[str, int]:
    """Return the fixes by name."""
    return {fix.step: fix.count for fix in article.fixes}


def test_every_field_is_cleaned() -> None:
    article = made(
        id=" a ",
        url=" https://www.News.example/1?utm_source=x ",
        title=" A &amp;\nB ",
        summary="s\u200b\n\nt",
        authors=["A\tB", "", "A B"],
        section="\u200fx",
        tags=["one", " one ", "two"],
        source=Source(name=" The\nNews ", domain=" WWW.News.example "),
        extra={"k": 1},
    )
    assert (article.id, article.title, article.summary, article.authors) == ("a", "A & B", "s\nt", ["A B"])
    assert (article.section, article.tags, article.extra) == ("x", ["one", "two"], {"k": 1})
    assert (article.url, article.canonical_url) == (
        "https://www.News.example/1?utm_source=x",
        "https://www.news.example/1",
    )
    assert (article.domain, article.url_key) == ("news.example", "news.example/1")
    assert article.source == Source(name="The News", domain="news.example")
    assert (article.tenant, article.event_id, article.origin) == ("default", ARRIVAL.event_id, ARRIVAL.origin)


def test_content_figures_are_those_of_the_published_text() -> None:
    content = made(text=" one  two\n\nthree ").content
    assert (content.chars, content.words) == (13, 3)
    assert content.hash == "sha256:2e2bf529d7cf77cec165d750c66d6d1617d14adf8e9f4e483864ed0b6c89a221"


def test_in_scripts_without_spaces_letters_are_words() -> None:
    assert made(text="市长今天早上在老城区为一座新的公共花园揭幕。").content.words == 21


def test_an_article_without_id_is_known_by_its_address() -> None:
    one, other = made(id=None, url="https://news.example/1"), made(id=None, url="http://www.news.example/1/?fbclid=x")
    assert one.id == other.id
    assert one.id.startswith("url-")


def test_a_string_as_source_is_its_name() -> None:
    assert made(source="The News", url="https://www.news.example/1").source == Source(
        name="The News", domain="news.example"
    )


def test_a_teaser_is_moved_out_of_the_text() -> None:
    article = made(text=f"{LONG[:60]}…\n{LONG}")
    assert (article.teaser, article.text) == (LONG[:60] + "…", LONG)
    assert fixes(article) == {"teaser": 1}


@pytest.mark.parametrize("name", ["published_at", "modified_at", "fetched_at"])
@pytest.mark.parametrize("value", ["0000-01-01", "9999-12-31T23:59:59-14:00", "garbage", 1e300, "\0", " "])
def test_an_impossible_date_is_dropped_and_told(name: str, value: Any) -> None:
    article = made(**{name: value})
    assert getattr(article, name) is None
    assert fixes(article) == {f"{name}_dropped": 1}


@pytest.mark.parametrize("value", [None, ""])
def test_a_date_that_is_not_given_is_not_dropped(value: str | None) -> None:
    assert fixes(made(published_at=value, modified_at=value, fetched_at=value)) == {}


def test_the_event_time_is_the_fetch_or_else_the_arrival() -> None:
    assert made(fetched_at="2026-05-01T00:00:00Z").event_time == 1_777_593_600_000
    assert made().event_time == NOON


def test_a_fetch_in_the_future_is_a_wrong_clock() -> None:
    assert made(fetched_at=NOON + FUTURE_MAX_MS).event_time == NOON + FUTURE_MAX_MS
    late = made(fetched_at=NOON + FUTURE_MAX_MS + 1)
    assert (late.event_time, late.fetched_at, fixes(late)) == (NOON, None, {"fetched_at_dropped": 1})


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": "\u200b\x00"}, "missing_content"),
        ({"text": None, "html": "<script>x</script>"}, "missing_content"),
        ({"text": None, "html": "<b>" * 5_000}, "missing_content"),
        ({"url": "https://a..b/"}, "invalid_url"),
        ({"url": "https://[::1/"}, "invalid_url"),
    ],
)
def test_what_nothing_is_left_of_is_rejected(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        made(**fields)
    assert caught.value.code == code


def test_a_page_fills_what_the_event_leaves_out() -> None:
    html = f"""<html><head><meta property="og:title" content="Garden opened"><link rel="canonical" href="https://news.example/1">
    <meta property="article:published_time" content="2026-05-04T09:00:00+03:00"></head>
    <body><p>{LONG}</p></body></html>"""
    article = made(text=None, html=html)
    assert (article.text, article.title, article.url) == (LONG, "Garden opened", "https://news.example/1")
    assert article.published_at == "2026-05-04T06:00:00.000Z"
    assert fixes(article)["html_to_text"] == 1
    assert made(text=None, html=html, title="Own", url="https://own.example/").title == "Own"
    assert made(text=None, html=html, url="https://own.example/").domain == "own.example"


def test_a_relative_canonical_link_is_no_address() -> None:
    article = made(
        text=None, html=f'<html><head><link rel="canonical" href="/1"></head><body><p>{LONG}</p></body></html>'
    )
    assert (article.url, article.canonical_url) == (None, None)


def canceled(**fields: Any) -> TakedownEvent:
    """Return the takedown made of these fields."""
    return normalize_takedown(RawEvent(status="canceled", **fields), ARRIVAL)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": " a "},
        {"id": "a", "url": "https://www.news.example/1/?utm_source=x#top"},
        {"url": "https://m.news.example/1"},
        {"id": "a", "tenant": "acme"},
        {"id": "a", "fetched_at": "2026-05-01T00:00:00Z"},
        {"id": "a", "fetched_at": NOON + FUTURE_MAX_MS + 1},
        {"id": "a", "fetched_at": "garbage"},
    ],
)
def test_a_takedown_is_known_as_its_article_is(fields: dict[str, Any]) -> None:
    article, takedown = made(**{"id": None, **fields}), canceled(**fields)
    assert takedown == TakedownEvent(
        event_id=ARRIVAL.event_id,
        tenant=article.tenant,
        id=article.id,
        url_key=article.url_key,
        event_time=article.event_time,
        origin=ARRIVAL.origin,
    )


@pytest.mark.parametrize("url", ["https://a..b/", "https://[::1/"])
def test_a_takedown_of_an_impossible_address_is_rejected(url: str) -> None:
    with pytest.raises(Rejected) as caught:
        canceled(id="a", url=url)
    assert caught.value.code == "invalid_url"


TEXTS = st.text(st.characters(), max_size=30)
LINES = st.lists(
    st.sampled_from(
        [
            *(LONG, LONG[:40], LONG[:70], "كلمة ، كلمة", "&amp;", "\u200b", "عنوان", "e\u0301", " ،", "&am\u200bp;lt;"),
            *(
                "الرياض - واس: كلمة.كلمة",
                f"LONDON (Reuters) -  {LONG}",
                "By Jane Smith ",
                "<p>Share</p>",
                "اقرأ أيضا :",
            ),
            *("© 2018 News", "- - -", f"{LONG} (AFP)", f'«{LONG}"', "\xa0٣ تعليقات", "ﺍﻟﺮﻳﺎﺽ- واس : نص"),
        ]
    ),
    max_size=6,
).map("\n".join)
MOMENTS = st.none() | TEXTS | st.integers() | st.floats()
RAW = st.builds(
    RawEvent,
    id=st.none() | TEXTS.filter(str.strip),
    url=st.none() | TEXTS.map("https://news.example/".__add__) | TEXTS,
    text=TEXTS | LINES,
    title=st.none() | TEXTS | LINES,
    summary=st.none() | TEXTS,
    language=st.none() | TEXTS | st.sampled_from(["ar", "en-GB"]),
    published_at=MOMENTS,
    modified_at=MOMENTS,
    fetched_at=MOMENTS,
    authors=st.none() | st.lists(TEXTS, max_size=3),
    source=st.none() | TEXTS | st.builds(Source, name=TEXTS, domain=TEXTS),
    section=st.none() | TEXTS,
    tags=st.none() | st.lists(TEXTS | LINES, max_size=3),
)
CLEANED = ("title", "text", "summary", "teaser", "section", "byline", "dateline", "located")


@settings(max_examples=400)
@given(RAW)
def test_any_event_is_an_article_or_rejected(raw: RawEvent) -> None:
    try:
        article = normalize(raw, ARRIVAL)
    except Rejected:
        return
    strings = [getattr(article, name) for name in CLEANED] + article.authors + article.tags
    for value in (*strings, article.source.name, article.source.domain):
        assert value is None or unicodedata.is_normalized("NFC", value)
        assert value is None or not [c for c in value if unicodedata.category(c) in ("Cc", "Cs") and c != "\n"]
    assert article.text
    assert set(article.language.tag) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


@settings(max_examples=400)
@given(RAW)
def test_publishing_what_was_published_changes_nothing(raw: RawEvent) -> None:
    try:
        first = normalize(raw, ARRIVAL)
    except Rejected:
        return
    fields = {
        name: getattr(first, name)
        for name in (
            "id",
            "text",
            "title",
            "summary",
            "section",
            "authors",
            "tags",
            "published_at",
            "modified_at",
            "fetched_at",
            "source",
        )
    }
    again = normalize(RawEvent(**fields, url=first.canonical_url, language=first.language.tag), ARRIVAL)
    assert {name: getattr(again, name) for name in fields} == fields
    assert (again.canonical_url, again.url_key, again.content) == (first.canonical_url, first.url_key, first.content)
    assert fixes(again) == {}


@given(RAW)
def test_the_same_input_gives_the_same_output(raw: RawEvent) -> None:
    try:
        first = normalize(raw, ARRIVAL)
    except Rejected:
        return
    assert normalize(raw, ARRIVAL) == first


@given(RAW)
def test_any_takedown_is_one_or_rejected(raw: RawEvent) -> None:
    if raw.id is None and raw.url is None:
        return
    try:
        takedown = normalize_takedown(raw, ARRIVAL)
    except Rejected:
        return
    assert takedown.id
    assert codec.decode(codec.encode(takedown), TakedownEvent) == takedown


def test_an_article_survives_the_wire() -> None:
    article = made(url="https://news.example/1", title="خبر", extra={"n": [1, {"x": None}]})
    assert codec.decode(codec.encode(article), NormalizedEvent) == article
    assert orjson.loads(codec.encode(article))["title"] == "خبر"
