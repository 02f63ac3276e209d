"""A valid raw event to a clean article: the steps in order, and what each one changed."""

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
from stream.core.timestamps import rfc3339
from stream.errors import Rejected

DEFAULT_TENANT = "default"
#: A fetch that lies further ahead of the broker's clock than this has a wrong clock; a date further ahead of its
#: event's own time is a fault of the source.
FUTURE_MAX_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class EventContext:
    """How the event came: its id, where it stood, and the broker's time in milliseconds (None for files)."""

    event_id: str
    origin: Origin
    timestamp: int | None
    #: The time that an event without one of its own is given; `timestamp` where there is one.
    time: int


def normalize(raw: RawEvent, arrival: EventContext) -> NormalizedEvent:
    """The article that consumers read, without the duplicate verdict.

    Raises:
        Rejected: nothing readable is left, or the URL cannot be one.
    """
    fixes = FixCounts()
    page = _page(raw, fixes)
    title = _line(raw.title or page.title, fixes)
    body = remove_boilerplate(_text(raw, page, fixes), title, fixes)
    address = _address(raw, page)
    source = _source(raw, page, address, fixes)
    language = detect(f"{title}\n{body.text}" if title else body.text, raw.language or page.language)
    fetched = _moment("fetched_at", (raw.fetched_at,), None, arrival.timestamp, fixes)
    seen = fetched if fetched is not None else arrival.timestamp
    return NormalizedEvent(
        event_id=arrival.event_id,
        id=raw.id.strip() if raw.id else _id_of(address),
        tenant=raw.tenant or DEFAULT_TENANT,
        url=raw.url.strip() if raw.url else (page.url if address else None),
        canonical_url=address.canonical if address else None,
        domain=address.domain if address else None,
        title=title,
        text=body.text,
        summary=_paragraphs(raw.summary or page.summary, fixes),
        teaser=body.teaser,
        language=language,
        authors=_lines(raw.authors or page.authors or body.authors, fixes),
        byline=body.byline,
        dateline=body.dateline,
        located=body.located,
        agencies=body.agencies,
        source=source,
        section=_line(raw.section or page.section, fixes),
        tags=_lines(raw.tags or page.tags, fixes),
        published_at=_published("published_at", (raw.published_at, page.published_at), language, seen, fixes),
        modified_at=_published("modified_at", (raw.modified_at, page.modified_at), language, seen, fixes),
        fetched_at=rfc3339(fetched) if fetched is not None else None,
        content=_content(body.text, language),
        fixes=[Fix(step=step, count=count) for step, count in sorted(fixes.items())],
        origin=arrival.origin,
        extra=raw.extra or {},
        url_key=address.key if address else None,
        event_time=fetched if fetched is not None else arrival.time,
    )


def normalize_takedown(raw: RawEvent, arrival: EventContext) -> TakedownEvent:
    """The takedown in a raw event whose status is ``canceled``; known by id or address as its article is.

    Raises:
        Rejected: the URL cannot be one.
    """
    address = _address(raw, _NO_PAGE)
    fetched = _moment("fetched_at", (raw.fetched_at,), None, arrival.timestamp, FixCounts())
    return TakedownEvent(
        event_id=arrival.event_id,
        tenant=raw.tenant or DEFAULT_TENANT,
        id=raw.id.strip() if raw.id else _id_of(address),
        url_key=address.key if address else None,
        event_time=fetched if fetched is not None else arrival.time,
        origin=arrival.origin,
    )


def _page(raw: RawEvent, fixes: FixCounts) -> Page:
    """The page, where it has to stand in for the text; else an empty one."""
    if (raw.text and raw.text.strip()) or not raw.html:
        return _NO_PAGE
    fixes["html_to_text"] += 1
    return read_page(raw.html)


def _text(raw: RawEvent, page: Page, fixes: FixCounts) -> str:
    text = clean_text((raw.text or "") if page is _NO_PAGE else page.text, fixes)
    if not text:
        raise Rejected(
            "missing_content",
            "nothing readable is left of the text; send the article's text or its page",
            field="$.text" if page is _NO_PAGE else "$.html",
        )
    return text


def _address(raw: RawEvent, page: Page) -> CanonicalUrl | None:
    if raw.url:
        address = canonicalize(raw.url)
        if address is None:
            raise Rejected("invalid_url", "url has no valid host", field="$.url")
        return address
    return canonicalize(page.url) if page.url else None


def _id_of(address: CanonicalUrl | None) -> str:
    if address is None:
        raise Rejected("missing_identity", "url or id is needed, so that later versions can be linked", field="$.url")
    return "url-" + hashlib.sha256(address.key.encode()).hexdigest()[:24]


def _source(raw: RawEvent, page: Page, address: CanonicalUrl | None, fixes: FixCounts) -> Source:
    given = Source(name=raw.source) if isinstance(raw.source, str) else raw.source or Source()
    name = given.name or page.site
    return Source(
        name=_line(name, fixes),
        domain=(_line(given.domain, fixes) or "").lower().removeprefix("www.") or (address.domain if address else None),
    )


def _published(
    name: str, values: tuple[str | float | None, str | None], language: Language, seen: int | None, fixes: FixCounts
) -> str | None:
    moment = _moment(name, values, language.tag, seen, fixes)
    return None if moment is None else rfc3339(moment)


def _moment(
    name: str, values: Sequence[str | float | None], language: str | None, seen: int | None, fixes: FixCounts
) -> int | None:
    """The first of the dates given that is one; what is none, or lies ahead of ``seen``, is listed."""
    for value in values:
        if value is None or value == "":
            continue
        moment = parse_moment(value, language)
        if moment is not None and (seen is None or moment <= seen + FUTURE_MAX_MS):
            return moment
        fixes[f"{name}_dropped"] += 1
    return None


def _content(text: str, language: Language) -> Content:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Content(chars=len(text), words=_words(text, language), hash=f"sha256:{digest}")


def _words(text: str, language: Language) -> int:
    if primary_language(language.tag) in _UNSPACED:
        return sum(map(str.isalnum, text))
    return text.count(" ") + text.count("\n") + 1  # clean text has one between any two words


def _paragraphs(value: str | None, fixes: FixCounts) -> str | None:
    return clean_text(value, fixes) or None if value else None


def _line(value: str | None, fixes: FixCounts) -> str | None:
    return clean_line(value, fixes) or None if value else None


def _lines(values: list[str], fixes: FixCounts) -> list[str]:
    cleaned = (clean_line(value, fixes) for value in values)
    return list(dict.fromkeys(value for value in cleaned if value))


_NO_PAGE: Final = Page()
#: Languages written without spaces between words: each letter counts as one.
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my", "bo"})
