"""Turns a valid raw event into a clean article: page, text, boilerplate, URL, language, dates, in this order."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from stream.core.contracts.events import (
    Content,
    Fix,
    Language,
    NormalizedEvent,
    Origin,
    RawEvent,
    Source,
    TakedownEvent,
)
from stream.core.normalize.boilerplate import remove_boilerplate
from stream.core.normalize.dates import parse_moment
from stream.core.normalize.fixes import FixCounts
from stream.core.normalize.html import Page, read_page
from stream.core.normalize.language import detect, primary_language
from stream.core.normalize.text import clean_line, clean_text
from stream.core.normalize.url import CanonicalUrl, canonicalize
from stream.core.timestamps import format_rfc3339
from stream.errors import Rejected

DEFAULT_TENANT = "default"
#: A ``fetched_at`` further ahead of the broker's clock than this comes from a wrong clock, and a publication date
#: further ahead of its event's own time is a mistake of the source. Both are dropped.
FUTURE_MAX_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class EventContext:
    """What is known about an event besides its content.

    Attributes:
        event_id: the CloudEvents id.
        origin: the record that the event came in.
        broker_time_ms: the broker's time of that record in milliseconds; for files the time of the run, or None.
        default_time_ms: the time of an event without ``fetched_at``: the broker's time where there is one.
    """

    event_id: str
    origin: Origin
    broker_time_ms: int | None
    default_time_ms: int


@dataclass(frozen=True, slots=True)
class _EventDates:
    fetched_ms: int | None
    published_at: str | None
    modified_at: str | None


def normalize(raw: RawEvent, context: EventContext) -> NormalizedEvent:
    """Return the article that consumers read, without the duplicate verdict.

    Fields of the event take precedence over the page's metadata, and those over names found in the text.

    >>> origin = Origin(topic="articles.raw", partition=0, offset=7)
    >>> context = EventContext("0" * 32, origin, broker_time_ms=1_777_896_000_000, default_time_ms=1_777_896_000_000)
    >>> raw = RawEvent(url="http://www.news.example/1?utm_source=x", text="LONDON (AP) - It&#39;s open.", title="Open")
    >>> article = normalize(raw, context)
    >>> article.text, article.dateline, article.canonical_url
    ("It's open.", 'LONDON (AP)', 'http://www.news.example/1')
    >>> [(fix.step, fix.count) for fix in article.fixes]
    [('dateline', 1), ('entities', 1)]

    Raises:
        Rejected: nothing readable is left of the text, the URL has no valid host, or the event has neither a URL nor
            an id.
    """
    fixes = FixCounts()
    page = _read_page(raw, fixes)
    title = _clean_optional_line(raw.title or page.title, fixes)
    text = _clean_main_text(raw, page, fixes)
    parts = remove_boilerplate(text, title, fixes)
    summary = _clean_optional_text(raw.summary or page.summary, fixes)
    authors = _clean_lines(raw.authors or page.authors or parts.authors, fixes)
    section = _clean_optional_line(raw.section or page.section, fixes)
    tags = _clean_lines(raw.tags or page.tags, fixes)
    url = _canonicalize_url(raw, page)
    source = _build_source(raw, page, url, fixes)
    language = detect(f"{title}\n{parts.text}" if title else parts.text, raw.language or page.language)
    dates = _parse_dates(raw, page, language, context, fixes)
    return NormalizedEvent(
        event_id=context.event_id,
        id=_build_id(raw, url),
        tenant=raw.tenant or DEFAULT_TENANT,
        url=raw.url.strip() if raw.url else (page.url if url else None),
        canonical_url=url.canonical if url else None,
        domain=url.domain if url else None,
        title=title,
        text=parts.text,
        summary=summary,
        teaser=parts.teaser,
        language=language,
        authors=authors,
        byline=parts.byline,
        dateline=parts.dateline,
        located=parts.located,
        agencies=parts.agencies,
        source=source,
        section=section,
        tags=tags,
        published_at=dates.published_at,
        modified_at=dates.modified_at,
        fetched_at=format_rfc3339(dates.fetched_ms) if dates.fetched_ms is not None else None,
        content=_measure_content(parts.text, language),
        fixes=[Fix(step=name, count=count) for name, count in sorted(fixes.items())],
        origin=context.origin,
        extra=raw.extra or {},
        url_key=_url_key(url),
        event_time=dates.fetched_ms if dates.fetched_ms is not None else context.default_time_ms,
    )


def normalize_takedown(raw: RawEvent, context: EventContext) -> TakedownEvent:
    """Return the takedown in a raw event whose status is ``canceled``, with the same id and URL key as its article.

    Raises:
        Rejected: the URL has no valid host, or the event has neither a URL nor an id.
    """
    url = _canonicalize_url(raw, _NO_PAGE)
    fetched_ms = _parse_date("fetched_at", (raw.fetched_at,), None, context.broker_time_ms, FixCounts())
    return TakedownEvent(
        event_id=context.event_id,
        tenant=raw.tenant or DEFAULT_TENANT,
        id=_build_id(raw, url),
        url_key=_url_key(url),
        event_time=fetched_ms if fetched_ms is not None else context.default_time_ms,
        origin=context.origin,
    )


def _read_page(raw: RawEvent, fixes: FixCounts) -> Page:
    """Return the event's page if the event has no text, else `_NO_PAGE`."""
    if (raw.text and raw.text.strip()) or not raw.html:
        return _NO_PAGE
    page = read_page(raw.html)
    fixes["html_to_text"] += 1
    fixes.update(page.removed)
    return page


