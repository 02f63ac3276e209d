"""Which lines are furniture by their whole shape, and which of them only at an edge or among others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from functools import cache
from typing import Final

from stream.core.folding import letters
from stream.core.normalize.boilerplate import phrases
from stream.core.normalize.boilerplate.line_prefixes import CHARS_MAX


class Kind(Enum):
    """Where a line counts as furniture."""

    ANYWHERE = "anywhere"
    #: At an edge of the text, or beside other furniture.
    BUTTON = "button"
    #: Between paragraphs and at the end.
    ADVERTISING = "advertising"
    BEGINNING = "beginning"
    END = "end"


_PREFIX: Final = 4
_CREDIT_CHARS_MAX: Final = 60
_TAGS_COLON_WITHIN: Final = 30
_COUNTER_LETTERS_MAX: Final = 28
_HEADLINE_CHARS_MAX: Final = 130
_HEADLINES_MAX: Final = 6
_HEADLINE_LETTERS_MIN: Final = 14
_SUBHEADING_SHARE: Final = 0.6
_COPYRIGHT: Final = re.compile(
    r"(?:Copyright|COPYRIGHT|copyright|حقوق النشر)? ?(?:©|\([cC]\)) ?.{0,120}"
    r"|(?:Copyright|COPYRIGHT) (?:19|20)[0-9]{2}[ ,.\-–].{0,110}"
)
_COPYRIGHT_FIRST: Final = "©(Cح"
_SENTENCE_END: Final = ".۔。।…؛;:：,،"
_STOPS: Final = ".۔。।؟?!！？\"”»'’)…"


def _of(table: dict[str, str]) -> Iterable[str]:
    return (letters(phrase) for written in table.values() for phrase in phrases.listed(written))


@cache
def _table() -> dict[str, tuple[str, Kind]]:
    known: dict[str, tuple[str, Kind]] = dict.fromkeys(_of(phrases.ADVERTISING), ("advertising", Kind.ADVERTISING))
    for kind, steps in ((Kind.BUTTON, phrases.BUTTONS), (Kind.ANYWHERE, phrases.LINES)):
        for step, table in steps.items():
            known.update(dict.fromkeys(_of(table), (step, kind)))
    return known


@cache
def _starts() -> dict[str, list[tuple[str, str]]]:
    starts: dict[str, list[tuple[str, str]]] = {}
    for step, written in phrases.STARTS.items():
        for phrase in map(letters, phrases.listed(written)):
            starts.setdefault(phrase[:_PREFIX], []).append((phrase, step))
    return starts


@cache
def _read_also() -> tuple[frozenset[str], frozenset[str]]:
    markers = frozenset(_of(phrases.READ_ALSO))
    return markers, frozenset(marker[:_PREFIX] for marker in markers)


@cache
def _counters() -> re.Pattern[str]:
    nouns = "|".join(re.escape(noun) for table in phrases.COUNTED.values() for noun in _of(table))
    return re.compile(rf"[0-9]{{1,9}}(?:{nouns})|(?:{nouns})[0-9]{{1,9}}")


def kind_of(line: str, folded: str) -> tuple[str, Kind] | None:
    """(step, where it counts) of a line that may be furniture."""
    known = _table().get(folded)
    if known:
        return None if line[0].islower() or (known[1] is Kind.BUTTON and line[-1] in ".,;،") else known
    for phrase, step in _starts().get(folded[:_PREFIX], ()):
        if folded.startswith(phrase) and _ends_as(step, line):
            return step, Kind.ANYWHERE
    if line[0] in _COPYRIGHT_FIRST and _COPYRIGHT.fullmatch(line):
        return "copyright", Kind.ANYWHERE
    if len(folded) <= _COUNTER_LETTERS_MAX and line[-1] != "." and (folded[:1].isdigit() or folded[-1:].isdigit()):
        return ("counters", Kind.ANYWHERE) if _counters().fullmatch(folded) else None
    return None


def _ends_as(step: str, line: str) -> bool:
    if step == "tag_lines":
        return line[-1] not in _SENTENCE_END and (":" in line[:_TAGS_COLON_WITHIN] or "：" in line[:_TAGS_COLON_WITHIN])
    if step == "photo_credits":
        return len(line) <= _CREDIT_CHARS_MAX and line[-1] not in _SENTENCE_END
    return not line[0].islower() or step == "publication_notes"


def classify(lines: Sequence[str], folded: Sequence[str]) -> dict[int, str]:
    """The lines that are furniture where they stand -> the step that takes them out."""
    kinds: dict[int, tuple[str, Kind]] = {}
    found: dict[int, str] = {}
    starts = _read_also()[1]
    for place, letters_of_line in enumerate(folded):
        if len(lines[place]) > CHARS_MAX or place in found or not letters_of_line:
            continue
        if letters_of_line[:_PREFIX] in starts:
            found.update(dict.fromkeys(_read_also_lines(lines, folded, place), "read_also"))
        kind = kind_of(lines[place], letters_of_line) if place not in found else None
        if kind:
            kinds[place] = kind
    others = kinds.keys() | found.keys()
    for place, (step, kind_found) in kinds.items():
        if place not in found and (kind_found is Kind.ANYWHERE or _stands_apart(lines, place, kind_found, others)):
            found[place] = step
    return found


def _stands_apart(lines: Sequence[str], place: int, kind: Kind, others: AbstractSet[int]) -> bool:
    if kind is Kind.ADVERTISING:
        return place > 0 and lines[place - 1][-1] in _STOPS
    return place - 1 in others or place + 1 in others or place == len(lines) - 1 or place == 0


def _read_also_lines(lines: Sequence[str], folded: Sequence[str], place: int) -> range:
    """The marker and the headlines that it introduces; none where the line is no marker."""
    markers = _read_also()[0]
    line = lines[place]
    if folded[place] not in markers:
        label, colon, _ = line.replace("：", ":").partition(":")
        marked = colon and letters(label) in markers
        return range(place, place + 1) if marked else range(0)
    if line[0].islower() or line[-1] in ".,":
        return range(0)
    end = place + 1
    while end < len(lines) and end - place <= _HEADLINES_MAX and _is_headline(lines[end], folded[end]):
        end += 1
    before_text = end < len(lines) and not kind_of(lines[end], folded[end])
    if before_text and end > place + 1 and _is_subheading(folded, place + 1, end):
        end -= 1
    return range(place, end)


def _is_headline(line: str, folded: str) -> bool:
    return len(line) <= _HEADLINE_CHARS_MAX and line[-1] not in _SENTENCE_END and not kind_of(line, folded)


def _is_subheading(folded: Sequence[str], start: int, end: int) -> bool:
    """The last of the lines from ``start`` to ``end`` belongs to the paragraph behind them: it is far shorter."""
    last = len(folded[end - 1])
    if end - start == 1:
        return last < _HEADLINE_LETTERS_MIN
    mean = sum(map(len, folded[start : end - 1])) / (end - start - 1)
    return last < _SUBHEADING_SHARE * mean
