"""Remnants of HTML in what should be plain text."""

from __future__ import annotations

import html
import re
from html.entities import html5
from typing import Final

# A character reference with its semicolon, however often its ampersand was escaped.
_ENTITY: Final = re.compile(
    r"&((?:(?:amp|AMP|#0{0,4}38|#[xX]0{0,4}26);)*)(#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)"
)
# Lower-case tags only: agencies write ticker symbols in angle brackets, such as <BP>.
_ATTRIBUTES_CHARS_MAX: Final = 2_000
_TAG: Final = re.compile(
    rf"<(/?)(p|br|div|li|ul|ol|h[1-6]|tr|td|table|blockquote|section|figure|figcaption|span|strong|em|font|img|iframe"
    rf"|small|sup|sub|b|i|u|a)((?: [^<>\n]{{0,{_ATTRIBUTES_CHARS_MAX}}})?)/?>"
)
_INLINE: Final = frozenset({"span", "strong", "em", "font", "small", "sup", "sub", "b", "i", "u", "a"})


def decode_entities(text: str) -> tuple[str, int]:
    """Replace character references by their characters (HTML, section 13.5); unknown ones stay.

    >>> decode_entities("Smith &amp;amp; Sons, &#1582;&#1576;&#1585;, &unknown;")
    ('Smith & Sons, خبر, &unknown;', 4)
    """
    count = 0

    def decode(match: re.Match[str]) -> str:
        nonlocal count
        escapes, reference = match.groups()
        decoded = html.unescape("&" + reference) if reference[0] == "#" else html5.get(reference, "&" + reference)
        if not escapes and decoded == match[0]:
            return decoded
        count += 1
        return decoded

    return _ENTITY.sub(decode, text), count


def remove_tags(text: str) -> tuple[str, int]:
    r"""Replace block tags by line breaks and remove inline tags.

    An opening inline tag is removed only if the text closes a tag of that name; ``<b>`` alone may be anything.

    >>> remove_tags("<p>One <b>bold</b> word.</p>Shares of <BP> rose.")
    ('\nOne bold word.\nShares of <BP> rose.', 4)
    """
    count = 0
    closed = frozenset(match[2] for match in _TAG.finditer(text) if match[1])

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        name = match[2]
        if name not in _INLINE:
            count += 1
            return "\n"
        if not match[1] and name not in closed:
            return match[0]
        count += 1
        return ""

    return _TAG.sub(replace, text), count
