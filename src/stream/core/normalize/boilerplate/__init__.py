"""Page furniture: what a page prints around an article, moved into fields or removed.

Every step is an anchored pattern over whole lines, or over the first or last words of the text. What is not certain
stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from stream.core.normalize.boilerplate.agencies import credited
from stream.core.normalize.boilerplate.byline import Byline, read_byline, read_signature
from stream.core.normalize.boilerplate.dateline import Dateline, named_source, read_dateline, read_dateline_line
from stream.core.normalize.boilerplate.edges import cut_beginning, cut_end, end_block, end_line
from stream.core.normalize.boilerplate.line_classifier import Kind, classify
from stream.core.normalize.boilerplate.line_prefixes import are_equal, heads
from stream.core.normalize.boilerplate.repeated_paragraphs import repeated
from stream.core.normalize.boilerplate.teaser import is_teaser
from stream.core.normalize.fixes import Fixes

#: Text that is layered deeper is left as it came.
_PASSES_MAX: Final = 4
_TITLE_LETTERS_MIN: Final = 8
_BYLINES_MAX: Final = 3
#: A longer last line is a paragraph.
_END_CHARS_MAX: Final = 240


@dataclass(frozen=True, slots=True)
class Body:
    """An article without its furniture, and what was moved out of it, verbatim.

    ``byline``: who wrote it, as the page had it, and ``authors`` the names in it. ``dateline``: place and agency that
    the text opened with, ``located`` the place in it. ``agencies``: short international names of those that are named
    there or sign the text.
    """

    text: str
    teaser: str | None = None
    byline: str | None = None
    authors: list[str] = field(default_factory=list)
    dateline: str | None = None
    located: str | None = None
    agencies: list[str] = field(default_factory=list)


class _Page:
    """The lines of a text while it is read, and what has been found in them."""

    def __init__(self, title: str | None) -> None:
        self.title = title
        self.title_letters = ""
        self.lines: list[str] = []
        self.folded: list[str] = []
        self.counts: Counter[str] = Counter()
        self.teaser: str | None = None
        self.bylines: list[str] = []
        self.datelines: list[str] = []
        self.located: str | None = None
        self.authors: list[str] = []
        self.agencies: list[str] = []

    def read(self, text: str) -> None:
        self.lines = text.split("\n")
        self.folded = []
        if len(self.lines) > 1:
            self.title_letters, *self.folded = heads([self.title or "", *self.lines])

    def drop(self, places: Container[int]) -> None:
        self.lines = [line for place, line in enumerate(self.lines) if place not in places]
        self.folded = [line for place, line in enumerate(self.folded) if place not in places]

    def sign(self, byline: Byline) -> None:
        self.bylines.append(byline.text)
        self.authors += byline.authors

    def place(self, dateline: Dateline) -> None:
        self.datelines.append(dateline.text)
        self.located = self.located or dateline.located
        self.agencies += dateline.agencies
        if dateline.byline:
            self.sign(Byline(dateline.byline, dateline.authors))
        self.counts["dateline"] += 1


def strip_furniture(text: str, title: str | None, fixes: Fixes) -> Body:
    """``text``, which is clean and has a paragraph a line, without its furniture. Idempotent; never empties a text."""
    page = _Page(title)
    before = text
    for _ in range(_PASSES_MAX):
        after = _strip(page, before) if before else ""
        if not after:
            return Body(text)
        if after == before:
            break
        before = after
    else:
        return Body(text)
    agencies, located = named_source(before)
    fixes.update(page.counts)
    return Body(
        before,
        page.teaser,
        _joined(page.bylines),
        list(dict.fromkeys(page.authors)),
        _joined(page.datelines),
        page.located or located,
        list(dict.fromkeys([*page.agencies, *agencies])),
    )


def _joined(parts: list[str]) -> str | None:
    return " / ".join(dict.fromkeys(parts)) or None


def _strip(page: _Page, text: str) -> str:
    page.read(text)
    step, start = cut_beginning(page.lines[0])
    if step:
        page.lines[0] = page.lines[0][start:]
        page.folded[:1] = heads(page.lines[:1]) if page.folded else []
        page.counts[step] += 1
    if page.folded:
        _drop_lines(page)
        _drop_beginning(page)
        _drop_end(page)
        _drop_repeats(page)
    if page.lines:
        _cut_edges(page)
    return "\n".join(page.lines)


def _drop_lines(page: _Page) -> None:
    """Lines that are furniture wherever they stand, and buttons beside them."""
    steps = classify(page.lines, page.folded)
    if not steps:
        return
    page.counts.update(steps.values())
    page.drop(steps)


def _drop_beginning(page: _Page) -> None:
    at = bylines = 0
    while at + 1 < len(page.lines):
        line, folded = page.lines[at], page.folded[at]
        step = end_line(line, folded, Kind.BEGINNING)
        if not step and folded == page.title_letters and _is_headline(page, at):
            step = "repeated_title"
        elif not step and is_teaser(page.lines, page.folded, at):
            page.teaser = page.teaser or line
            step = "teaser"
        elif not step and bylines < _BYLINES_MAX and _moved(page, line):
            bylines += 1
        elif not step:
            break
        if step:
            page.counts[step] += 1
        at += 1
    del page.lines[:at], page.folded[:at]


def _is_headline(page: _Page, at: int) -> bool:
    """Whether the line ``at`` is the title and heads a text. A news flash may have nothing else."""
    missing = len(page.folded[at])
    if missing < _TITLE_LETTERS_MIN or not are_equal(page.lines[at], page.title or ""):
        return False
    for line in islice(page.folded, at + 1, None):
        missing -= len(line)
        if missing <= 0:
            return True
    return False


def _moved(page: _Page, line: str) -> bool:
    byline = read_byline(line)
    if byline:
        page.sign(byline)
        page.counts["byline"] += 1
        return True
    dateline = read_dateline_line(line)
    if dateline:
        page.place(dateline)
    return dateline is not None


def _drop_end(page: _Page) -> None:
    while len(page.lines) > 1 and len(page.lines[-1]) <= _END_CHARS_MAX:
        step, count = end_block(page.lines) or (_read_end(page), 1)
        if not step:
            break
        del page.lines[-count:], page.folded[-count:]
        page.counts[step] += 1


def _read_end(page: _Page) -> str | None:
    line = page.lines[-1]
    step = end_line(line, page.folded[-1], Kind.END)
    if step == "signoff":
        _sign_off(page, line)
    byline = None if step else read_signature(line)
    if byline:
        page.sign(byline)
    return "byline" if byline else step


def _sign_off(page: _Page, credit: str) -> None:
    page.agencies += credited(credit.strip("()[]* ")) or []
    page.bylines.append(credit)


def _drop_repeats(page: _Page) -> None:
    places = set(repeated(page.lines, page.folded))
    if places:
        page.counts["repeated_paragraphs"] += len(places)
        page.drop(places)


def _cut_edges(page: _Page) -> None:
    """Furniture that is glued to the first or the last paragraph."""
    dateline = read_dateline(page.lines[0])
    if dateline:
        page.place(dateline)
        page.lines[0] = page.lines[0][dateline.end :]
    last = page.lines[-1]
    glued_step, end = cut_end(last)
    if not glued_step:
        return
    glued = last[end:].strip()
    if glued_step == "signoff":
        _sign_off(page, glued)
    elif glued_step == "byline":
        page.sign(read_signature(glued) or Byline(glued, []))
    page.lines[-1] = last[:end].rstrip()
    page.counts[glued_step] += 1
