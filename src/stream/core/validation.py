"""Bytes to raw events, or a coded rejection that a scraper's author understands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

import msgspec
import orjson

from stream.core.contracts.events import RawEvent, Source, Status
from stream.errors import Rejected

RAW_FIELDS: Final = frozenset(RawEvent.__struct_fields__)
STATUSES: Final[tuple[Status, ...]] = get_args(Status)

_SHORT_FIELDS = ("title", "summary", "section", "language", "source", "published_at", "modified_at", "fetched_at")
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ABSOLUTE_URL = re.compile(r"https?://[^\s/?#]+", re.IGNORECASE)
_LINE_BREAKS = "\n\r\v\f\x85\u2028\u2029"
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one message may hold; larger ones are rejected, not cut.

    They bound the time that one message can take from all others of its partition. With the defaults the worst
    inputs known (`tests/fuzz/hostile_inputs.py`) take: a page about 1 s of CPU, a text 2 s, a message of many of them 20 s.
    """

    message_bytes: int = 8 * 1024 * 1024
    message_tags: int = 250_000
    text_chars: int = 1_000_000
    text_lines: int = 50_000
    html_chars: int = 4_000_000
    html_tags: int = 50_000
    short_chars: int = 10_000
    id_chars: int = 512
    url_chars: int = 4_096
    list_items: int = 1_000
    array_items: int = 10_000
    depth: int = 32


DEFAULT_LIMITS: Final = Limits()


def parse_message(value: bytes | None, limits: Limits = DEFAULT_LIMITS) -> Any:
    """The JSON value in a message, unchecked.

    Raises:
        Rejected: there is none.
    """
    if value is None:
        raise Rejected("null_value", "the message has no value; send one JSON object, or an array of them")
    if len(value) > limits.message_bytes:
        raise Rejected("message_too_large", f"{len(value)} bytes; at most {limits.message_bytes} are accepted")
    if not value.strip():
        raise Rejected("empty_value", "the message is empty; send one JSON object, or an array of them")
    return _parse_json(value.removeprefix(_BOM))


def split_articles(parsed: Any, limits: Limits = DEFAULT_LIMITS) -> list[Any]:
    """The articles in a JSON value: the object that it is, or the items of the array; each may still be bad.

    Raises:
        Rejected: it can hold no articles, holds none, or too many.
    """
    if isinstance(parsed, dict):
        return [parsed]
    if not isinstance(parsed, list):
        raise Rejected("not_an_object", f"the JSON is {_kind(parsed)}; send an object or an array of objects")
    if not parsed:
        raise Rejected("empty_value", "the array is empty")
    if len(parsed) > limits.array_items:
        raise Rejected("too_many_items", f"{len(parsed)} articles in one message; at most {limits.array_items}")
    tags = sum(map(_tags_read, parsed))
    if tags > limits.message_tags:
        raise Rejected(
            "html_too_large",
            f"the pages in this message have {tags} tags in all; at most {limits.message_tags}: send fewer in one",
        )
    return parsed


def _tags_read(item: Any) -> int:
    """The tags of an article's page, if that has to be read for want of a text."""
    if not isinstance(item, dict):
        return 0
    html, text = item.get("html"), item.get("text")
    has_text = isinstance(text, str) and _filled(text)
    return html.count("<") if isinstance(html, str) and not has_text else 0


