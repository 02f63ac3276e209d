"""W3C Trace Context (https://www.w3.org/TR/trace-context/): passed from a raw record to everything made from it.

Nothing here starts, samples or records a trace: valid headers are passed on unchanged, under lower-case names. Invalid
headers are dropped, and are no reason to reject a record. Baggage is not passed on: it may contain what a scraper does
not want to show to every consumer, and every article of an array would carry it.
"""

from __future__ import annotations

import re
from typing import Final

from stream.core.contracts.records import Headers

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"
#: A longer tracestate is dropped; the standard requires at least this many bytes.
TRACESTATE_BYTES_MAX: Final = 512
_MEMBERS_MAX: Final = 32
#: Limit for a traceparent of a later version, which may have more fields.
_TRACEPARENT_BYTES_MAX: Final = 128

#: Version 00 exactly, or a later version with optional further fields. Version ff and ids of zeros are invalid.
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
    """The valid trace context in ``headers``: nothing, a traceparent, or a traceparent and a tracestate."""
    context: list[tuple[str, bytes]] = []
    for name, value in headers:
        if len(name) in _LENGTHS and (lower := name.lower()) in (TRACEPARENT, TRACESTATE):
            context.append((lower, value))
    return _keep_valid(context) if context else ()


def trace_id(headers: Headers) -> str | None:
    """The id of the trace that a record belongs to, 32 hexadecimal digits; None if there is none."""
    context = trace_headers(headers)
    return context[0][1][_TRACE_ID].decode() if context else None


def _keep_valid(context: Headers) -> Headers:
    parents = [value for name, value in context if name == TRACEPARENT]
    if len(parents) != 1 or not _is_traceparent(parents[0]):
        return ()
    parent = (TRACEPARENT, parents[0])
    state = _join_states([value for name, value in context if name == TRACESTATE])
    return (parent, (TRACESTATE, state)) if state else (parent,)


def _is_traceparent(value: bytes | None) -> bool:
    if value is None or len(value) > _TRACEPARENT_BYTES_MAX:  # a Kafka header may have no value
        return False
    return _TRACEPARENT.fullmatch(value) is not None


def _join_states(values: list[bytes]) -> bytes | None:
    """Join several tracestates to one, as HTTP does; None if it is not valid, or too long."""
    tracestate = b",".join(value or b"" for value in values)
    if len(tracestate) > TRACESTATE_BYTES_MAX:
        return None
    members = [member for part in tracestate.split(b",") if (member := part.strip(b" \t"))]
    matches = [_MEMBER.fullmatch(member) for member in members]
    keys = {match[1] for match in matches if match}
    # A repeated key, or an invalid member, makes the whole tracestate invalid.
    return tracestate if members and len(keys) == len(members) <= _MEMBERS_MAX else None
