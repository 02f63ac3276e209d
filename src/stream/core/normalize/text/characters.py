"""Characters that are invisible, redundant or not in Unicode NFC: controls, bidi marks, spaces, combining marks."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: The characters that each fix looks for, as character classes of regular expressions.
LINE_BREAKS: Final = "\r\v\f\x85\u2028\u2029"
CONTROLS: Final = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff"
BIDI_MARKS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
INVISIBLES: Final = "\xad\u180e\u200b\u2060-\u2064\ufeff"
JOINERS: Final = "\u200c\u200d"
SPECIAL_SPACES: Final = "\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
#: Characters that are not in NFC or may compose with the one before them (UAX #15, property NFC_Quick_Check). The
#: ranges include some others.
UNCOMPOSED: Final = (
    "\u0300-\u0345\u0374-\u0387\u05b4-\u05c2\u0653-\u0655\u093c\u0958-\u095f\u09bc-\u09be\u09d7-\u09df\u0a33-\u0a3c\u0a59-\u0a5e"
    "\u0b3c-\u0b3e\u0b56-\u0b5d\u0bbe\u0bd7\u0c56\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dca-\u0ddf\u0f43-\u0f81\u0f93-\u0fb9\u102e"
    "\u1161-\u1175\u11a8-\u11c2\u1b35\u1f71-\u1f7d\u1fbb-\u2001\u2126-\u212b\u2329\u232a\u2adc\u3099\u309a\uf900-\ufad9"
    "\ufb1d-\ufb4e\U00011000-\U00011fff\U0001d15e-\U0001d1c0"
)
#: Combining marks; two in a row may be out of canonical order. The ranges include some other characters.
COMBINING: Final = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u0711\u0730-\u074a\u07eb-\u085b"
    "\u0898-\u08ff\u093c-\u0954\u09bc-\u0ebc\u0ec8-\u0ecb\u0f18-\u0fc6\u1037-\u108d\u135d-\u135f\u1714-\u17dd\u18a9-\u1dff"
    "\u20d0-\u20f0\u2cef-\u2cf1\u2d7f-\u2dff\u302a-\u302f\u3099\u309a\ua66f-\ua6f1\ua806-\uabed\ufb1e\ufe20-\ufe2f"
    "\U000101fd-\U00011fff\U00016af0-\U00016ff1\U0001bc9e\U0001d165-\U0001d244\U0001e000-\U0001e94a"
)
#: Arabic letters in the shape that they take in a word, and Latin ligatures such as ﬁ: PDF converters leave them.
#: Signs for whole words, such as ﷲ and ﷺ, and ornate brackets are not among them.
PRESENTATION_FORMS: Final = (
    "\ufb00-\ufb06\ufb50-\ufbb1\ufbd3-\ufc5d\ufc64-\ufd3d\ufd50-\ufd8f\ufd92-\ufdc7\ufdf0\ufdf1\ufe80-\ufefc"
)

#: Letters only, no combining marks.
ARABIC_LETTERS: Final = "\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff"
HEBREW_LETTERS: Final = "\u05d0-\u05ea"

# Patterns start with a plain set where possible: the engine finds it several times faster.
_LINE_BREAK: Final = re.compile(rf"[{LINE_BREAKS}](?:(?<=\r)\n)?")
_CONTROL: Final = re.compile(f"[{CONTROLS}]")
_BIDI: Final = re.compile(f"[{BIDI_MARKS}]")
_INVISIBLE: Final = re.compile(f"[{INVISIBLES}]")
_SOFT_HYPHEN_AT_BREAK: Final = re.compile(r"\xad[ \t\xa0]{0,8}\n[ \t\xa0]{0,8}(?=[^\W\d_])")
_JOINER: Final = re.compile(f"[{JOINERS}][{JOINERS}]*")
_SPECIAL_SPACE: Final = re.compile(f"[{SPECIAL_SPACES}]")
_PRESENTATION_FORM: Final = re.compile(f"[{PRESENTATION_FORMS}]")
_SPACES: Final = re.compile(r"  +")
#: The combining class of signs that remove a vowel (Unicode, table 4-3).
_VIRAMA_CLASS: Final = 9
#: No script puts more combining marks on one letter. More are an attack: NFC takes quadratic time over them.
MARKS_MAX: Final = 256
_MANY_MARKS: Final = re.compile(rf"[^\w\s\x00-\x7f]{{{MARKS_MAX}}}")


def unify_line_breaks(text: str) -> tuple[str, int]:
    r"""Replace every kind of line break (UAX #14, class BK, and CR and NEL) by a line feed.

    >>> unify_line_breaks("one\r\ntwo\u2028three")
    ('one\ntwo\nthree', 2)
    """
    return _LINE_BREAK.subn("\n", text)


def remove_controls(text: str) -> tuple[str, int]:
    r"""Remove control characters, noncharacters and lone surrogates.

    >>> remove_controls("a\x00b\x1fc\ufffe")
    ('abc', 3)
    """
    return _CONTROL.subn("", text)


def remove_bidi_marks(text: str) -> tuple[str, int]:
    r"""Remove bidirectional control characters (UAX #9); the direction is published as a field of its own.

    >>> remove_bidi_marks("\u200fخبر\u200f")
    ('خبر', 2)
    """
    return _BIDI.subn("", text)


def remove_invisible(text: str) -> tuple[str, int]:
    r"""Remove zero-width spaces, soft hyphens (with the line break after them) and joiners without effect.

    Joiners between letters of scripts that use them stay, as in Persian and Hindi words and in emoji.

    >>> remove_invisible("zero\u200bwidth, Bürger\xad\nmeister")
    ('zerowidth, Bürgermeister', 2)
    >>> remove_invisible("می\u200cخواهم")[1]
    0
    """
    text, breaks = _SOFT_HYPHEN_AT_BREAK.subn("", text)
    text, invisible = _INVISIBLE.subn("", text)
    joiners = 0

    def keep_if_effective(match: re.Match[str]) -> str:
        nonlocal joiners
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        # Behind a virama, a joiner at the end of a word makes another letter, as in Malayalam and Bengali.
        if _is_affected_by_joiner(before) and (_is_affected_by_joiner(after) or _is_virama(before)):
            return match[0]
        joiners += 1
        return ""

    return _JOINER.sub(keep_if_effective, text), breaks + invisible + joiners


def unify_spaces(text: str) -> tuple[str, int]:
    r"""Replace tabs, no-break spaces and typographic spaces by a plain space.

    >>> unify_spaces("10\xa0km\tnorth")
    ('10 km north', 2)
    """
    return _SPECIAL_SPACE.subn(" ", text)


def limit_combining_marks(text: str) -> tuple[str, int]:
    r"""Remove combining marks beyond `MARKS_MAX` in a row.

    >>> text, count = limit_combining_marks("a" + "\u0301" * 300)
    >>> len(text), count
    (257, 44)
    """
    # Every longer run covers one of these characters, and few other texts have a mark there.
    if not any(map(unicodedata.combining, text[::MARKS_MAX])) or not _MANY_MARKS.search(text):
        return text, 0
    remaining: list[str] = []
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MARKS_MAX:
            remaining.append(character)
    return "".join(remaining), len(text) - len(remaining)


def compose_nfc(text: str) -> tuple[str, int]:
    r"""Convert ``text`` to Unicode NFC (UAX #15); count the lines that changed.

    >>> compose_nfc("cafe\u0301\nbar")
    ('café\nbar', 1)
    """
    if unicodedata.is_normalized("NFC", text):
        return text, 0
    lines = text.split("\n")  # nothing composes with a line break
    composed = [
        line if unicodedata.is_normalized("NFC", line) else unicodedata.normalize("NFC", line) for line in lines
    ]
    return "\n".join(composed), sum(map(str.__ne__, lines, composed))


def resolve_presentation_forms(text: str) -> tuple[str, int]:
    """Replace Arabic presentation forms and Latin ligatures by their letters (NFKC of these characters only).

    >>> resolve_presentation_forms("ﺧﺒﺮ ofﬁce ﷺ")
    ('خبر office ﷺ', 4)
    """
    return _PRESENTATION_FORM.subn(_normalize_nfkc, text)


def collapse_spaces(text: str) -> tuple[str, int]:
    r"""Collapse runs of spaces, and remove spaces around paragraphs and empty paragraphs.

    >>> collapse_spaces(" two  spaces \n\nnext")
    ('two spaces\nnext', 3)
    """
    if not text:
        return text, 0
    runs = 0
    if "  " in text:
        text, runs = _SPACES.subn(" ", text)
    lines = text.split("\n")
    stripped = [line.strip(" ") for line in lines]
    remaining = [line for line in stripped if line]
    edges = sum(map(str.__ne__, lines, stripped)) + len(lines) - len(remaining)
    return "\n".join(remaining), runs + edges


def _normalize_nfkc(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match[0])


def _is_affected_by_joiner(neighbour: str) -> bool:
    # Composed first, because some characters, such as the Kelvin sign, become ASCII letters in NFC.
    composed = unicodedata.normalize("NFC", neighbour)
    return not composed.isascii() and not composed.isspace()


def _is_virama(character: str) -> bool:
    return unicodedata.combining(character) == _VIRAMA_CLASS
