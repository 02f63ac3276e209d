"""Text of both directions on a terminal: nothing is reordered, and lines that mix directions are isolated.

A terminal that knows Unicode's bidirectional algorithm (UAX #9) takes each line for a paragraph of its own, so text is
broken into lines first, and each line is put between an isolate and its end.
"""

from __future__ import annotations

import os
import unicodedata
from typing import Final

from rich.console import Console
from rich.text import Text

#: Left-to-right isolate, right-to-left isolate, and what ends either.
LRI, RLI, PDI = "\u2066", "\u2067", "\u2069"
#: Columns where nothing tells: a log, a pipe.
PLAIN_COLUMNS: Final = 120
_RTL: Final = ("R", "AL")


def console() -> Console:
    """Standard output, as wide as the terminal or as COLUMNS says."""
    made = Console(highlight=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = PLAIN_COLUMNS
    return made


def is_coloured(out: Console) -> bool:
    """Colours are shown; else signs have to tell."""
    return out.color_system is not None and not out.no_color


def is_rtl(text: str) -> bool:
    """The first letter that has a direction is read from the right (UAX #9, rule P2)."""
    for char in text:
        direction = unicodedata.bidirectional(char)
        if direction in (*_RTL, "L"):
            return direction in _RTL
    return False


def isolated(text: Text, *, rtl: bool, beside: bool = False) -> Text:
    """One line of ``text`` in the direction of what it is a part of.

    Unchanged where all of it has that direction. ``beside``: other text stands on the same line, so that what is
    read from the right is isolated anyway.
    """
    directions = {unicodedata.bidirectional(char) for char in text.plain}
    has_rtl = not directions.isdisjoint(_RTL)
    is_mixed = has_rtl and not directions.isdisjoint(("L", "EN", "AN"))
    if not (is_mixed or (has_rtl and (beside or not rtl)) or (rtl and "L" in directions)):
        return text
    return Text.assemble(RLI if rtl else LRI, text, PDI)


def phrase(text: str, *, rtl: bool | None = None) -> Text:
    """A short text inside a line of ours."""
    return isolated(Text(" ".join(text.split())), rtl=is_rtl(text) if rtl is None else rtl, beside=True)


def wrapped(text: Text, out: Console, *, width: int | None, rtl: bool, beside: bool = False) -> list[Text]:
    """The lines of ``text``, at most ``width`` columns wide, each one isolated where it needs that."""
    lines = text.wrap(out, width) if width else text.split(allow_blank=True)
    return [isolated(line, rtl=rtl, beside=beside) for line in lines]
