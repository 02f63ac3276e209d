"""Turns the bytes of a message into raw events, or into rejections.

A rejection has a code of `stream.errors.REJECTION_CODES` and a message for the author of the scraper, which says what
is wrong and what to send instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

import msgspec
import orjson

from stream.core.contracts import exact_json
from stream.core.contracts.events import RawEvent, Source, Status
from stream.errors import Rejected

RAW_FIELDS: Final = frozenset(RawEvent.__struct_fields__)
STATUSES: Final[tuple[Status, ...]] = get_args(Status)

_SHORT_FIELDS = ("title", "summary", "section", "language", "source", "published_at", "modified_at", "fetched_at")
_STRINGS = ("url", "id", "text", "html", "tenant", "status", *_SHORT_FIELDS)
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ABSOLUTE_URL = re.compile(r"https?://[^\s/?#]+", re.IGNORECASE)
_LINE_BREAKS = "\n\r\v\f\x85\u2028\u2029"
#: Errors of orjson for JSON that is valid: half of a surrogate pair, a number that no double holds.
_NOT_FOR_ORJSON = re.compile("surrogate|infinity")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest message that is accepted; larger ones are rejected, not truncated.

    The limits bound how long one message can delay the others of its partition. With the defaults, the worst inputs
    known (`tests/fuzz/hostile_inputs.py`) take 1 s of CPU for a page, 2 s for a text, and 20 s for a message of many.

    Attributes:
        message_bytes: bytes of a message.
        message_tags: HTML tags of all pages in a message whose text has to be extracted.
        text_chars: characters of ``text``.
        text_lines: lines of ``text``.
        html_chars: characters of ``html``.
        html_tags: tags of ``html``.
        short_chars: characters of every other string, and of each item of a list.
        id_chars: characters of ``id``.
        url_chars: characters of ``url``.
        list_items: items of ``authors`` and of ``tags``.
        array_items: articles in a message.
        depth: levels of nesting in an article.
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
    """Return the JSON value in a message, without validating it.

    >>> parse_message(b'{"id": "a", "text": "t"}')
    {'id': 'a', 'text': 't'}

    Raises:
        Rejected: the message is empty, too large, or not JSON in UTF-8.
    """
    if value is None:
        raise Rejected("null_value", "the message has no value; send a JSON object or an array of JSON objects")
    if len(value) > limits.message_bytes:
        raise Rejected(
            "message_too_large",
            f"the message has {len(value)} bytes; send at most {limits.message_bytes}",
        )
    if not value.strip():
        raise Rejected("empty_value", "the message is empty; send a JSON object or an array of JSON objects")
    return _parse_json(value.removeprefix(_BOM))


def split_articles(parsed: Any, limits: Limits = DEFAULT_LIMITS) -> list[Any]:
    """Return the articles in a JSON value, an object or an array; the articles themselves are not validated.

    >>> split_articles([{"id": "a"}, {"id": "b"}])
    [{'id': 'a'}, {'id': 'b'}]

    Raises:
        Rejected: the value is neither an object nor an array, has no articles, or has too many of them.
    """
    if isinstance(parsed, dict):
        return [parsed]
    if not isinstance(parsed, list):
        raise Rejected(
            "not_an_object",
            f"the JSON value is {_describe_type(parsed)}; send a JSON object or an array of JSON objects",
        )
    if not parsed:
        raise Rejected("empty_value", "the array is empty; send at least one article")
    if len(parsed) > limits.array_items:
        raise Rejected(
            "too_many_items",
            f"the message has {len(parsed)} articles; send at most {limits.array_items} in one message",
        )
    tags = sum(map(_count_tags_to_parse, parsed))
    if tags > limits.message_tags:
        raise Rejected(
            "html_too_large",
            f"the HTML pages in the message have {tags} tags in total; send at most {limits.message_tags} "
            "in one message",
        )
    return parsed


def _count_tags_to_parse(item: Any) -> int:
    """Count the tags of an article's HTML page if it has to be parsed, because the article has no text."""
    if not isinstance(item, dict):
        return 0
    html, text = item.get("html"), item.get("text")
    has_text = isinstance(text, str) and _has_content(text)
    return html.count("<") if isinstance(html, str) and not has_text else 0


