r"""JSON values that other programs cannot hold, in a form that they can, and back.

PostgreSQL's ``jsonb`` refuses U+0000 and halves of surrogate pairs, and most programs read numbers as 64-bit integers
or doubles. Unknown fields of raw events are passed on, so what they hold is escaped:

- In strings and names, U+0000 and a lone surrogate become the six characters of their JSON escape, ``\u0000``. The
  backslashes right before one, and right before text that looks like one, are doubled.
- A number that neither a 64-bit integer nor a double holds exactly becomes ``{"$number": "123…"}``, with its digits as
  they were sent. An object whose only name is ``$number`` gets another ``$`` in front of it, as ``$$number`` does.

`restore` is the inverse of `escape`; nothing else is changed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import orjson

_NUMBER_NAME: Final = re.compile(r"\$+number")
_PLAIN_NUMBER: Final = "$number"
_UNSAFE: Final = re.compile(r"(\\*)([\0\ud800-\udfff])|(\\+)(u(?:0000|d[89a-f][0-9a-f]{2}))")
_ESCAPED: Final = re.compile(r"(\\+)u(0000|d[89a-f][0-9a-f]{2})")
#: What JSON as orjson writes it contains if there may be anything to escape.
_SIGNS: Final = (rb"\u0000", rb"\\u", b'$number"')
#: What the text of a number contains that a double may not hold: 17 digits or more, or an exponent of two or more.
_LONG_NUMBER: Final = re.compile(rb"[0-9][0-9.]{16}|[0-9.][eE][+-]?[0-9]{2}")
_INT_DIGITS_MAX: Final = 20
_INT_MIN: Final = -(2**63)
_INT_MAX: Final = 2**64 - 1


@dataclass(frozen=True, slots=True)
class ExactNumber:
    """A number that neither a 64-bit integer nor a double holds exactly: its text in the JSON."""

    text: str


def may_be_inexact(value: bytes, parsed: Any) -> bool:
    """Whether a number in the JSON ``value`` may differ from what orjson made of it, ``parsed``.

    orjson reads integers of more than 64 bits as doubles, so only those have to be looked for.
    """
    return _has_float(parsed) and _LONG_NUMBER.search(value) is not None


def _has_float(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        return any(_has_float(child) for child in value.values() if type(child) is not str)
    if kind is list:
        return any(_has_float(child) for child in value if type(child) is not str)
    return kind is float


def parse_exactly(value: bytes) -> Any:
    r"""Parse JSON as orjson does, and also lone surrogates, and numbers of any size as `ExactNumber`.

    >>> parse_exactly(rb'["\ud83d", 18446744073709551616, 1e400, 0.5]')
    ['\ud83d', ExactNumber(text='18446744073709551616'), ExactNumber(text='1e400'), 0.5]

    Raises:
        UnicodeDecodeError: The value is not UTF-8.
        ValueError: The value is not JSON.
        RecursionError: It is nested too deeply.
    """
    return json.loads(value.decode(), parse_int=_parse_int, parse_float=_parse_float, parse_constant=_refuse_constant)


def _parse_int(text: str) -> int | ExactNumber:
    if len(text) <= _INT_DIGITS_MAX and _INT_MIN <= (number := int(text)) <= _INT_MAX:
        return number
    return ExactNumber(text)


def _parse_float(text: str) -> float | ExactNumber:
    number = float(text)
    try:
        return number if Decimal(repr(number)) == Decimal(text) else ExactNumber(text)
    except InvalidOperation:  # an exponent beyond those of decimals
        return ExactNumber(text)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def round_numbers(value: Any) -> Any:
    """Return ``value`` with every `ExactNumber` as a double: of a field whose type the contract defines."""
    if isinstance(value, ExactNumber):
        return float(value.text)
    if isinstance(value, dict):
        return {name: round_numbers(child) for name, child in value.items()}
    return [round_numbers(child) for child in value] if isinstance(value, list) else value


def escape_if_necessary(value: dict[str, Any]) -> dict[str, Any]:
    r"""Return ``value`` itself, or escaped if anything in it has to be.

    >>> escape_if_necessary({"views": 7, "a\0b": [ExactNumber("1e400")]})
    {'views': 7, 'a\\u0000b': [{'$number': '1e400'}]}
    """
    try:
        plain = orjson.dumps(value, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError:  # a lone surrogate, or an `ExactNumber`
        return escape(value)  # type: ignore[no-any-return]  # an object of other names at most
    return escape(value) if any(sign in plain for sign in _SIGNS) else value


def escape(value: Any) -> Any:
    """Return ``value`` with everything escaped that the module's description lists."""
    if isinstance(value, str):
        return escape_text(value)
    if isinstance(value, ExactNumber):
        return {_PLAIN_NUMBER: value.text}
    if isinstance(value, list):
        return [escape(child) for child in value]
    if not isinstance(value, dict):
        return value
    names = [escape_text(name) for name in value]
    if len(names) == 1 and _NUMBER_NAME.fullmatch(names[0]):
        names = ["$" + names[0]]
    return dict(zip(names, map(escape, value.values()), strict=True))


def restore(value: Any) -> Any:
    r"""Return what `escape` was given; numbers come back as `ExactNumber`.

    >>> restore({"a\\u0000b": [{"$number": "1e400"}]})
    {'a\x00b': [ExactNumber(text='1e400')]}
    """
    if isinstance(value, str):
        return restore_text(value)
    if isinstance(value, list):
        return [restore(child) for child in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, child),) = value.items()
        if name == _PLAIN_NUMBER:
            return ExactNumber(child)
        if _NUMBER_NAME.fullmatch(name):
            return {name[1:]: restore(child)}
    return {restore_text(name): restore(child) for name, child in value.items()}


def escape_text(text: str) -> str:
    r"""Escape U+0000 and lone surrogates in ``text``.

    >>> print(escape_text("a\0b \\u0000 C:\\users"))
    a\u0000b \\u0000 C:\users
    """
    return _UNSAFE.sub(_escape_match, text)


def _escape_match(match: re.Match[str]) -> str:
    backslashes, char, literal_backslashes, literal = match.groups()
    if char is None:
        return literal_backslashes * 2 + str(literal)
    return f"{backslashes * 2}\\u{ord(char):04x}"


def restore_text(text: str) -> str:
    r"""Return what `escape_text` was given.

    >>> restore_text("a\\u0000b")
    'a\x00b'
    """
    return _ESCAPED.sub(_restore_match, text)


def _restore_match(match: re.Match[str]) -> str:
    backslashes, digits = match.groups()
    half = backslashes[: len(backslashes) // 2]
    return half + (chr(int(digits, 16)) if len(backslashes) % 2 else f"u{digits}")
