"""A valid raw event to a clean article: the steps in order, and what each one changed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from stream.clock import rfc3339
from stream.errors import Rejected
from stream.events import Content, Fix, Language, NormalizedEvent, Origin, RawEvent, Source
from stream.normalize.dates import parse_moment
from stream.normalize.language import detect, primary_language
from stream.normalize.page import Page, read_page
from stream.normalize.steps import Fixes
from stream.normalize.teaser import split_teaser
from stream.normalize.text import clean_line, clean_text
from stream.normalize.url import Address, canonicalize

DEFAULT_TENANT = "default"
#: A fetch that lies further in the future than this, seen from the broker's clock, has a wrong clock.
FUTURE_MAX_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Arrival:
    """How the event came: its id, where it stood, and the broker's time in milliseconds (None for files)."""

    event_id: str
    origin: Origin
    timestamp: int | None
    #: The time that an event without one of its own is given; `timestamp` where there is one.
    time: int


def normalize(raw: RawEvent, arrival: Arrival) -> NormalizedEvent:
    """The article that consumers read, without the duplicate verdict.

    Raises:
        Rejected: nothing readable is left, or the URL cannot be one.
    """
    fixes = Fixes()
    page = _page(raw, fixes)
    teaser, text = split_teaser(_text(raw, page, fixes))
    if teaser:
        fixes["teaser"] += 1
    title = _line(raw.title or (page.title if page else None), fixes)
    address = _address(raw, page)
    source = _source(raw, page, address, fixes)
    language = detect(f"{title}\n{text}" if title else text, raw.language)
    moments = {name: _moment(raw, name, page, fixes) for name in ("published_at", "modified_at")}
    fetched = _fetched(raw, arrival, fixes)
    return NormalizedEvent(
        event_id=arrival.event_id,
        id=raw.id.strip() if raw.id else _id_of(address),
        tenant=raw.tenant or DEFAULT_TENANT,
        url=raw.url.strip() if raw.url else (page.url if page and address else None),
        canonical_url=address.canonical if address else None,
        domain=address.domain if address else None,
        title=title,
        text=text,
        summary=_paragraphs(raw.summary, fixes),
        teaser=teaser,
        language=language,
        authors=_lines(raw.authors or (page.authors if page else []), fixes),
        source=source,
        section=_line(raw.section, fixes),
        tags=_lines(raw.tags or [], fixes),
        published_at=moments["published_at"],
        modified_at=moments["modified_at"],
        fetched_at=rfc3339(fetched) if fetched is not None else None,
        content=_content(text, language),
        fixes=[Fix(step=step, count=count) for step, count in sorted(fixes.items())],
        origin=arrival.origin,
        extra=raw.extra or {},
        url_key=address.key if address else None,
        event_time=fetched if fetched is not None else arrival.time,
    )


def _page(raw: RawEvent, fixes: Fixes) -> Page | None:
    if (raw.text and raw.text.strip()) or not raw.html:
        return None
    fixes["html_to_text"] += 1
    return read_page(raw.html)


def _text(raw: RawEvent, page: Page | None, fixes: Fixes) -> str:
    text = clean_text(page.text if page else raw.text or "", fixes)
    if not text:
        raise Rejected(
            "missing_content",
            "nothing readable is left of the text; send the article's text or its page",
            field="$.html" if page else "$.text",
        )
    return text


def _address(raw: RawEvent, page: Page | None) -> Address | None:
    if raw.url:
        address = canonicalize(raw.url)
        if address is None:
            raise Rejected("invalid_url", "url has no valid host", field="$.url")
        return address
    return canonicalize(page.url) if page and page.url else None


def _id_of(address: Address | None) -> str:
    if address is None:
        raise Rejected("missing_identity", "url or id is needed, so that later versions can be linked", field="$.url")
    return "url-" + hashlib.sha256(address.key.encode()).hexdigest()[:24]


def _source(raw: RawEvent, page: Page | None, address: Address | None, fixes: Fixes) -> Source:
    given = Source(name=raw.source) if isinstance(raw.source, str) else raw.source or Source()
    name = given.name or (page.site if page else None)
    return Source(
        name=_line(name, fixes),
        domain=(_line(given.domain, fixes) or "").lower().removeprefix("www.") or (address.domain if address else None),
    )


def _moment(raw: RawEvent, name: str, page: Page | None, fixes: Fixes) -> str | None:
    value = getattr(raw, name)
    if value is None or value == "":
        value = page.published_at if page and name == "published_at" else None
        if value is None:
            return None
    moment = parse_moment(value)
    if moment is None:
        fixes[f"{name}_dropped"] += 1
        return None
    return rfc3339(moment)


def _fetched(raw: RawEvent, arrival: Arrival, fixes: Fixes) -> int | None:
    if raw.fetched_at is None or raw.fetched_at == "":
        return None
    moment = parse_moment(raw.fetched_at)
    if moment is None or (arrival.timestamp is not None and moment > arrival.timestamp + FUTURE_MAX_MS):
        fixes["fetched_at_dropped"] += 1
        return None
    return moment


def _content(text: str, language: Language) -> Content:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Content(chars=len(text), words=_words(text, language), hash=f"sha256:{digest}")


def _words(text: str, language: Language) -> int:
    if primary_language(language.tag) in _UNSPACED:
        return sum(map(str.isalnum, text))
    return text.count(" ") + text.count("\n") + 1  # clean text has one between any two words


def _paragraphs(value: str | None, fixes: Fixes) -> str | None:
    return clean_text(value, fixes) or None if value else None


def _line(value: str | None, fixes: Fixes) -> str | None:
    return clean_line(value, fixes) or None if value else None


def _lines(values: list[str], fixes: Fixes) -> list[str]:
    cleaned = (clean_line(value, fixes) for value in values)
    return list(dict.fromkeys(value for value in cleaned if value))


#: Languages written without spaces between words: each letter counts as one.
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my", "bo"})