def _clean_main_text(raw: RawEvent, page: Page, fixes: FixCounts) -> str:
    text = clean_text((raw.text or "") if page is _NO_PAGE else page.text, fixes)
    if "\t" in page.text:
        text = _separate_cells(text, page.text)
    if not text:
        raise Rejected(
            "missing_content",
            "nothing readable is left of the text after cleaning; send the article's text or its HTML page",
            field="$.text" if page is _NO_PAGE else "$.html",
        )
    return text


def _separate_cells(text: str, page_text: str) -> str:
    """Return the cleaned ``text`` with a tab between the cells of each row of ``page_text``."""
    rows = {}
    for line in page_text.split("\n"):
        if "\t" in line:
            cells = [clean_line(cell, FixCounts()) for cell in line.split("\t")]
            rows[" ".join(filter(None, cells))] = "\t".join(cells)
    return "\n".join(rows.get(line, line) for line in text.split("\n"))


def _canonicalize_url(raw: RawEvent, page: Page) -> CanonicalUrl | None:
    if raw.url:
        url = canonicalize(raw.url)
        if url is None:
            raise Rejected("invalid_url", "url has no valid host; send the article's absolute URL", field="$.url")
        return url
    return canonicalize(page.url) if page.url else None


def _build_id(raw: RawEvent, url: CanonicalUrl | None) -> str:
    if raw.id:
        return raw.id.strip()
    if url is None:
        raise Rejected(
            "missing_identity",
            "the event has neither url nor id; send one of them, so that later versions can be matched",
            field="$.url",
        )
    if url.is_home_page:
        raise Rejected(
            "missing_identity",
            "url is a site's home page, which identifies no article; send the article's own URL, or an id",
            field="$.url",
        )
    return "url-" + hashlib.sha256(url.key.encode()).hexdigest()[:24]


def _url_key(url: CanonicalUrl | None) -> str | None:
    """The key by which versions at one URL are matched; None for a home page, where all articles have been."""
    return url.key if url and not url.is_home_page else None


def _build_source(raw: RawEvent, page: Page, url: CanonicalUrl | None, fixes: FixCounts) -> Source:
    source = Source(name=raw.source) if isinstance(raw.source, str) else raw.source or Source()
    name = _clean_optional_line(source.name or page.site, fixes)
    # In lower case first: what is cleaned may depend on it.
    domain = _clean_optional_line((source.domain or "").lower(), fixes) or ""
    while domain.startswith("www."):
        domain = domain.removeprefix("www.")
    return Source(name=name, domain=domain or (url.domain if url else None))


def _parse_dates(raw: RawEvent, page: Page, language: Language, context: EventContext, fixes: FixCounts) -> _EventDates:
    fetched_ms = _parse_date("fetched_at", (raw.fetched_at,), None, context.broker_time_ms, fixes)
    seen_ms = fetched_ms if fetched_ms is not None else context.broker_time_ms
    published_ms = _parse_date("published_at", (raw.published_at, page.published_at), language.tag, seen_ms, fixes)
    if published_ms is None and not raw.published_at:
        published_ms = _parse_date("published_at", page.other_dates, language.tag, seen_ms, FixCounts())
    modified_ms = _parse_date("modified_at", (raw.modified_at, page.modified_at), language.tag, seen_ms, fixes)
    return _EventDates(
        fetched_ms,
        format_rfc3339(published_ms) if published_ms is not None else None,
        format_rfc3339(modified_ms) if modified_ms is not None else None,
    )


def _parse_date(
    name: str, values: Sequence[str | float | None], language: str | None, seen_ms: int | None, fixes: FixCounts
) -> int | None:
    """Return the first valid date of ``values`` in milliseconds; count those that are invalid or in the future."""
    for value in values:
        if value is None or value == "":
            continue
        date_ms = parse_moment(value, language)
        if date_ms is not None and (seen_ms is None or date_ms <= seen_ms + FUTURE_MAX_MS):
            return date_ms
        fixes[f"{name}_dropped"] += 1
    return None


def _measure_content(text: str, language: Language) -> Content:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Content(chars=len(text), words=_count_words(text, language), hash=f"sha256:{digest}")


def _count_words(text: str, language: Language) -> int:
    if primary_language(language.tag) in _UNSPACED_LANGUAGES:
        return sum(map(str.isalnum, text))
    return text.count(" ") + text.count("\n") + 1  # clean text has exactly one of them between two words


def _clean_optional_text(value: str | None, fixes: FixCounts) -> str | None:
    return clean_text(value, fixes) or None if value else None


def _clean_optional_line(value: str | None, fixes: FixCounts) -> str | None:
    return clean_line(value, fixes) or None if value else None


def _clean_lines(values: list[str], fixes: FixCounts) -> list[str]:
    cleaned = (clean_line(value, fixes) for value in values)
    return list(dict.fromkeys(value for value in cleaned if value))


_NO_PAGE: Final = Page()
#: Languages that are written without spaces between words: each letter counts as a word.
_UNSPACED_LANGUAGES = frozenset({"zh", "ja", "th", "lo", "km", "my", "bo"})
