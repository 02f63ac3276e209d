"""Boilerplate: what a page prints around an article, moved into fields or removed.

Every rule is an anchored pattern over whole lines, or over the first or last words of the text. Whatever is uncertain
stays in the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from stream.core.normalize.boilerplate.agencies import parse_credit
from stream.core.normalize.boilerplate.byline import Byline, read_byline, read_signature
from stream.core.normalize.boilerplate.dateline import Dateline, read_dateline, read_dateline_line, read_inline_source
from stream.core.normalize.boilerplate.edges import (
    Edge,
    edge_line_fix,
    find_glued_end,
    find_glued_start,
    trailing_block,
)
from stream.core.normalize.boilerplate.line_classifier import find_boilerplate_lines
from stream.core.normalize.boilerplate.line_prefixes import are_equal, folded_prefixes
from stream.core.normalize.boilerplate.repeated_paragraphs import find_repeated_paragraphs
from stream.core.normalize.boilerplate.teaser import is_teaser
from stream.core.normalize.fixes import FixCounts

#: A text with more layers of boilerplate is left as it is.
_PASSES_MAX: Final = 4
_TITLE_LETTERS_MIN: Final = 8
_BYLINES_MAX: Final = 3
#: A longer last line is a paragraph.
_END_CHARS_MAX: Final = 240


@dataclass(frozen=True, slots=True)
class ArticleParts:
    """An article's text without boilerplate, and what was moved out of it, verbatim.

    Attributes:
        text: the paragraphs of the article, one per line.
        teaser: the shortened copy of the first paragraph that came before it.
        byline: the author lines and agency credits, joined by `` / ``.
        authors: the names in the author lines.
        dateline: the place and agency at the start of the text, such as ``LONDON (Reuters)``.
        located: the place in the dateline.
        agencies: short international names of the agencies in datelines and credits.
    """

    text: str
    teaser: str | None = None
    byline: str | None = None
    authors: list[str] = field(default_factory=list)
    dateline: str | None = None
    located: str | None = None
    agencies: list[str] = field(default_factory=list)


class BoilerplateState:
    """The remaining lines of a text, and what was found in the removed ones."""

    def __init__(self, title: str | None) -> None:
        self.title = title
        self.folded_title = ""
        self.lines: list[str] = []
        self.folded: list[str] = []
        self.counts: Counter[str] = Counter()
        self.teaser: str | None = None
        self.bylines: list[str] = []
        self.datelines: list[str] = []
        self.located: str | None = None
        self.authors: list[str] = []
        self.agencies: list[str] = []

    def set_text(self, text: str) -> None:
        """Split ``text`` into lines; they are folded only if there are several."""
        self.lines = text.split("\n")
        self.folded = []
        if len(self.lines) > 1:
            self.folded_title, *self.folded = folded_prefixes([self.title or "", *self.lines])

    def remove_lines(self, indexes: Container[int]) -> None:
        """Remove the lines at ``indexes``."""
        self.lines = [line for i, line in enumerate(self.lines) if i not in indexes]
        self.folded = [line for i, line in enumerate(self.folded) if i not in indexes]

    def add_byline(self, byline: Byline) -> None:
        """Record a byline and the authors in it."""
        self.bylines.append(byline.text)
        self.authors += byline.authors

    def add_dateline(self, dateline: Dateline) -> None:
        """Record and count a dateline with its place, agencies and authors."""
        self.datelines.append(dateline.text)
        self.located = self.located or dateline.located
        self.agencies += dateline.agencies
        if dateline.byline:
            self.add_byline(Byline(dateline.byline, dateline.authors))
        self.counts["dateline"] += 1

    def add_credit(self, credit: str) -> None:
        """Record an agency credit, such as ``(AFP)``."""
        self.agencies += parse_credit(credit.strip("()[]* ")) or []
        self.bylines.append(credit)


def remove_boilerplate(text: str, title: str | None, fixes: FixCounts) -> ArticleParts:
    r"""Move bylines, datelines and teasers of a text into fields, remove other boilerplate, and count it in ``fixes``.

    Idempotent. A text that would become empty, or that has too many layers of boilerplate, is returned unchanged.

    Args:
        text: a text cleaned by `clean_text`, one paragraph per line.
        title: the article's cleaned title; the text may repeat it.
        fixes: counts to add to.

    >>> fixes = FixCounts()
    >>> parts = remove_boilerplate("By Ann Lee\nLONDON (AP) - The harbour is closed.\nShare this article", None, fixes)
    >>> parts.text, parts.byline, parts.located, parts.agencies
    ('The harbour is closed.', 'By Ann Lee', 'LONDON', ['AP'])
    >>> dict(fixes)
    {'share_links': 1, 'byline': 1, 'dateline': 1}
    """
    state = BoilerplateState(title)
    before = text
    for _ in range(_PASSES_MAX):
        after = _remove_layer(state, before) if before else ""
        if not after:
            return ArticleParts(text)
        if after == before:
            break
        before = after
    else:
        return ArticleParts(text)
    agencies, located = read_inline_source(before)
    fixes.update(state.counts)
    return ArticleParts(
        before,
        state.teaser,
        _join_distinct(state.bylines),
        list(dict.fromkeys(state.authors)),
        _join_distinct(state.datelines),
        state.located or located,
        list(dict.fromkeys([*state.agencies, *agencies])),
    )


def _join_distinct(parts: list[str]) -> str | None:
    return " / ".join(dict.fromkeys(parts)) or None


def _remove_layer(state: BoilerplateState, text: str) -> str:
    """Return ``text`` without its outermost boilerplate; what that reveals is left to the next pass."""
    state.set_text(text)
    fix, start = find_glued_start(state.lines[0])
    if fix:
        state.lines[0] = state.lines[0][start:]
        state.folded[:1] = folded_prefixes(state.lines[:1]) if state.folded else []
        state.counts[fix] += 1
    if state.folded:
        _remove_boilerplate_lines(state)
        _remove_first_lines(state)
        _remove_last_lines(state)
        _remove_repeated_paragraphs(state)
    if state.lines:
        _cut_first_paragraph(state)
        _cut_last_paragraph(state)
    return "\n".join(state.lines)


def _remove_boilerplate_lines(state: BoilerplateState) -> None:
    fix_by_line = find_boilerplate_lines(state.lines, state.folded)
    if not fix_by_line:
        return
    state.counts.update(fix_by_line.values())
    state.remove_lines(fix_by_line)


def _remove_first_lines(state: BoilerplateState) -> None:
    removed = bylines = 0
    while removed + 1 < len(state.lines):
        line, folded = state.lines[removed], state.folded[removed]
        fix = edge_line_fix(line, folded, Edge.START)
        if not fix and folded == state.folded_title and _is_headline(state, removed):
            fix = "repeated_title"
        elif not fix and is_teaser(state.lines, state.folded, removed):
            state.teaser = state.teaser or line
            fix = "teaser"
        elif not fix and bylines < _BYLINES_MAX and _move_byline_or_dateline(state, line):
            bylines += 1
        elif not fix:
            break
        if fix:
            state.counts[fix] += 1
        removed += 1
    del state.lines[:removed], state.folded[:removed]


def _is_headline(state: BoilerplateState, i: int) -> bool:
    """Whether line ``i`` is the title and at least as much text follows; a news flash may have only its title."""
    missing_letters = len(state.folded[i])
    if missing_letters < _TITLE_LETTERS_MIN or not are_equal(state.lines[i], state.title or ""):
        return False
    for line in islice(state.folded, i + 1, None):
        missing_letters -= len(line)
        if missing_letters <= 0:
            return True
    return False


def _move_byline_or_dateline(state: BoilerplateState, line: str) -> bool:
    byline = read_byline(line)
    if byline:
        state.add_byline(byline)
        state.counts["byline"] += 1
        return True
    dateline = read_dateline_line(line)
    if dateline:
        state.add_dateline(dateline)
    return dateline is not None


def _remove_last_lines(state: BoilerplateState) -> None:
    while len(state.lines) > 1 and len(state.lines[-1]) <= _END_CHARS_MAX:
        fix, count = trailing_block(state.lines) or (_read_last_line(state), 1)
        if not fix:
            break
        del state.lines[-count:], state.folded[-count:]
        state.counts[fix] += 1


def _read_last_line(state: BoilerplateState) -> str | None:
    """Return the fix that removes the last line, and record its credit or byline."""
    line = state.lines[-1]
    fix = edge_line_fix(line, state.folded[-1], Edge.END)
    if fix == "signoff":
        state.add_credit(line)
    byline = None if fix else read_signature(line)
    if byline:
        state.add_byline(byline)
    return "byline" if byline else fix


def _remove_repeated_paragraphs(state: BoilerplateState) -> None:
    repeated = set(find_repeated_paragraphs(state.lines, state.folded))
    if repeated:
        state.counts["repeated_paragraphs"] += len(repeated)
        state.remove_lines(repeated)


def _cut_first_paragraph(state: BoilerplateState) -> None:
    dateline = read_dateline(state.lines[0])
    if dateline:
        state.add_dateline(dateline)
        state.lines[0] = state.lines[0][dateline.end :]


def _cut_last_paragraph(state: BoilerplateState) -> None:
    last = state.lines[-1]
    fix, end = find_glued_end(last)
    if not fix:
        return
    glued = last[end:].strip()
    if fix == "signoff":
        state.add_credit(glued)
    elif fix == "byline":
        state.add_byline(read_signature(glued) or Byline(glued, []))
    state.lines[-1] = last[:end].rstrip()
    state.counts[fix] += 1
