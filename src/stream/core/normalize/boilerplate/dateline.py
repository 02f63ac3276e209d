"""Datelines: the place and the agency that an article opens with, in the forms of each script's newsrooms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from stream.core.normalize.boilerplate.agencies import agency_of, credited, known_parts
from stream.core.normalize.boilerplate.byline import authors_in, is_name, read_byline
from stream.core.normalize.boilerplate.place_names import is_place, is_place_in


@dataclass(frozen=True, slots=True)
class Dateline:
    """``end``: where the sentence behind it begins. ``text``: as it stood, without what separates it."""

    text: str
    end: int
    located: str | None = None
    agencies: list[str] = field(default_factory=list)
    #: The part of it that names who wrote it.
    byline: str | None = None
    authors: list[str] = field(default_factory=list)


class _Part(NamedTuple):
    text: str
    agencies: list[str]
    house: bool
    end: int

    @property
    def is_known(self) -> bool:
        return self.house or bool(self.agencies)


#: No dateline is longer; nothing behind it is looked at.
CHARS_MAX: Final = 110
_WORDS_MAX: Final = 4
_PLACE_WORDS_MAX: Final = 3
_PLACE_CHARS_MAX: Final = 32
_PARTS_MAX: Final = 4
_LINE_CHARS_MAX: Final = 70
_MONTHS: Final = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|janv|févr|mars|avr|mai|juin|juil|août|déc|märz|okt|dez|ene|abr|ago|dic|"
    "fev|mag|giu|lug|set|out|gen|ott"
)
_MONTH: Final = rf"(?i:{_MONTHS})[A-Za-z]{{0,6}}"
_BRACKET: Final = re.compile(r"[(（\[]")
_PAREN_WITHIN: Final = 64
_PAREN: Final = re.compile(
    r"(?P<place>[^()（）\[\]:：؟?!؛;«»\"“”]{0,60}?) ?[(（\[](?P<agency>[^()（）\[\]]{2,40})[)）\]] ?"
    r"(?P<stop>\.? ?[-–—―]{1,2}|\.-|[:：]|) ?"
)
_PART: Final = re.compile(r" ?(?P<text>[^-–—―ـ:：/،,؟?!؛;«»\"“”]{2,34}+)(?P<stop>[-–—―ـ]{1,2}|[:：]|[/،,]) ?")
#: A stop that belongs to no abbreviation.
_LAST_STOP: Final = re.compile(r"(?<=[)/\u0400-\u04ff])\.$")
_COLONS: Final = ":："
_BETWEEN: Final = re.compile(r" ?[-–—―ـ/] | ?[–—―/] ?| -|(?<=[\u0600-\u06ff])-(?=[\u0600-\u06ff])")
_PHOTO: Final = re.compile(r"[-–— ]{0,3}\( ?تصوير[^()]{2,40}\)")
_CAPITALS: Final = re.compile(
    r"(?P<place>[A-Z][A-Za-z.'’/-]{1,20}(?: [A-Z][A-Za-z.'’/-]{1,20}){0,3})"
    r"(?P<rest>(?: ?, [A-Z][A-Za-z.' ]{1,20}?){0,2})"
    rf"(?P<date>[ ,]{{1,3}}(?:{_MONTH}\.? \d{{1,2}}|\d{{1,2}} {_MONTH})(?:,? \d{{4}})?)?"
    r"(?P<stop> ?[-–—]{1,2} |: )(?=[A-Z0-9\"“‘'<$£€])"
)
#: The short forms of states and provinces in datelines (AP style).
_STATE: Final = re.compile(
    r" ?, (?:[A-Z]\.[A-Z]\.|Ala\.|Ariz\.|Ark\.|Calif\.|Colo\.|Conn\.|Del\.|Fla\.|Ga\.|Ill\.|Ind\.|Kan\.|Ky\.|La\."
    r"|Mass\.|Md\.|Mich\.|Minn\.|Miss\.|Mo\.|Mont\.|Neb\.|Nev\.|Okla\.|Ont\.|Ore\.|Pa\.|Que\.|Tenn\.|Tex\.|Va\."
    r"|Vt\.|Wash\.|Wis\.|Wyo\.)"
)
_RUSSIAN: Final = re.compile(
    r"(?P<place>[А-ЯЁІЇЄ][А-ЯЁІЇЄа-яёіїє-]{2,25}(?: [А-ЯЁІЇЄ][А-ЯЁІЇЄа-яёіїє-]{1,20})?)[,.] \d{1,2} [а-яёіїє]{3,9}"
    r" ?[.—–-] ?/?(?P<agency>INTERFAX\.RU|[^/.—–\n]{2,20})(?:/\.?|\.| ?[-–—]) ?"
)
_RUSSIAN_AGENCY: Final = re.compile(
    r"(?P<agency>[А-ЯЁ][А-ЯЁа-яё ]{2,15}) [—–-] \d{1,2} [а-яё]{3,9}\.(?P<place>) (?=[А-ЯЁ«\"])"
)
_CHINESE: Final = re.compile(
    r"(?P<agency>新华社|中新社|中央社|本报|新浪[一-鿿]{2}|[一-鿿]{2,6}(?:网客户端|报|网|社))"
    r"(?P<dated>(?P<place>[一-鿿]{2,6}?)?\d{1,2}月\d{1,2}日)?(?P<stop>电|讯|快讯|专电)"
    r"(?: ?[（(](?P<by>[^（）()]{0,8}记者[^（）()]{1,40})[)）]| (?=[^ ])|[，,：:](?=.)|$) ?[，,]?"
)
_CHINESE_REPORT: Final = re.compile(
    r"(?P<by>记者 ?[一-鿿]{2,4}(?:[ 、][一-鿿]{2,4})?) (?P<place>[一-鿿]{2,4})报道[：: ]?"
)
_JAPANESE: Final = re.compile(
    r"[【\[［](?P<place>[^】\]］=＝\d ]{1,12}?)[=＝ ]?(?:\d{1,2}日 ?)?"
    r"(?P<agency>共同|時事|ロイター|AFP時事|AFP|CNN)[】\]］] ?[-－―]? ?"
)
_KOREAN: Final = re.compile(
    r"[(\[](?P<place>[가-힣]{2,6}) ?= ?(?P<agency>연합뉴스|뉴스1|뉴시스)[)\]] ?"
    r"(?:(?P<by>[가-힣]{2,4}(?:[· ][가-힣]{2,4}){0,3} (?:기자|특파원)) ?= ?)?"
)
_PERSIAN: Final = re.compile(
    r"به گزارش (?:خبرنگار )?(?:خبرگزار[یي] )?(?P<agency>[^ ،,]{2,12})(?: از (?P<place>[^ ،,]{2,15}))?[ ،,]"
)
#: Two words of which the second is a family's name or begins with "servant of", where a place could stand as well.
_PERSON: Final = re.compile(r"(?!ال)[^ ]{3,} (?:عبد[^ ]+|ال[^ ]{2,}[^ة ]ي)(?: |$)")
_URDU: Final = re.compile(r"[ہےٹںڈڑھ]")
_DATE: Final = re.compile(r"[ ,،/]{0,2}[0-9۰-۹०-९]{1,2}\.? ?[^\s\d()]{2,12}\.?(?:,? \d{4})?$")
_SMALL: Final = frozenset(
    {"de", "du", "la", "le", "el", "al", "of", "the", "der", "am", "an", "do", "da", "des", "sur"}
)
_INSTITUTION: Final = re.compile(
    r"وكالة|خبرگزار|شبكة|قناة|منظمة|Agenc|agenc|News|Press|Organi|Association|agence|通讯社"
)


def read_dateline(line: str) -> Dateline | None:
    """The dateline that ``line`` opens with and a sentence follows; a person's or a speaker's name alone is none."""
    head = line[:CHARS_MAX]
    found: Dateline | None = None
    if "A" <= head[0] <= "Z":
        found = _latin_capitals(head)
    if not found and not ("\u0600" <= head[0] <= "\u06ff" or (head[0].isalnum() and head[0].isascii())):
        found = _other_scripts(head)
    if not found and _BRACKET.search(head, 0, _PAREN_WITHIN):
        found = _in_parentheses(head)
    found = found or _in_parts(head) or _urdu_place(head)
    return found if found and found.end < len(line) else None


def read_dateline_line(line: str) -> Dateline | None:
    """The dateline that a line of its own is, such as «الرياض - واس»."""
    if len(line) > _LINE_CHARS_MAX or line[-1] in ".؟?!۔。":
        return None
    opened = _in_parentheses(line + " - ")
    if opened and opened.end >= len(line):
        return _replaced(opened, line)
    texts = _BETWEEN.split(_PHOTO.sub("", line).strip("- "))
    if not 1 < len(texts) <= _PARTS_MAX:
        return None
    parts = _parts(texts, [0] * len(texts))
    if not all(map(_is_short, parts)):
        return None
    if any(part.is_known for part in parts) or _is_signed(parts):
        return _replaced(_combined(line, len(line), parts), line)
    return None


def named_source(line: str) -> tuple[list[str], str | None]:
    """(agencies, place) of an opening that is part of its sentence and stays: «به گزارش خبرگزاری فارس از قم،»."""
    match = _PERSIAN.match(line)
    agency = agency_of(match["agency"]) if match else None
    if not match or not agency:
        return [], None
    place = match["place"]
    return [agency], place if place and is_place_in("fa", place) else None


def _replaced(found: Dateline, line: str) -> Dateline:
    return Dateline(line, len(line), found.located, found.agencies, found.byline, found.authors)


def _latin_capitals(head: str) -> Dateline | None:
    match = _CAPITALS.match(head)
    if not match:
        return None
    if not match["date"] and not (match["place"].isupper() and _is_known(match["place"], match["rest"])):
        return None
    return Dateline(_trimmed(match[0]), match.end(), match["place"])


def _is_known(place: str, rest: str) -> bool:
    return _STATE.fullmatch(rest) is not None if rest else is_place_in("en", place)


def _other_scripts(head: str) -> Dateline | None:
    match = _CHINESE.match(head)
    if match and (match["dated"] or (match["stop"] not in ("电", "专电"))):
        return _of_match(match, match["agency"])
    for pattern in (_CHINESE_REPORT, _JAPANESE, _KOREAN):
        match = pattern.match(head)
        if match:
            return _of_match(match, match.groupdict().get("agency") or "")
    match = _RUSSIAN_AGENCY.match(head) or _RUSSIAN.match(head)
    return _of_match(match, match["agency"]) if match and agency_of(match["agency"].strip()) else None


def _of_match(match: re.Match[str], agency: str) -> Dateline:
    named = agency_of(agency.strip()) if agency else None
    by = match.groupdict().get("by")
    return Dateline(
        _trimmed(match[0]),
        match.end(),
        match["place"] or None,
        [named] if named else [],
        by,
        authors_in(by) if by else [],
    )


def _in_parentheses(head: str) -> Dateline | None:
    match = _PAREN.match(head)
    if not match:
        return None
    agencies = credited(match["agency"])
    if agencies is None:
        return None
    place, dated = _place_of(match["place"])
    if match["place"].strip() and not place:
        return None
    if not match["stop"] and not (
        place and (dated or place.isupper() or is_place(place)) and _opens(head, match.end())
    ):
        return None
    return Dateline(_trimmed(match[0]), match.end(), place, agencies)


def _opens(head: str, place: int) -> bool:
    """Whether a sentence may begin at ``place``: no lower-case letter, no punctuation."""
    return place < len(head) and (head[place].isalnum() or head[place] in "\"“«'‘") and not head[place].islower()


def _place_of(written: str) -> tuple[str | None, bool]:
    """(place, whether a date stands behind it), or None where ``written`` is no place."""
    written = written.strip(" ,،-–—/۔")
    bare = _DATE.sub("", written)
    first, *others = re.split(r" ?[,،] ?", bare)
    if len(others) > _PLACE_WORDS_MAX or any(len(other.split()) > _WORDS_MAX for other in others):
        return None, False
    return (first, bare != written) if _is_place_like(first) else (None, False)


def _is_place_like(text: str) -> bool:
    words = text.split()
    if not 1 <= len(words) <= _PLACE_WORDS_MAX or len(text) > _PLACE_CHARS_MAX or _INSTITUTION.search(text):
        return False
    if any(map(str.isdigit, text)) or agency_of(text):
        return False
    return all(not word[0].islower() or word in _SMALL for word in words)


def _in_parts(head: str) -> Dateline | None:
    texts: list[str] = []
    stops: list[str] = []
    ends: list[int] = []
    match = _PART.match(head)
    while match and len(texts) < _PARTS_MAX:
        texts.append(match["text"])
        stops.append(match["stop"])
        ends.append(match.end())
        if match["stop"] in _COLONS:
            break
        photo = _PHOTO.match(head, match.end())
        if photo and head.startswith(":", photo.end()):
            stops[-1], ends[-1] = ":", photo.end() + 2
            break
        match = _PART.match(head, match.end())
    if not texts or not (stops[-1] in _COLONS or len(texts) > 1):
        return None
    taken = _parts_taken(head, _parts(texts, ends), stops)
    return _combined(head, taken[-1].end, taken) if taken else None


def _parts(texts: list[str], ends: list[int]) -> list[_Part]:
    texts = [_PHOTO.sub("", text).strip(" -–—ـ") for text in texts]
    known = known_parts(texts)
    return [
        _Part(text, [agency] if agency else [], house, end)
        for text, (agency, house), end in zip(texts, known, ends, strict=True)
    ]


def _parts_taken(head: str, parts: list[_Part], stops: list[str]) -> list[_Part]:
    """The parts that are a dateline: those before a colon, or those before a dash with a space behind it."""
    if not any(part.is_known for part in parts):
        return []
    if stops[-1] in _COLONS:
        return parts if all(map(_is_short, parts)) and (len(parts) > 1 or _is_desk(parts[0])) else []
    for count in (3, 2):
        taken = parts[:count]
        if len(taken) < count or stops[count - 1] in "/،," or not _is_spaced(head, taken[-1].end):
            continue
        if all(map(_is_short, taken)) and _is_placed(taken):
            return taken
    return []


def _is_spaced(head: str, end: int) -> bool:
    return head[end - 1 : end] == " " and _opens(head, end)


def _is_placed(parts: list[_Part]) -> bool:
    *_, before, last = parts
    if last.is_known:
        return len(parts) == 2 and not before.is_known and _is_place_like(before.text)  # noqa: PLR2004 - a pair
    return before.is_known and is_place(last.text)


def _is_desk(part: _Part) -> bool:
    return part.house and "ڈیسک" in part.text


def _is_short(part: _Part) -> bool:
    if part.is_known:
        return True
    words = part.text.split()
    if ". " in part.text or part.text.endswith("."):
        return False
    return 0 < len(words) <= _WORDS_MAX and not any(word[0].islower() and word not in _SMALL for word in words)


def _is_signed(parts: list[_Part]) -> bool:
    """A name and a known place, such as «نايف السعدي – الطائف»."""
    return len(parts) == 2 and is_place(parts[1].text) and is_name(parts[0].text)  # noqa: PLR2004 - a pair


def _combined(head: str, end: int, parts: list[_Part]) -> Dateline:
    agencies = [agency for part in parts for agency in part.agencies]
    unknown = [part.text.partition("(")[0].strip() for part in parts if not part.is_known]
    located = next(filter(is_place, unknown), None)
    behind = unknown[-1] if unknown and not parts[-1].is_known and not _PERSON.match(unknown[-1]) else None
    if located is None and (any(part.is_known for part in parts) or len((behind or "").split()) == 1):
        located = behind or next((text for text in unknown if len(text.split()) == 1), None)
    names = [text for text in unknown if text != located and _authors_of(text)]
    return Dateline(
        _trimmed(head[:end]),
        end,
        located,
        list(dict.fromkeys(agencies)),
        "، ".join(names) or None,
        [author for name in names for author in _authors_of(name)],
    )


def _authors_of(text: str) -> list[str]:
    """The names that a part is, with or without a word such as «تصوير:» before them."""
    authors = authors_in(text)
    if all(map(is_name, authors)):
        return authors
    byline = read_byline(text)
    return byline.authors if byline else []


def _urdu_place(head: str) -> Dateline | None:
    if head.find(": ", 0, _PLACE_CHARS_MAX) < 0:
        return None
    place, colon, rest = head.partition(": ")
    if not _URDU.search(rest) or not is_place_in("ur", place):
        return None
    return Dateline(place, len(place) + len(colon), place)


def _trimmed(text: str) -> str:
    return _LAST_STOP.sub("", text.strip(" -–—―ـ:：،,，="))
