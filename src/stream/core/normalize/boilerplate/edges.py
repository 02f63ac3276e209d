"""Boilerplate at the edges of a text: whole lines, and words glued to the first or last paragraph."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Final

from stream.core.normalize.boilerplate.agencies import parse_credit
from stream.core.normalize.boilerplate.line_classifier import LineKind, match_line
from stream.core.normalize.boilerplate.line_prefixes import CHARS_MAX

#: The number of characters at the end of a paragraph that are searched.
_END_CHARS: Final = 420
_LINE_CHARS_MAX: Final = 90
_CREDIT_CHARS_MAX: Final = 45
_TAG_WORDS_MAX: Final = 14
_BLOCK_LINES_MAX: Final = 9
_BLOCK_LINE_CHARS_MAX: Final = 60
_CONTACT_CHARS_MAX: Final = 240
_KEPT_CHARS_MIN: Final = 20

_SEPARATOR: Final = re.compile(r"[-–—―_=*.·•~#+<>|/\\…،,:;'\"()\[\]{}^\ufffc■□◆◇●○★☆ ]+")
_ADDRESS: Final = re.compile(
    r"(?:(?:[Ee]-?mail|[Tt]witter|T|تويتر|إيميل|ايميل|البريد الإلكتروني|بريد إلكتروني|للتواصل|ٹوئٹر)"
    r" ?(?:[:：] ?|(?=@)))?"
    r"(?:[\w.+-]{1,60}@[\w-]{1,40}(?:\.[\w-]{1,20}){1,4}|@\w{2,30}|\[email protected\](?: /\* \*/)?)"
    r"(?:[ ،,/|]{1,3}@\w{2,30})?"
    r"|(?:[Tt]witter|T|تويتر) ?: ?\w{2,20}@?"
)
_PHOTO: Final = re.compile(
    r"\(?(?:تصوير|عدسة|عکس|Photos?|(?:Image|Photo) credit|Fotos?|Foto|Photographs?|Фото|写真|צילום)"
    r" ?[:/：] ?[^():\n]{2,40}\)?"
)
_QUOTED: Final = r"[«{\"“][^«»{}\"“”\n]{3,30}[»}\"”]"
_SYNDICATED: Final = re.compile(
    rf"[-*•ـ ]*(?:خدمة ?:? ?{_QUOTED}(?: خاص بـ? ?{_QUOTED})?|خاص بـ ?[«{{\"“]الشرق الأوسط[»}}\"”]"
    rf"|بالاتفاق مع {_QUOTED})\.?"
    r"|\*+ ?نقلا[ًَ]? عن [^.\n]{3,40}\.?"
    r"|\*+ ?حقوق النشر محفوظة [^.\n]{3,60}\.?"
)
_TAGS: Final = re.compile(r"سمات [^.،:؟!\n]{2,110}")
_WEAK_END: Final = re.compile(r"[（(]完[)）]|（本报.{2,14}电）|\(جاری ہے\)|\(AFP\)|مزید: [^ .]{2,14}")
_CONTACT: Final = re.compile(r"للتواصل (?:مع الكاتب )?[أا]رسل")
#: The same after the author's addresses, all on one line.
_CONTACT_WHOLE: Final = re.compile(r"(?:[^ :]{1,12} ?: ?)?[^ ]{0,90}للتواصل (?:مع الكاتب )?[أا]رسل [^\n]{0,160}")
#: Lines after an invitation to text the author: numbers, mobile operators, how to start the message.
_CONTACT_LINE: Final = re.compile(r"sms|SMS|Stc|Mobily|Zain|الاتصالات|موبايلي|زين|بالرمز|مسافة|الرسالة|[0-9]{5,6}")
_SCRIPT_FIRST: Final = "(function(){"
_SCRIPT_LAST: Final = "})();"

_GLUED_FIRST: Final = re.compile(r"(?:Next Previous|Previous Next) +")
# Fix, pattern, the characters that its match can end with (any if empty), and a string that it contains.
_GLUED: Final = (
    (
        "contact_lines",
        re.compile(
            r"(?:(?:تويتر|twitter) ?: ?@?\w{0,20} ?)?(?:[A-Za-z0-9._+-]{2,40}@[A-Za-z0-9-]{2,30}\.[a-z.]{2,8})? ?"
            r"للتواصل مع الكاتب ارسل رسالة SMS تبدأ بالرمز [^\n]{0,130}"
        ),
        "",
        "للتواصل مع الكاتب",
    ),
    ("read_also", re.compile(r"(?<=[.!?\"»”)]) ?(?:À|A) (?:lire|regarder|Lire|Regarder)(?: aussi)? ?:"), ":", "ar"),
    (
        "read_also",
        re.compile(r"(?<=[.!?\"»”)]) ?Vous pourriez (?:aussi |peut-être )?(?:être )?intéressée?s? par ?:"),
        ":",
        "Vous pourriez",
    ),
    ("read_also", re.compile(r"(?<=[.؟!»\"]) ?\.\.\.المزيد"), "د", "...المزيد"),
    (
        "copyright",
        re.compile(r"(?:新浪声明|免责声明|声明)[：:]此消息系转载自[^。]{2,30}，[^。]{10,90}文章内容仅供参考。"),
        "。",
        "文章内容仅供参考。",
    ),
    ("byline", re.compile(r"(?<=[。”！？）])[（(]?(?:责任编辑|实习编辑|责编)[：: ]{1,2}[一-鿿·]{2,4}[)）]?"), "", "编"),
    (
        "byline",
        re.compile(r"(?<=[。”！？])[（(](?!资料|组图|图|全文|待续|未完|本文|编译|完)[一-鿿·]{2,3}[)）]"),
        ")）",
        "",
    ),
)
_GLUED_CREDIT: Final = re.compile(
    r"(?<=[.!?؟\"”»)]) ?[(\[](?P<agency>[^()\[\]]{2,30})[)\]]$|(?<=[.)\"%0-9]) (?:REUTER|Reuter|reuter)$"
)


class Edge(Enum):
    """The edge of a text that a line is at."""

    START = "start"
    END = "end"


def edge_line_fix(line: str, folded: str, edge: Edge) -> str | None:
    """Return the fix that removes the first or last line of a text, or None if the line belongs to the article.

    ``folded`` is the line's `folded_prefixes` entry.

    >>> edge_line_fix("(AFP)", "afp", Edge.END), edge_line_fix("(AFP)", "afp", Edge.START)
    ('signoff', None)
    """
    if len(line) > CHARS_MAX:
        return None
    if not folded:
        return "separators" if _SEPARATOR.fullmatch(line) else None
    if len(line) <= _LINE_CHARS_MAX and (_ADDRESS.fullmatch(line) or _PHOTO.fullmatch(line)):
        return "photo_credits" if _PHOTO.fullmatch(line) else "contact_lines"
    match = match_line(line, folded)
    if match and not (match[1] is LineKind.ADVERTISING and edge is Edge.START):
        return match[0]
    return _last_line_fix(line) if edge is Edge.END else None


def _last_line_fix(line: str) -> str | None:
    if len(line) <= _CREDIT_CHARS_MAX and line[-1] not in ".؟?!" and parse_credit(line.strip("()*- ")) is not None:
        return "signoff"
    if _SYNDICATED.fullmatch(line):
        return "signoff"
    if len(line.split()) <= _TAG_WORDS_MAX and _TAGS.fullmatch(line):
        return "tag_lines"
    return "publication_notes" if _WEAK_END.fullmatch(line) else None


def trailing_block(lines: Sequence[str]) -> tuple[str, int] | None:
    """Return (fix, number of lines) of a block at the end of the text: contact details or a script.

    >>> trailing_block(["The harbour is closed.", "(function(){", "load();", "})();"])
    ('scripts', 3)
    """
    last = lines[-1]
    if last == _SCRIPT_LAST:
        return _find_block("scripts", lines, lambda line: line.startswith(_SCRIPT_FIRST), lambda _: True)
    if len(last) <= _CONTACT_CHARS_MAX and _CONTACT_WHOLE.fullmatch(last):
        return "contact_lines", 1
    if len(last) <= _BLOCK_LINE_CHARS_MAX and _CONTACT_LINE.search(last):
        return _find_block("contact_lines", lines, _starts_contact, _belongs_to_contact)
    return None


def _starts_contact(line: str) -> bool:
    return _CONTACT.match(line) is not None


def _belongs_to_contact(line: str) -> bool:
    return _CONTACT_LINE.search(line) is not None


def _find_block(
    fix: str, lines: Sequence[str], is_first: Callable[[str], bool], is_member: Callable[[str], bool]
) -> tuple[str, int] | None:
    for count in range(1, min(_BLOCK_LINES_MAX, len(lines) - 1) + 1):
        line = lines[-count]
        if is_first(line):
            return fix, count
        if not is_member(line):
            return None
    return None


def find_glued_start(line: str) -> tuple[str | None, int]:
    """Return (fix, index where the text starts) for boilerplate glued to the first paragraph, else (None, 0).

    >>> find_glued_start("Next Previous The harbour is closed.")
    ('carousel', 14)
    """
    match = _GLUED_FIRST.match(line) if line.startswith(("Next", "Prev")) else None
    return ("carousel", match.end()) if match and match.end() < len(line) else (None, 0)


def find_glued_end(line: str) -> tuple[str | None, int]:
    """Return (fix, index where the text ends) for boilerplate glued to the last paragraph, else (None, 0).

    >>> find_glued_end("The harbour is closed. (AFP)")
    ('signoff', 22)
    """
    start = max(0, len(line) - _END_CHARS)
    for fix, pattern, last, hint in _GLUED:
        if (not last or line[-1] in last) and line.find(hint, start) >= 0:
            match = next((match for match in pattern.finditer(line, start) if match.end() == len(line)), None)
            if match and match.start() >= _KEPT_CHARS_MIN:
                return fix, match.start()
    match = _GLUED_CREDIT.search(line, max(0, len(line) - _CREDIT_CHARS_MAX)) if line[-1] in ")]rR" else None
    if match and match.start() >= _KEPT_CHARS_MIN and (not match["agency"] or parse_credit(match["agency"])):
        return "signoff", match.start()
    return None, 0
