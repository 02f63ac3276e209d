"""Steps for every script: entities, invisible characters, NFC, spaces."""

from __future__ import annotations

import html
import re
import unicodedata

from stream.normalize.arabic import space_arabic_punctuation
from stream.normalize.steps import Fixes, Step, apply

# A character reference with its semicolon, however often its ampersand was escaped itself.
_ENTITY = re.compile(r"&(?:(?:amp|#38|#x26);)*(#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)")
_LINE_BREAK = re.compile(r"\r\n?|[\v\f\x85\u2028\u2029]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
_BIDI = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
# Joiners shape words in Persian, Urdu, Hindi and emoji; beside a space or Latin text they do nothing.
_INVISIBLE = re.compile(
    r"[\u00ad\u180e\u200b\u2060-\u2064\ufeff]|(?<![^\s\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\s\x00-\x7f])"
)
_MAYBE_INVISIBLE = re.compile(r"[\u00ad\u180e\u200b-\u200d\u2060-\u2064\ufeff]")
_ODD_SPACE = re.compile(r"[\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_SPACES = re.compile(r"  +")


def decode_entities(text: str) -> tuple[str, int]:
    """Character references as the characters they stand for; those that stand for none stay."""
    if "&" not in text:
        return text, 0
    count = 0

    def character(match: re.Match[str]) -> str:
        nonlocal count
        reference = "&" + match[1]
        decoded = html.unescape(reference)
        if decoded == reference:
            return match[0]
        count += 1
        return decoded

    return _ENTITY.sub(character, text), count


def unify_line_breaks(text: str) -> tuple[str, int]:
    """Every kind of line break as a line feed."""
    return _LINE_BREAK.subn("\n", text)


def remove_control(text: str) -> tuple[str, int]:
    """Control characters, noncharacters and NUL bytes removed."""
    return _CONTROL.subn("", text)


def remove_bidi(text: str) -> tuple[str, int]:
    """Bidirectional marks removed: direction is published beside the text."""
    return _BIDI.subn("", text)


def remove_invisible(text: str) -> tuple[str, int]:
    """Zero-width spaces, soft hyphens and joiners that join nothing removed."""
    if not _MAYBE_INVISIBLE.search(text):
        return text, 0
    total = 0
    text, count = _INVISIBLE.subn("", text)
    while count:  # removing one may leave the next without a neighbour
        total += count
        text, count = _INVISIBLE.subn("", text)
    return text, total


def compose(text: str) -> tuple[str, int]:
    """Unicode NFC (UAX #15)."""
    if unicodedata.is_normalized("NFC", text):
        return text, 0
    return unicodedata.normalize("NFC", text), 1


def collapse_spaces(text: str) -> tuple[str, int]:
    """Runs of spaces of any kind as one space, none at the edges of paragraphs, no empty paragraphs."""
    text, odd = _ODD_SPACE.subn(" ", text)
    runs = 0
    if "  " in text:
        text, runs = _SPACES.subn(" ", text)
    lines = text.split("\n")
    stripped = [line.strip() for line in lines]
    kept = [line for line in stripped if line]
    edges = sum(map(str.__ne__, lines, stripped)) + len(lines) - len(kept)
    return "\n".join(kept), odd + runs + edges


# Entities may hide characters that other steps remove, so they come first.
TEXT_STEPS: tuple[tuple[str, Step], ...] = (
    ("entities", decode_entities),
    ("line_breaks", unify_line_breaks),
    ("control_characters", remove_control),
    ("bidi_marks", remove_bidi),
    ("invisible_characters", remove_invisible),
    ("nfc", compose),
    ("spaces", collapse_spaces),
    ("arabic_punctuation", space_arabic_punctuation),
)
#: Removing a character can join the halves of what an earlier step looks for; such text is rare, and settles soon.
_PASSES_MAX = 4


def clean_text(text: str, fixes: Fixes) -> str:
    """A text of paragraphs, one a line, with conservative fixes only. Idempotent."""
    for _ in range(_PASSES_MAX):
        before, text = text, apply(TEXT_STEPS, text, fixes)
        if text == before or "&" not in text:
            break
    return text


def clean_line(text: str, fixes: Fixes) -> str:
    """The same for a title or a name: everything on one line."""
    cleaned = clean_text(text, fixes)
    return cleaned.replace("\n", " ")
