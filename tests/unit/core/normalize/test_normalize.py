"""A valid raw event becomes the article that consumers read, or is rejected."""

from __future__ import annotations

import unicodedata
from typing import Any

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.core.contracts import codec
from stream.core.contracts.events import NormalizedEvent, Origin, RawEvent, Source, TakedownEvent
from stream.core.normalize import FUTURE_MAX_MS, EventContext, normalize, normalize_takedown
from stream.errors import Rejected

NOON = 1_777_896_000_000
CONTEXT = EventContext("e" * 32, Origin(topic="articles.raw", partition=0, offset=7), NOON, NOON)
LONG = "The mayor opened a new garden beside the old school this morning, and said that the work had taken a full year."


def build_article(**fields: Any) -> NormalizedEvent:
    """Return the article that these fields become."""
    return normalize(RawEvent(**{"id": "a", "text": "Some words of news.", **fields}), CONTEXT)


def fix_counts(article: NormalizedEvent) -> dict[str, int]:
    """Return fix -> count."""
    return {fix.step: fix.count for fix in article.fixes}


def test_every_field_is_cleaned() -> None:
    article = build_article(
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
    assert (article.tenant, article.event_id, article.origin) == ("default", CONTEXT.event_id, CONTEXT.origin)


def test_content_describes_the_published_text() -> None:
    content = build_article(text=" one  two\n\nthree ").content
    assert (content.chars, content.words) == (13, 3)
    assert content.hash == "sha256:2e2bf529d7cf77cec165d750c66d6d1617d14adf8e9f4e483864ed0b6c89a221"


def test_letters_count_as_words_in_languages_without_spaces() -> None:
    assert build_article(text="市长今天早上在老城区为一座新的公共花园揭幕。").content.words == 21


def test_an_article_without_id_gets_one_from_its_url() -> None:
    first, second = (
        build_article(id=None, url="https://news.example/1"),
        build_article(id=None, url="http://www.news.example/1/?fbclid=x"),
    )
    assert first.id == second.id
    assert first.id.startswith("url-")


def test_a_source_given_as_a_string_is_its_name() -> None:
    assert build_article(source="The News", url="https://www.news.example/1").source == Source(
        name="The News", domain="news.example"
    )


def test_a_teaser_is_moved_out_of_the_text() -> None:
    article = build_article(text=f"{LONG[:60]}…\n{LONG}")
    assert (article.teaser, article.text) == (LONG[:60] + "…", LONG)
    assert fix_counts(article) == {"teaser": 1}


@pytest.mark.parametrize("name", ["published_at", "modified_at", "fetched_at"])
@pytest.mark.parametrize("value", ["0000-01-01", "9999-12-31T23:59:59-14:00", "garbage", 1e300, "\0", " "])
def test_an_impossible_date_is_dropped_and_counted(name: str, value: Any) -> None:
    article = build_article(**{name: value})
    assert getattr(article, name) is None
    assert fix_counts(article) == {f"{name}_dropped": 1}


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_date_does_not_count_as_dropped(value: str | None) -> None:
    assert fix_counts(build_article(published_at=value, modified_at=value, fetched_at=value)) == {}


def test_the_event_time_is_the_time_of_fetching_or_else_the_brokers() -> None:
    assert build_article(fetched_at="2026-05-01T00:00:00Z").event_time == 1_777_593_600_000
    assert build_article().event_time == NOON


def test_a_fetched_at_in_the_future_is_dropped() -> None:
    assert build_article(fetched_at=NOON + FUTURE_MAX_MS).event_time == NOON + FUTURE_MAX_MS
    late = build_article(fetched_at=NOON + FUTURE_MAX_MS + 1)
    assert (late.event_time, late.fetched_at, fix_counts(late)) == (NOON, None, {"fetched_at_dropped": 1})


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
def test_an_event_without_readable_text_or_valid_host_is_rejected(fields: dict[str, Any], code: str) -> None:
    with pytest.raises(Rejected) as caught:
        build_article(**fields)
    assert caught.value.code == code


def test_a_page_provides_what_the_event_leaves_out() -> None:
    html = f"""<html><head><meta property="og:title" content="Garden opened"><link rel="canonical" href="https://news.example/1">
    <meta property="article:published_time" content="2026-05-04T09:00:00+03:00"></head>
    <body><p>{LONG}</p></body></html>"""
    article = build_article(text=None, html=html)
    assert (article.text, article.title, article.url) == (LONG, "Garden opened", "https://news.example/1")
    assert article.published_at == "2026-05-04T06:00:00.000Z"
    assert fix_counts(article)["html_to_text"] == 1
    assert build_article(text=None, html=html, title="Own", url="https://own.example/").title == "Own"
    assert build_article(text=None, html=html, url="https://own.example/").domain == "own.example"


def test_a_relative_canonical_link_is_ignored() -> None:
    article = build_article(
        text=None, html=f'<html><head><link rel="canonical" href="/1"></head><body><p>{LONG}</p></body></html>'
    )
    assert (article.url, article.canonical_url) == (None, None)


def build_takedown(**fields: Any) -> TakedownEvent:
    """Return the takedown that these fields become."""
    return normalize_takedown(RawEvent(status="canceled", **fields), CONTEXT)


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
def test_a_takedown_has_the_identity_of_its_article(fields: dict[str, Any]) -> None:
    article, takedown = build_article(**{"id": None, **fields}), build_takedown(**fields)
    assert takedown == TakedownEvent(
        event_id=CONTEXT.event_id,
        tenant=article.tenant,
        id=article.id,
        url_key=article.url_key,
        event_time=article.event_time,
        origin=CONTEXT.origin,
    )


@pytest.mark.parametrize("url", ["https://a..b/", "https://[::1/"])
def test_a_takedown_with_an_invalid_url_is_rejected(url: str) -> None:
    with pytest.raises(Rejected) as caught:
        build_takedown(id="a", url=url)
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
DATES = st.none() | TEXTS | st.integers() | st.floats()
# Tests of these have no deadline, because the first event loads models and tables.
RAW = st.builds(
    RawEvent,
    id=st.none() | TEXTS.filter(str.strip),
    url=st.none() | TEXTS.map("https://news.example/".__add__) | TEXTS,
    text=TEXTS | LINES,
    title=st.none() | TEXTS | LINES,
    summary=st.none() | TEXTS,
    language=st.none() | TEXTS | st.sampled_from(["ar", "en-GB"]),
    published_at=DATES,
    modified_at=DATES,
    fetched_at=DATES,
    authors=st.none() | st.lists(TEXTS, max_size=3),
    source=st.none() | TEXTS | st.builds(Source, name=TEXTS, domain=TEXTS),
    section=st.none() | TEXTS,
    tags=st.none() | st.lists(TEXTS | LINES, max_size=3),
)
CLEANED = ("title", "text", "summary", "teaser", "section", "byline", "dateline", "located")


@settings(max_examples=400, deadline=None)
@given(RAW)
def test_any_event_is_an_article_or_rejected(raw: RawEvent) -> None:
    try:
        article = normalize(raw, CONTEXT)
    except Rejected:
        return
    strings = [getattr(article, name) for name in CLEANED] + article.authors + article.tags
    for value in (*strings, article.source.name, article.source.domain):
        assert value is None or unicodedata.is_normalized("NFC", value)
        assert value is None or not [c for c in value if unicodedata.category(c) in ("Cc", "Cs") and c != "\n"]
    assert article.text
    assert set(article.language.tag) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")


@settings(max_examples=400, deadline=None)
@given(RAW)
@example(RawEvent(id="1", text="a", source=Source(domain="AA;AA")))
@example(RawEvent(id="1", text="a", source=Source(domain="www.www.news.example")))
def test_normalizing_a_published_article_changes_nothing(raw: RawEvent) -> None:
    try:
        first = normalize(raw, CONTEXT)
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
    again = normalize(RawEvent(**fields, url=first.canonical_url, language=first.language.tag), CONTEXT)
    assert {name: getattr(again, name) for name in fields} == fields
    assert (again.canonical_url, again.url_key, again.content) == (first.canonical_url, first.url_key, first.content)
    assert fix_counts(again) == {}


@settings(deadline=None)
@given(RAW)
def test_normalizing_is_deterministic(raw: RawEvent) -> None:
    try:
        first = normalize(raw, CONTEXT)
    except Rejected:
        return
    assert normalize(raw, CONTEXT) == first


@given(RAW)
def test_any_canceled_event_is_a_takedown_or_rejected(raw: RawEvent) -> None:
    if raw.id is None and raw.url is None:
        return
    try:
        takedown = normalize_takedown(raw, CONTEXT)
    except Rejected:
        return
    assert takedown.id
    assert codec.decode(codec.encode(takedown), TakedownEvent) == takedown


def test_an_article_survives_encoding_and_decoding() -> None:
    article = build_article(url="https://news.example/1", title="خبر", extra={"n": [1, {"x": None}]})
    assert codec.decode(codec.encode(article), NormalizedEvent) == article
    assert orjson.loads(codec.encode(article))["title"] == "خبر"