def _parse_json(value: bytes) -> Any:
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        if not _NOT_FOR_ORJSON.search(str(error)):
            raise _explain_json_error(value, error) from None
    else:
        if not exact_json.may_be_inexact(value, parsed):
            return parsed
    try:
        return exact_json.parse_exactly(value)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError as error:
        raise _invalid_utf8(error) from None
    except ValueError as error:
        raise _invalid_json(str(error)) from None


def _explain_json_error(value: bytes, error: orjson.JSONDecodeError) -> Rejected:
    reason = str(error)
    try:
        value.decode()  # orjson reports an invalid byte by line and column only
    except UnicodeDecodeError as decode_error:
        return _invalid_utf8(decode_error)
    return _too_deep() if "depth limit" in reason else _invalid_json(reason)


def _invalid_utf8(error: UnicodeDecodeError) -> Rejected:
    return Rejected(
        "invalid_utf8", f"byte {error.start} of the message is not valid UTF-8; encode the message as UTF-8"
    )


def _too_deep() -> Rejected:
    return Rejected("too_deep", "the JSON is nested too deeply; send flatter fields")


def _invalid_json(reason: str) -> Rejected:
    return Rejected("invalid_json", f"the message is not valid JSON: {reason}; send a JSON object or an array of them")


def validate(item: Any, limits: Limits = DEFAULT_LIMITS) -> RawEvent:
    """Return the raw event in one parsed article; unknown fields move to ``extra``.

    >>> validate({"id": "a", "text": "t", "views": 7}).extra
    {'views': 7}

    Raises:
        Rejected: the article violates the contract or a limit; ``field`` is the JSON path of the field.
    """
    if not isinstance(item, dict):
        raise Rejected("not_an_object", f"the article is {_describe_type(item)}; send a JSON object")
    _check_depth(item, limits.depth)
    event = _convert(item)
    _check_sizes(event, limits)
    _check_identity(event, limits)
    _check_status(event)
    if event.status != "canceled" and not (_has_content(event.text) or _has_content(event.html)):
        raise Rejected("missing_content", "text and html are both missing or empty; send one of them", field="$.text")
    return event


def _convert(item: dict[str, Any]) -> RawEvent:
    unknown = {name: value for name, value in item.items() if name not in RAW_FIELDS}
    try:
        event = _convert_fields(item)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at ")
        raise Rejected(
            "wrong_type", f"the field has the wrong type: {message}", field=path.strip("`") or None
        ) from None
    _check_surrogates(event)
    extra = {**unknown, **(event.extra or {})}
    if not extra:
        return event
    return msgspec.structs.replace(event, extra=exact_json.escape_if_necessary(extra))


def _convert_fields(item: dict[str, Any]) -> RawEvent:
    try:
        return msgspec.convert(item, RawEvent)
    except msgspec.ValidationError:
        # A number of any size may be in a field of the contract, such as a time: it is a double there.
        fields = {
            name: exact_json.round_numbers(value) for name, value in item.items() if name in RAW_FIELDS - {"extra"}
        }
        return msgspec.convert({**item, **fields}, RawEvent)


def _check_surrogates(event: RawEvent) -> None:
    for name, value in _text_fields(event):
        if value.isascii():
            continue
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise Rejected(
                "lone_surrogate",
                f"{name} contains half of a surrogate pair at character {error.start}; escape characters beyond U+FFFF "
                "as a pair, or send them as UTF-8",
                field=f"$.{name}",
            ) from None


def _text_fields(event: RawEvent) -> Iterator[tuple[str, str]]:
    """All strings of the event but those in ``extra``."""
    for name in _STRINGS:
        value = getattr(event, name)
        if isinstance(value, str):
            yield name, value
    for name in ("authors", "tags"):
        for i, value in enumerate(getattr(event, name) or ()):
            yield f"{name}[{i}]", value
    if isinstance(event.source, Source):
        for name, value in (("source.name", event.source.name), ("source.domain", event.source.domain)):
            if value is not None:
                yield name, value