def _parse_json(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise _why_not_json(value, error) from None


def _why_not_json(value: bytes, error: orjson.JSONDecodeError) -> Rejected:
    reason = str(error)
    try:
        value.decode()  # orjson names a wrong byte by its line and column only
    except UnicodeDecodeError as wrong:
        return Rejected("invalid_utf8", f"byte {wrong.start} is not UTF-8; encode the message as UTF-8")
    if "depth limit" in reason:
        return Rejected("too_deep", "the JSON is nested too deep; send flat fields")
    if "surrogate" in reason:
        return Rejected("lone_surrogate", f"{reason}; escape characters outside the BMP as pairs, or send UTF-8")
    return Rejected("invalid_json", reason)


def validate(item: Any, limits: Limits = DEFAULT_LIMITS) -> RawEvent:
    """One raw event out of one parsed JSON value.

    Raises:
        Rejected: with the path of the field that is wrong.
    """
    if not isinstance(item, dict):
        raise Rejected("not_an_object", f"an article is a JSON object, this is {_kind(item)}")
    _check_depth(item, limits.depth)
    event = _convert(item)
    _check_sizes(event, limits)
    _check_identity(event, limits)
    _check_status(event)
    if event.status != "canceled" and not (_filled(event.text) or _filled(event.html)):
        raise Rejected("missing_content", "text or html is needed, and neither has anything in it", field="$.text")
    return event


def _convert(item: dict[str, Any]) -> RawEvent:
    unknown = {name: value for name, value in item.items() if name not in RAW_FIELDS}
    try:
        event = msgspec.convert(item, RawEvent)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        raise Rejected("wrong_type", message, field=path.strip("`") or None) from None
    if unknown:
        event = msgspec.structs.replace(event, extra={**unknown, **(event.extra or {})})
    return event


def _check_depth(item: Mapping[str, Any], limit: int) -> None:
    level: list[Any] = [item]
    for _ in range(limit):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise Rejected("too_deep", f"the JSON is nested deeper than {limit} levels")


def _children(parent: Any) -> Iterator[Any]:
    values = parent.values() if isinstance(parent, dict) else parent
    return (value for value in values if isinstance(value, dict | list))


def _check_sizes(event: RawEvent, limits: Limits) -> None:
    _check_length("text", event.text, limits.text_chars, "text_too_large")
    _check_lines(event.text, limits.text_lines)
    _check_length("html", event.html, limits.html_chars, "html_too_large")
    _check_tags(event.html, limits.html_tags)
    for name, value in _short_fields(event):
        if isinstance(value, str):
            _check_length(name, value, limits.short_chars, "text_too_large")
    for name in ("authors", "tags"):
        values = getattr(event, name) or ()
        if len(values) > limits.list_items:
            raise Rejected("too_many_items", f"{len(values)} {name}; at most {limits.list_items}", field=f"$.{name}")
        for position, value in enumerate(values):
            _check_length(f"{name}[{position}]", value, limits.short_chars, "text_too_large")


def _short_fields(event: RawEvent) -> Iterator[tuple[str, Any]]:
    for name in _SHORT_FIELDS:
        yield name, getattr(event, name)
    if isinstance(event.source, Source):
        yield "source.name", event.source.name
        yield "source.domain", event.source.domain


def _check_lines(text: str | None, limit: int) -> None:
    # Furniture is looked for line by line, and a line may be a single character.
    if text is not None and (lines := sum(map(text.count, _LINE_BREAKS)) + 1) > limit:
        raise Rejected("text_too_large", f"text has {lines} lines; at most {limit}", field="$.text")


def _check_tags(html: str | None, limit: int) -> None:
    # Finding the article takes time by the tag; what is nested is bounded where it is parsed.
    if html is not None and html.count("<") > limit:
        raise Rejected("html_too_large", f"html has {html.count('<')} tags; at most {limit}", field="$.html")


def _check_length(name: str, value: str | None, limit: int, code: str) -> None:
    if value is not None and len(value) > limit:
        raise Rejected(code, f"{name} has {len(value)} characters; at most {limit}", field=f"$.{name}")


def _check_identity(event: RawEvent, limits: Limits) -> None:
    if not (_filled(event.url) or _filled(event.id)):
        raise Rejected("missing_identity", "url or id is needed, so that later versions can be linked", field="$.url")
    if event.id is not None and (not event.id.strip() or len(event.id) > limits.id_chars or _CONTROL.search(event.id)):
        raise Rejected(
            "invalid_id", f"id must be 1 to {limits.id_chars} characters without control characters", field="$.id"
        )
    if event.url is not None and not _is_address(event.url, limits.url_chars):
        raise Rejected(
            "invalid_url",
            f"url must be absolute, http or https, at most {limits.url_chars} long, without control characters",
            field="$.url",
        )
    if event.tenant is not None and not _TENANT.fullmatch(event.tenant):
        raise Rejected(
            "invalid_tenant", "tenant is 1 to 64 letters, digits, dots, dashes or underscores", field="$.tenant"
        )


def _is_address(url: str, limit: int) -> bool:
    trimmed = url.strip()
    return len(url) <= limit and bool(_ABSOLUTE_URL.match(trimmed)) and not _CONTROL.search(trimmed)


def _check_status(event: RawEvent) -> None:
    if event.status is not None and event.status not in STATUSES:
        known = ", ".join(STATUSES)
        raise Rejected("unknown_status", f"status {event.status[:40]!r}; known: {known}", field="$.status")


def _filled(value: str | None) -> bool:
    return value is not None and bool(value.strip())


def _kind(value: Any) -> str:
    names: dict[type, str] = {str: "a string", list: "an array", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
