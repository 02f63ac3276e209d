"""W3C Trace Context (https://www.w3.org/TR/trace-context/): passed on from a raw record to what is made of it.

Nothing here begins, samples or records a trace: what is valid goes out as it came in, under lower-case names. What is
not valid is left out, and is no reason to reject a record. Baggage is not passed on: it may hold what a scraper would
not show to every consumer, and each article of an array would carry it.
"""

from __future__ import annotations

import re
from typing import Final

from stream.core.contracts.records import Headers

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
#: Bytes of a tracestate, which is left out if it is longer; the standard asks for no fewer.
TRACESTATE_BYTES_MAX: Final = 512
_MEMBERS_MAX: Final = 32
#: Bytes of a traceparent of a later version, which may tell more.
_TRACEPARENT_BYTES_MAX: Final = 128

#: Version 00 exactly, or the same with more behind it in a later version; ff is none, and neither are ids of zeros.
TRACEPARENT_PATTERN: Final = (
    "^(00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
    "|(?!00|ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[ -~]*)?)$"
)
_TRACEPARENT: Final = re.compile(TRACEPARENT_PATTERN[1:-1].encode())
_MEMBER: Final = re.compile(
    rb"([a-z0-9][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
    rb"=[ -+\--<>-~]{0,255}[!-+\--<>-~]"
)
_TRACE_ID: Final = slice(3, 35)
_LENGTHS: Final = frozenset({len(TRACEPARENT), len(TRACESTATE)})


def trace_headers(headers: Headers) -> Headers:
    """The trace context in ``headers``: none, a traceparent, or one with its tracestate."""
    found: list[tuple[str, bytes]] = []
    for name, value in headers:
        if len(name) in _LENGTHS and (lower := name.lower()) in (TRACEPARENT, TRACESTATE):
            found.append((lower, value))
    return _valid(found) if found else ()


def trace_id(headers: Headers) -> str | None:
    """The trace that a record belongs to, 32 hexadecimal digits."""
    found = trace_headers(headers)
    return found[0][1][_TRACE_ID].decode() if found else None


def _valid(found: Headers) -> Headers:
    parents = [value for name, value in found if name == TRACEPARENT]
    if len(parents) != 1 or not _is_parent(parents[0]):
        return ()
    parent = (TRACEPARENT, parents[0])
    state = _state([value for name, value in found if name == TRACESTATE])
    return (parent, (TRACESTATE, state)) if state else (parent,)


def _is_parent(value: bytes | None) -> bool:
    if value is None or len(value) > _TRACEPARENT_BYTES_MAX:  # Kafka knows headers without a value
        return False
    return _TRACEPARENT.fullmatch(value) is not None


def _state(values: list[bytes]) -> bytes | None:
    """The tracestate, several of them joined as HTTP does; None where it is not valid, or too long."""
    whole = b",".join(value or b"" for value in values)
    if len(whole) > TRACESTATE_BYTES_MAX:
        return None
    members = [member for part in whole.split(b",") if (member := part.strip(b" \t"))]
    matches = [_MEMBER.fullmatch(member) for member in members]
    keys = {match[1] for match in matches if match}
    # A key that is there twice, or a member that cannot be read, spoils the whole.
    return whole if members and len(keys) == len(members) <= _MEMBERS_MAX else None