def _check_depth(item: Mapping[str, Any], limit: int) -> None:
    level: list[Any] = [item]
    for _ in range(limit):
        level = [child for parent in level for child in _nested_values(parent)]
        if not level:
            return
    raise Rejected("too_deep", f"the article is nested deeper than {limit} levels; send flatter fields")


def _nested_values(parent: Any) -> Iterator[Any]:
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
            raise Rejected(
                "too_many_items",
                f"{name} has {len(values)} items; send at most {limits.list_items}",
                field=f"$.{name}",
            )
        for i, value in enumerate(values):
            _check_length(f"{name}[{i}]", value, limits.short_chars, "text_too_large")


def _short_fields(event: RawEvent) -> Iterator[tuple[str, Any]]:
    for name in _SHORT_FIELDS:
        yield name, getattr(event, name)
    if isinstance(event.source, Source):
        yield "source.name", event.source.name
        yield "source.domain", event.source.domain


def _check_lines(text: str | None, limit: int) -> None:
    # Boilerplate is searched for line by line, and a line may be a single character.
    if text is not None and (lines := sum(map(text.count, _LINE_BREAKS)) + 1) > limit:
        raise Rejected("text_too_large", f"text has {lines} lines; send at most {limit}", field="$.text")


def _check_tags(html: str | None, limit: int) -> None:
    # Parsing takes time for each tag; deep nesting is bounded by the parser itself.
    if html is not None and html.count("<") > limit:
        raise Rejected("html_too_large", f"html has {html.count('<')} tags; send at most {limit}", field="$.html")


def _check_length(name: str, value: str | None, limit: int, code: str) -> None:
    if value is not None and len(value) > limit:
        raise Rejected(code, f"{name} has {len(value)} characters; send at most {limit}", field=f"$.{name}")


def _check_identity(event: RawEvent, limits: Limits) -> None:
    if not (_has_content(event.url) or _has_content(event.id)):
        raise Rejected(
            "missing_identity",
            "url and id are both missing or empty; send one of them, so that later versions can be matched",
            field="$.url",
        )
    if event.id is not None and (not event.id.strip() or len(event.id) > limits.id_chars or _CONTROL.search(event.id)):
        raise Rejected(
            "invalid_id",
            f"id is empty, too long or contains control characters; send 1 to {limits.id_chars} characters",
            field="$.id",
        )
    if event.url is not None and not _is_valid_url(event.url, limits.url_chars):
        raise Rejected(
            "invalid_url",
            "url is not absolute, too long or contains control characters; send an http or https URL of at most "
            f"{limits.url_chars} characters",
            field="$.url",
        )
    if event.tenant is not None and not is_valid_tenant(event.tenant):
        raise Rejected(
            "invalid_tenant",
            "tenant is not a valid name; send 1 to 64 ASCII letters, digits, dots, hyphens or underscores that start "
            "with a letter or digit",
            field="$.tenant",
        )


def is_valid_tenant(tenant: str) -> bool:
    """Whether ``tenant`` is 1 to 64 ASCII letters, digits, ``.``, ``-`` or ``_`` that start with a letter or digit."""
    return _TENANT.fullmatch(tenant) is not None


def _is_valid_url(url: str, limit: int) -> bool:
    trimmed = url.strip()
    return len(url) <= limit and bool(_ABSOLUTE_URL.match(trimmed)) and not _CONTROL.search(trimmed)


def _check_status(event: RawEvent) -> None:
    if event.status is not None and event.status not in STATUSES:
        raise Rejected(
            "unknown_status",
            f"status {event.status[:40]!r} is unknown; send one of {', '.join(STATUSES)}, or leave it out",
            field="$.status",
        )


def _has_content(value: str | None) -> bool:
    return value is not None and bool(value.strip())


def _describe_type(value: Any) -> str:
    names: dict[type, str] = {str: "a string", list: "an array", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
