"""Steps for every script: entities, invisible characters, NFC, spaces."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from html.entities import html5
from typing import Final

from stream.normalize.arabic import space_arabic_punctuation
from stream.normalize.steps import Fixes, Step, apply

# A character reference with its semicolon, however often its ampersand was escaped itself.
_ENTITY: Final = re.compile(
    r"&((?:(?:amp|AMP|#0{0,4}38|#[xX]0{0,4}26);)*)(#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|[A-Za-z][A-Za-z0-9]{1,31};)"
)
# Patterns begin with a plain set where they can: the engine searches for it several times faster.
_LINE_BREAK: Final = re.compile(r"[\r\v\f\x85\u2028\u2029](?:(?<=\r)\n)?")
_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
_BIDI: Final = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_INVISIBLE: Final = re.compile(r"[\u00ad\u180e\u200b\u2060-\u2064\ufeff]")
_JOINERS: Final = re.compile(r"[\u200c\u200d][\u200c\u200d]*")
_ODD_SPACE: Final = re.compile(r"[\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"
    r"\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_SPACES: Final = re.compile(r"  +")
#: More combining marks on one letter than any script writes: an attack, as NFC takes quadratic time over them.
MARKS_MAX: Final = 256
_MANY_MARKS: Final = re.compile(rf"[^\w\s\x00-\x7f]{{{MARKS_MAX}}}")


def decode_entities(text: str) -> tuple[str, int]:
    """Character references as the characters they stand for; those that stand for none stay."""
    if "&" not in text:
        return text, 0
    count = 0

    def character(match: re.Match[str]) -> str:
        nonlocal count
        escapes, reference = match.groups()
        decoded = html.unescape("&" + reference) if reference[0] == "#" else html5.get(reference, "&" + reference)
        if not escapes and decoded == match[0]:
            return decoded
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
    text, invisible = _INVISIBLE.subn("", text)
    idle = 0

    def shape(match: re.Match[str]) -> str:
        # Joiners shape words in Persian, Urdu, Hindi and emoji; beside a space or Latin text they do nothing.
        nonlocal idle
        before, behind = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if _is_shaped(before) and _is_shaped(behind):
            return match[0]
        idle += 1
        return ""

    return _JOINERS.sub(shape, text), invisible + idle


def unify_spaces(text: str) -> tuple[str, int]:
    """Tabs, no-break and typographic spaces as a space."""
    return _ODD_SPACE.subn(" ", text)


def limit_marks(text: str) -> tuple[str, int]:
    """At most `MARKS_MAX` combining marks behind each other."""
    # Every longer run covers one of these characters, and few other texts have a mark there.
    if not any(map(unicodedata.combining, text[::MARKS_MAX])) or not _MANY_MARKS.search(text):
        return text, 0
    kept: list[str] = []
    stacked = 0
    for character in text:
        stacked = stacked + 1 if unicodedata.combining(character) else 0
        if stacked <= MARKS_MAX:
            kept.append(character)
    return "".join(kept), len(text) - len(kept)


def compose(text: str) -> tuple[str, int]:
    """Unicode NFC (UAX #15)."""
    if unicodedata.is_normalized("NFC", text):
        return text, 0
    return unicodedata.normalize("NFC", text), 1


def collapse_spaces(text: str) -> tuple[str, int]:
    """Runs of spaces as one space, none at the edges of paragraphs, no empty paragraphs."""
    if not text:
        return text, 0
    runs = 0
    if "  " in text:
        text, runs = _SPACES.subn(" ", text)
    lines = text.split("\n")
    stripped = [line.strip() for line in lines]
    kept = [line for line in stripped if line]
    edges = sum(map(str.__ne__, lines, stripped)) + len(lines) - len(kept)
    return "\n".join(kept), runs + edges


# Entities may hide characters that other steps remove, so they come first.
_ENTITY_STEPS: Final[tuple[tuple[str, Step], ...]] = (("entities", decode_entities),)
# Each of these looks for single characters, all of them in `_UNPRINTABLE`.
_UNPRINTABLE_STEPS: Final[tuple[tuple[str, Step], ...]] = (
    ("line_breaks", unify_line_breaks),
    ("control_characters", remove_control),
    ("bidi_marks", remove_bidi),
    ("invisible_characters", remove_invisible),
    ("spaces", unify_spaces),
)
_OTHER_STEPS: Final[tuple[tuple[str, Step], ...]] = (
    ("stacked_marks", limit_marks),
    ("nfc", compose),
    ("spaces", collapse_spaces),
    ("arabic_punctuation", space_arabic_punctuation),
)
TEXT_STEPS: Final = (*_ENTITY_STEPS, *_UNPRINTABLE_STEPS, *_OTHER_STEPS)
#: Removing a character can join the halves of a character reference; such text is rare, and settles soon.
_PASSES_MAX: Final = 4


def clean_text(text: str, fixes: Fixes) -> str:
    """A text of paragraphs, one a line, with conservative fixes only. Idempotent."""
    for _ in range(_PASSES_MAX):
        before, text = text, apply(_steps_for(text), text, fixes)
        if "&" not in text or text == before:
            break
    return text


def clean_line(text: str, fixes: Fixes) -> str:
    """The same for a title or a name: everything on one line."""
    cleaned = clean_text(text, fixes)
    return clean_text(cleaned.replace("\n", " "), fixes) if "\n" in cleaned else cleaned


def _is_shaped(neighbour: str) -> bool:
    # Composed first, as some characters of their own, such as the sign for Kelvin, are letters of ASCII in NFC.
    composed = unicodedata.normalize("NFC", neighbour)
    return not composed.isascii() and not composed.isspace()


def _steps_for(text: str) -> Sequence[tuple[str, Step]]:
    """Those of the steps that may change something: one look at the text spares most of it most of them."""
    if "&" in text:
        return TEXT_STEPS
    unprintable = "".join(set(_UNPRINTABLE.findall(text)))
    if not unprintable:
        return _OTHER_STEPS
    return [(name, step) for name, step in _UNPRINTABLE_STEPS if step(unprintable)[1]] + [*_OTHER_STEPS]
