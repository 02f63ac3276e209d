"""Left-to-right and right-to-left text on a terminal: nothing is reordered; lines that mix directions are isolated.

A terminal that implements Unicode's bidirectional algorithm (UAX #9) treats each line as a paragraph of its own. So
text is broken into lines first, and then each line is put between an isolate and its end.
"""

from __future__ import annotations

import os
import unicodedata
from typing import IO, Final

from rich.console import Console
from rich.text import Text

#: Left-to-right isolate, right-to-left isolate, and the end of either.
LRI, RLI, PDI = "\u2066", "\u2067", "\u2069"
#: Columns if nothing says how wide the output is: a log, a pipe.
PLAIN_COLUMNS: Final = 120
_RTL: Final = ("R", "AL")

#: Control and format characters, surrogates, line and paragraph separators.
_INVISIBLE: Final = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
#: Tab, line feed, and the joiners that Persian and Hindi are written with.
_ALLOWED: Final = "\t\n\u200c\u200d"


def console() -> Console:
    """Standard output, as wide as the terminal or as COLUMNS says."""
    out = Console(highlight=False)
    if not out.is_terminal and "COLUMNS" not in os.environ:
        out.width = PLAIN_COLUMNS
    return out


def is_coloured(out: Console) -> bool:
    """Whether colours are shown; if not, signs must take their place."""
    return out.color_system is not None and not out.no_color


def escape_invisible(text: str) -> str:
    r"""Escape the characters of ``text`` that a terminal would interpret, or that nobody would see, as JSON does.

    >>> print(escape_invisible("\u202eabc\x1b[31m"))
    \u202eabc\u001b[31m
    """
    # Most text is printable, which is quick to see; spaces and joiners are not, and no harm.
    return text if text.isprintable() else "".join(map(_escape_char, text))


def _escape_char(char: str) -> str:
    if unicodedata.category(char) not in _INVISIBLE or char in _ALLOWED:
        return char
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def escape_json(line: bytes, out: IO[bytes]) -> bytes:
    """Escape what `escape_invisible` does in a line of JSON if ``out`` is a terminal; the JSON stays the same value."""
    return escape_invisible(line.decode()).encode() if out.isatty() else line


def _escape_styled(text: Text) -> Text:
    if text.plain == escape_invisible(text.plain):
        return text
    pieces: list[Text] = []
    for char in text.divide(range(1, len(text.plain))):
        char.plain = escape_invisible(char.plain)
        pieces.append(char)
    return Text("", style=text.style).join(pieces)


def is_rtl_text(text: str) -> bool:
    """Whether the first letter with a direction is right-to-left (UAX #9, rule P2)."""
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction in (*_RTL, "L"):
            return direction in _RTL
    return False


def isolate(text: Text, *, is_rtl: bool, is_beside: bool = False) -> Text:
    """Isolate one line of ``text`` in the direction of the paragraph that it is part of.

    A line with this direction only is returned unchanged. ``is_beside``: other text is on the same line of the
    terminal, so right-to-left text is isolated in any case.
    """
    directions = {unicodedata.bidirectional(char) for char in text.plain}
    has_rtl = not directions.isdisjoint(_RTL)
    is_mixed = has_rtl and not directions.isdisjoint(("L", "EN", "AN"))
    if not (is_mixed or (has_rtl and (is_beside or not is_rtl)) or (is_rtl and "L" in directions)):
        return text
    return Text.assemble(RLI if is_rtl else LRI, text, PDI)


def phrase(text: str, *, is_rtl: bool | None = None) -> Text:
    """A short text, on one line, for use inside a line of the program's own text."""
    return isolate(
        Text(escape_invisible(" ".join(text.split()))),
        is_rtl=is_rtl_text(text) if is_rtl is None else is_rtl,
        is_beside=True,
    )


def wrap_lines(text: Text, out: Console, *, width: int | None, is_rtl: bool, is_beside: bool = False) -> list[Text]:
    """Break ``text`` into lines of at most ``width`` columns, each isolated if necessary.

    ``width``: None to keep the lines as they are.
    """
    text = _escape_styled(text)
    lines = text.wrap(out, width) if width else text.split(allow_blank=True)
    return [isolate(line, is_rtl=is_rtl, is_beside=is_beside) for line in lines]
