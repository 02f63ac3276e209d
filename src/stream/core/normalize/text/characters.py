"""Characters that readers do not see, or see as something else: controls, marks of direction, spaces, NFC."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: What each step looks for, as in the brackets of a regular expression.
LINE_BREAKS: Final = "\r\v\f\x85\u2028\u2029"
CONTROLS: Final = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff"
BIDI_MARKS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
INVISIBLES: Final = "\xad\u180e\u200b\u2060-\u2064\ufeff"
JOINERS: Final = "\u200c\u200d"
ODD_SPACES: Final = "\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
#: What is not in NFC, or may compose_nfc with what stands before it (UAX #15, NFC_Quick_Check), and some others between.
UNCOMPOSED: Final = (
    "\u0300-\u0345\u0374-\u0387\u05b4-\u05c2\u0653-\u0655\u093c\u0958-\u095f\u09bc-\u09be\u09d7-\u09df\u0a33-\u0a3c\u0a59-\u0a5e"
    "\u0b3c-\u0b3e\u0b56-\u0b5d\u0bbe\u0bd7\u0c56\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dca-\u0ddf\u0f43-\u0f81\u0f93-\u0fb9\u102e"
    "\u1161-\u1175\u11a8-\u11c2\u1b35\u1f71-\u1f7d\u1fbb-\u2001\u2126-\u212b\u2329\u232a\u2adc\u3099\u309a\uf900-\ufad9"
    "\ufb1d-\ufb4e\U00011000-\U00011fff\U0001d15e-\U0001d1c0"
)
#: Marks that combine with what stands before them, and some others between: two in a row may be out of order.
COMBINING: Final = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711\u0730-\u074a\u07eb-\u085b"
    "\u0898-\u08ff\u093c-\u0954\u09bc-\u0ebc\u0ec8-\u0ecb\u0f18-\u0fc6\u1037-\u108d\u135d-\u135f\u1714-\u17dd\u18a9-\u1dff"
    "\u20d0-\u20f0\u2cef-\u2cf1\u2d7f-\u2dff\u302a-\u302f\u3099\u309a\ua66f-\ua6f1\ua806-\uabed\ufb1e\ufe20-\ufe2f"
    "\U000101fd-\U00011fff\U00016af0-\U00016ff1\U0001bc9e\U0001d165-\U0001d244\U0001e000-\U0001e94a"
)
#: Arabic letters in the shape that they take in a word, and Latin ligatures of f: left by converters of PDF files.
#: Not the signs for whole words, such as ﷲ and ﷺ, nor ornate brackets.
PRESENTATION_FORMS: Final = (
    "\ufb00-\ufb06\ufb50-\ufbb1\ufbd3-\ufc5d\ufc64-\ufd3d\ufd50-\ufd8f\ufd92-\ufdc7\ufdf0\ufdf1\ufe80-\ufefc"
)

#: Letters, not marks.
ARABIC_LETTERS: Final = "\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff"
HEBREW_LETTERS: Final = "\u05d0-\u05ea"

# Patterns begin with a plain set where they can: the engine searches for it several times faster.
_LINE_BREAK: Final = re.compile(rf"[{LINE_BREAKS}](?:(?<=\r)\n)?")
_CONTROL: Final = re.compile(f"[{CONTROLS}]")
_BIDI: Final = re.compile(f"[{BIDI_MARKS}]")
_INVISIBLE: Final = re.compile(f"[{INVISIBLES}]")
_PARTED: Final = re.compile(r"\xad[ \t\xa0]{0,8}\n[ \t\xa0]{0,8}(?=[^\W\d_])")
_JOINER: Final = re.compile(f"[{JOINERS}][{JOINERS}]*")
_ODD_SPACE: Final = re.compile(f"[{ODD_SPACES}]")
_PRESENTATION_FORM: Final = re.compile(f"[{PRESENTATION_FORMS}]")
_SPACES: Final = re.compile(r"  +")
#: More combining marks on one letter than any script writes: an attack, as NFC takes quadratic time over them.
MARKS_MAX: Final = 256
_MANY_MARKS: Final = re.compile(rf"[^\w\s\x00-\x7f]{{{MARKS_MAX}}}")


def unify_line_breaks(text: str) -> tuple[str, int]:
    """Every kind of line break as a line feed."""
    return _LINE_BREAK.subn("\n", text)


def remove_controls(text: str) -> tuple[str, int]:
    """Control characters, noncharacters and NUL bytes removed."""
    return _CONTROL.subn("", text)


def remove_bidi_marks(text: str) -> tuple[str, int]:
    """Bidirectional marks removed: direction is published beside the text."""
    return _BIDI.subn("", text)


def remove_invisible(text: str) -> tuple[str, int]:
    """Zero-width spaces, soft hyphens (with their line break) and joiners that join nothing removed."""
    text, parted = _PARTED.subn("", text)
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

    return _JOINER.sub(shape, text), parted + invisible + idle


def unify_spaces(text: str) -> tuple[str, int]:
    """Tabs, no-break and typographic spaces as a space."""
    return _ODD_SPACE.subn(" ", text)


def limit_combining_marks(text: str) -> tuple[str, int]:
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


def compose_nfc(text: str) -> tuple[str, int]:
    """Unicode NFC (UAX #15); lines changed."""
    if unicodedata.is_normalized("NFC", text):
        return text, 0
    lines = text.split("\n")  # nothing composes with a line break
    composed = [
        line if unicodedata.is_normalized("NFC", line) else unicodedata.normalize("NFC", line) for line in lines
    ]
    return "\n".join(composed), sum(map(str.__ne__, lines, composed))


def resolve_presentation_forms(text: str) -> tuple[str, int]:
    """Letters in presentation form as the letters they are (NFKC, UAX #15, of these characters alone)."""
    return _PRESENTATION_FORM.subn(_compatible, text)


def collapse_spaces(text: str) -> tuple[str, int]:
    """Runs of spaces as one space, none at the edges of paragraphs, no empty paragraphs."""
    if not text:
        return text, 0
    runs = 0
    if "  " in text:
        text, runs = _SPACES.subn(" ", text)
    lines = text.split("\n")
    stripped = [line.strip(" ") for line in lines]
    kept = [line for line in stripped if line]
    edges = sum(map(str.__ne__, lines, stripped)) + len(lines) - len(kept)
    return "\n".join(kept), runs + edges


def _compatible(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match[0])


def _is_shaped(neighbour: str) -> bool:
    # Composed first, as some characters of their own, such as the sign for Kelvin, are letters of ASCII in NFC.
    composed = unicodedata.normalize("NFC", neighbour)
    return not composed.isascii() and not composed.isspace()
