"""Classifies lines: boilerplate anywhere, or only at an edge of the text or next to other boilerplate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from functools import cache
from typing import Final

from stream.core.folding import fold_letters
from stream.core.normalize.boilerplate import phrases
from stream.core.normalize.boilerplate.line_prefixes import CHARS_MAX


class LineKind(Enum):
    """Where a line counts as boilerplate."""

    ANYWHERE = "anywhere"
    #: At an edge of the text, or next to other boilerplate.
    BUTTON = "button"
    #: Between paragraphs and at the end.
    ADVERTISING = "advertising"


_PREFIX_LETTERS: Final = 4
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
_COPYRIGHT_FIRST_CHARS: Final = "©(Cح"
_SENTENCE_MARKS: Final = ".۔。।…؛;:：,،"
_STOPS: Final = ".۔。।؟?!！？\"”»'’)…"


@cache
def _phrase_table() -> dict[str, tuple[str, LineKind]]:
    """Folded line -> (fix, kind)."""
    table: dict[str, tuple[str, LineKind]] = dict.fromkeys(
        _fold_phrases(phrases.ADVERTISING), ("advertising", LineKind.ADVERTISING)
    )
    for kind, phrases_by_fix in ((LineKind.BUTTON, phrases.BUTTONS), (LineKind.ANYWHERE, phrases.LINES)):
        for fix, by_language in phrases_by_fix.items():
            table.update(dict.fromkeys(_fold_phrases(by_language), (fix, kind)))
    return table


@cache
def _line_starts() -> dict[str, list[tuple[str, str]]]:
    """First folded letters -> (folded start of a line, fix)."""
    starts: dict[str, list[tuple[str, str]]] = {}
    for fix, entry in phrases.STARTS.items():
        for phrase in map(fold_letters, phrases.split_phrases(entry)):
            starts.setdefault(phrase[:_PREFIX_LETTERS], []).append((phrase, fix))
    return starts


@cache
def _read_also_markers() -> tuple[frozenset[str], frozenset[str]]:
    """(folded markers, their first letters)."""
    markers = frozenset(_fold_phrases(phrases.READ_ALSO))
    return markers, frozenset(marker[:_PREFIX_LETTERS] for marker in markers)


@cache
def _counter_pattern() -> re.Pattern[str]:
    nouns = "|".join(re.escape(noun) for by_language in phrases.COUNTED.values() for noun in _fold_phrases(by_language))
    return re.compile(rf"[0-9]{{1,9}}(?:{nouns})|(?:{nouns})[0-9]{{1,9}}")


def _fold_phrases(by_language: dict[str, str]) -> Iterable[str]:
    return (fold_letters(phrase) for entry in by_language.values() for phrase in phrases.split_phrases(entry))


def match_line(line: str, folded: str) -> tuple[str, LineKind] | None:
    """Return (fix, kind) of a line that may be boilerplate; ``folded`` is its `folded_prefixes` entry.

    >>> match_line("12 comments", "12comments")
    ('counters', <LineKind.ANYWHERE: 'anywhere'>)
    """
    match = _phrase_table().get(folded)
    if match:
        is_prose = line[0].islower() or (match[1] is LineKind.BUTTON and line[-1] in ".,;،")
        return None if is_prose else match
    for phrase, fix in _line_starts().get(folded[:_PREFIX_LETTERS], ()):
        if folded.startswith(phrase) and _has_expected_end(fix, line):
            return fix, LineKind.ANYWHERE
    if line[0] in _COPYRIGHT_FIRST_CHARS and _COPYRIGHT.fullmatch(line):
        return "copyright", LineKind.ANYWHERE
    if len(folded) <= _COUNTER_LETTERS_MAX and line[-1] != "." and (folded[:1].isdigit() or folded[-1:].isdigit()):
        return ("counters", LineKind.ANYWHERE) if _counter_pattern().fullmatch(folded) else None
    return None


def _has_expected_end(fix: str, line: str) -> bool:
    """Whether a line that starts like boilerplate for ``fix`` also ends like it."""
    if fix == "tag_lines":
        has_colon = ":" in line[:_TAGS_COLON_WITHIN] or "：" in line[:_TAGS_COLON_WITHIN]
        return line[-1] not in _SENTENCE_MARKS and has_colon
    if fix == "photo_credits":
        return len(line) <= _CREDIT_CHARS_MAX and line[-1] not in _SENTENCE_MARKS
    return not line[0].islower() or fix == "publication_notes"


def find_boilerplate_lines(lines: Sequence[str], folded: Sequence[str]) -> dict[int, str]:
    """Return index -> fix of each line that is boilerplate where it is in the text.

    Args:
        lines: the lines of a text.
        folded: their `folded_prefixes`.

    >>> from stream.core.normalize.boilerplate.line_prefixes import folded_prefixes
    >>> lines = ["Share", "The harbour is closed.", "Read more:", "Bridge to close for weeks", "It reopens."]
    >>> find_boilerplate_lines(lines, folded_prefixes(lines))
    {2: 'read_also', 3: 'read_also', 0: 'share_links'}
    """
    matches: dict[int, tuple[str, LineKind]] = {}
    fix_by_line: dict[int, str] = {}
    marker_prefixes = _read_also_markers()[1]
    for i, folded_line in enumerate(folded):
        if len(lines[i]) > CHARS_MAX or i in fix_by_line or not folded_line:
            continue
        if folded_line[:_PREFIX_LETTERS] in marker_prefixes:
            fix_by_line.update(dict.fromkeys(_read_also_lines(lines, folded, i), "read_also"))
        match = match_line(lines[i], folded_line) if i not in fix_by_line else None
        if match:
            matches[i] = match
    candidates = matches.keys() | fix_by_line.keys()
    for i, (fix, kind) in matches.items():
        if i not in fix_by_line and (kind is LineKind.ANYWHERE or _is_set_apart(lines, i, kind, candidates)):
            fix_by_line[i] = fix
    return fix_by_line


def _is_set_apart(lines: Sequence[str], i: int, kind: LineKind, candidates: AbstractSet[int]) -> bool:
    """Whether a line of this kind is boilerplate at index ``i``, as far as its neighbours show."""
    if kind is LineKind.ADVERTISING:
        return i > 0 and lines[i - 1][-1] in _STOPS
    return i - 1 in candidates or i + 1 in candidates or i == len(lines) - 1 or i == 0


def _read_also_lines(lines: Sequence[str], folded: Sequence[str], i: int) -> range:
    """Return the marker at ``i`` and the headlines that it introduces; an empty range if the line is no marker."""
    markers = _read_also_markers()[0]
    line = lines[i]
    if folded[i] not in markers:
        label, colon, _ = line.replace("：", ":").partition(":")
        has_marker = colon and fold_letters(label) in markers
        return range(i, i + 1) if has_marker else range(0)
    if line[0].islower() or line[-1] in ".,":
        return range(0)
    end = i + 1
    while end < len(lines) and end - i <= _HEADLINES_MAX and _is_headline(lines[end], folded[end]):
        end += 1
    is_before_text = end < len(lines) and not match_line(lines[end], folded[end])
    if is_before_text and end > i + 1 and _is_last_line_subheading(folded, i + 1, end):
        end -= 1
    return range(i, end)


def _is_headline(line: str, folded: str) -> bool:
    return len(line) <= _HEADLINE_CHARS_MAX and line[-1] not in _SENTENCE_MARKS and not match_line(line, folded)


def _is_last_line_subheading(folded: Sequence[str], start: int, end: int) -> bool:
    """Whether the last line from ``start`` to ``end`` is a subheading of the text after it: it is far shorter."""
    last = len(folded[end - 1])
    if end - start == 1:
        return last < _HEADLINE_LETTERS_MIN
    mean = sum(map(len, folded[start : end - 1])) / (end - start - 1)
    return last < _SUBHEADING_SHARE * mean
