"""Datelines: the place and the agency at the start of an article, in the styles of newsrooms in many scripts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from stream.core.normalize.boilerplate.agencies import find_agency, identify_sources, parse_credit
from stream.core.normalize.boilerplate.byline import is_name, read_byline, split_names
from stream.core.normalize.boilerplate.place_names import is_place_name, is_place_name_in


@dataclass(frozen=True, slots=True)
class Dateline:
    """A dateline at the start of a line.

    Attributes:
        text: the dateline, verbatim, without the marks that separate it from the sentence.
        end: the index at which the sentence starts.
        located: the place in it.
        agencies: short international names of the agencies in it.
        byline: the part of it that names authors.
        authors: the names in that part.
    """

    text: str
    end: int
    located: str | None = None
    agencies: list[str] = field(default_factory=list)
    byline: str | None = None
    authors: list[str] = field(default_factory=list)


class _DatelinePart(NamedTuple):
    """One of the parts that dashes, slashes or commas separate."""

    text: str
    agencies: list[str]
    is_desk_or_paper: bool
    end: int

    @property
    def is_source(self) -> bool:
        return self.is_desk_or_paper or bool(self.agencies)


#: No dateline is longer; only this many characters of a line are searched.
CHARS_MAX: Final = 110
_WORDS_MAX: Final = 4
_LOCATION_WORDS_MAX: Final = 3
_LOCATION_CHARS_MAX: Final = 32
_PARTS_MAX: Final = 4
_LINE_CHARS_MAX: Final = 70
_MONTHS: Final = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|janv|févr|mars|avr|mai|juin|juil|août|déc|märz|okt|dez|ene|abr|ago|dic|"
    "fev|mag|giu|lug|set|out|gen|ott"
)
_MONTH: Final = rf"(?i:{_MONTHS})[A-Za-z]{{0,6}}"
_BRACKET: Final = re.compile(r"[(（\[]")
_BRACKET_WITHIN_CHARS: Final = 64
_IN_BRACKETS: Final = re.compile(
    r"(?P<location>[^()（）\[\]:：؟?!؛;«»\"“”]{0,60}?) ?[(（\[](?P<agency>[^()（）\[\]]{2,40})[)）\]] ?"
    r"(?P<stop>\.? ?[-–—―]{1,2}|\.-|[:：]|) ?"
)
_PART: Final = re.compile(r" ?(?P<text>[^-–—―ـ:：/،,؟?!؛;«»\"“”]{2,34}+)(?P<stop>[-–—―ـ]{1,2}|[:：]|[/،,]) ?")
#: A final full stop that belongs to no abbreviation.
_FINAL_STOP: Final = re.compile(r"(?<=[)/\u0400-\u04ff])\.$")
_COLONS: Final = ":："
_PART_SEPARATOR: Final = re.compile(r" ?[-–—―ـ/] | ?[–—―/] ?| -|(?<=[\u0600-\u06ff])-(?=[\u0600-\u06ff])")
_PHOTO: Final = re.compile(r"[-–— ]{0,3}\( ?تصوير[^()]{2,40}\)")
_CAPITALS: Final = re.compile(
    r"(?P<location>[A-Z][A-Za-z.'’/-]{1,20}(?: [A-Z][A-Za-z.'’/-]{1,20}){0,3})"
    r"(?P<rest>(?: ?, [A-Z][A-Za-z.' ]{1,20}?){0,2})"
    rf"(?P<date>[ ,]{{1,3}}(?:{_MONTH}\.? \d{{1,2}}|\d{{1,2}} {_MONTH})(?:,? \d{{4}})?)?"
    r"(?P<stop> ?[-–—]{1,2} |: )(?=[A-Z0-9\"“‘'<$£€])"
)
#: Abbreviations of states and provinces (AP Stylebook, datelines).
_STATE: Final = re.compile(
    r" ?, (?:[A-Z]\.[A-Z]\.|Ala\.|Ariz\.|Ark\.|Calif\.|Colo\.|Conn\.|Del\.|Fla\.|Ga\.|Ill\.|Ind\.|Kan\.|Ky\.|La\."
    r"|Mass\.|Md\.|Mich\.|Minn\.|Miss\.|Mo\.|Mont\.|Neb\.|Nev\.|Okla\.|Ont\.|Ore\.|Pa\.|Que\.|Tenn\.|Tex\.|Va\."
    r"|Vt\.|Wash\.|Wis\.|Wyo\.)"
)
_RUSSIAN: Final = re.compile(
    r"(?P<location>[А-ЯЁІЇЄ][А-ЯЁІЇЄа-яёіїє-]{2,25}(?: [А-ЯЁІЇЄ][А-ЯЁІЇЄа-яёіїє-]{1,20})?)[,.] \d{1,2} [а-яёіїє]{3,9}"
    r" ?[.—–-] ?/?(?P<agency>INTERFAX\.RU|[^/.—–\n]{2,20})(?:/\.?|\.| ?[-–—]) ?"
)
_RUSSIAN_AGENCY: Final = re.compile(
    r"(?P<agency>[А-ЯЁ][А-ЯЁа-яё ]{2,15}) [—–-] \d{1,2} [а-яё]{3,9}\.(?P<location>) (?=[А-ЯЁ«\"])"
)
_CHINESE: Final = re.compile(
    r"(?P<agency>新华社|中新社|中央社|本报|新浪[一-鿿]{2}|[一-鿿]{2,6}(?:网客户端|报|网|社))"
    r"(?P<dated>(?P<location>[一-鿿]{2,6}?)?\d{1,2}月\d{1,2}日)?(?P<stop>电|讯|快讯|专电)"
    r"(?: ?[（(](?P<by>[^（）()]{0,8}记者[^（）()]{1,40})[)）]| (?=[^ ])|[，,：:](?=.)|$) ?[，,]?"
)
_CHINESE_REPORT: Final = re.compile(
    r"(?P<by>记者 ?[一-鿿]{2,4}(?:[ 、][一-鿿]{2,4})?) (?P<location>[一-鿿]{2,4})报道[：: ]?"
)
_JAPANESE: Final = re.compile(
    r"[【\[［](?P<location>[^】\]］=＝\d ]{1,12}?)[=＝ ]?(?:\d{1,2}日 ?)?"
    r"(?P<agency>共同|時事|ロイター|AFP時事|AFP|CNN)[】\]］] ?[-－―]? ?"
)
_KOREAN: Final = re.compile(
    r"[(\[](?P<location>[가-힣]{2,6}) ?= ?(?P<agency>연합뉴스|뉴스1|뉴시스)[)\]] ?"
    r"(?:(?P<by>[가-힣]{2,4}(?:[· ][가-힣]{2,4}){0,3} (?:기자|특파원)) ?= ?)?"
)
_PERSIAN: Final = re.compile(
    r"به گزارش (?:خبرنگار )?(?:خبرگزار[یي] )?(?P<agency>[^ ،,]{2,12})(?: از (?P<location>[^ ،,]{2,15}))?[ ،,]"
)
#: Two Arabic words of which the second is a family name or starts with "servant of": a person rather than a place.
_PERSON: Final = re.compile(r"(?!ال)[^ ]{3,} (?:عبد[^ ]+|ال[^ ]{2,}[^ة ]ي)(?: |$)")
_URDU: Final = re.compile(r"[ہےٹںڈڑھ]")
_DATE: Final = re.compile(r"[ ,،/]{0,2}[0-9۰-۹०-९]{1,2}\.? ?[^\s\d()]{2,12}\.?(?:,? \d{4})?$")
#: Lower-case words in place names.
_PLACE_PARTICLES: Final = frozenset(
    {"de", "du", "la", "le", "el", "al", "of", "the", "der", "am", "an", "do", "da", "des", "sur"}
)
_INSTITUTION: Final = re.compile(
    r"وكالة|خبرگزار|شبكة|قناة|منظمة|Agenc|agenc|News|Press|Organi|Association|agence|通讯社"
)


def read_dateline(line: str) -> Dateline | None:
    """Return the dateline at the start of ``line`` if a sentence follows it.

    The name of a person or a speaker alone is not a dateline.

    >>> dateline = read_dateline("LONDON (Reuters) - The harbour is closed.")
    >>> dateline.text, dateline.end, dateline.located, dateline.agencies
    ('LONDON (Reuters)', 19, 'LONDON', ['Reuters'])
    >>> read_dateline("المدير: لن نغلق الجسر.") is None
    True
    """
    head = line[:CHARS_MAX]
    dateline: Dateline | None = None
    if "A" <= head[0] <= "Z":
        dateline = _read_latin_capitals(head)
    if not dateline and not ("\u0600" <= head[0] <= "\u06ff" or (head[0].isalnum() and head[0].isascii())):
        dateline = _read_other_scripts(head)
    if not dateline and _BRACKET.search(head, 0, _BRACKET_WITHIN_CHARS):
        dateline = _read_agency_in_brackets(head)
    dateline = dateline or _read_parts(head) or _read_urdu_place(head)
    return dateline if dateline and dateline.end < len(line) else None


def read_dateline_line(line: str) -> Dateline | None:
    """Return the dateline if it is the whole of ``line``.

    >>> read_dateline_line("الرياض - واس").agencies
    ['SPA']
    """
    if len(line) > _LINE_CHARS_MAX or line[-1] in ".؟?!۔。":
        return None
    dateline = _read_agency_in_brackets(line + " - ")
    if dateline and dateline.end >= len(line):
        return replace(dateline, text=line, end=len(line))
    texts = _PART_SEPARATOR.split(_PHOTO.sub("", line).strip("- "))
    if not 1 < len(texts) <= _PARTS_MAX:
        return None
    parts = _identify_parts(texts, [0] * len(texts))
    if not all(map(_is_short, parts)):
        return None
    if any(part.is_source for part in parts) or _is_name_and_place(parts):
        return replace(_combine_parts(line, len(line), parts), text=line)
    return None


def read_inline_source(line: str) -> tuple[list[str], str | None]:
    """Return (agencies, place) of a Persian attribution that is part of its sentence and stays in the text.

    >>> read_inline_source("به گزارش خبرگزاری فارس از قم، شهردار گفت")
    (['Fars'], 'قم')
    """
    match = _PERSIAN.match(line)
    agency = find_agency(match["agency"]) if match else None
    if not match or not agency:
        return [], None
    location = match["location"]
    return [agency], location if location and is_place_name_in("fa", location) else None


def _read_latin_capitals(head: str) -> Dateline | None:
    match = _CAPITALS.match(head)
    if not match:
        return None
    has_known_place = match["location"].isupper() and _is_known_place(match["location"], match["rest"])
    if not match["date"] and not has_known_place:
        return None
    return Dateline(_strip_separators(match[0]), match.end(), match["location"])


def _is_known_place(location: str, rest: str) -> bool:
    return _STATE.fullmatch(rest) is not None if rest else is_place_name_in("en", location)


def _read_other_scripts(head: str) -> Dateline | None:
    match = _CHINESE.match(head)
    if match and (match["dated"] or (match["stop"] not in ("电", "专电"))):
        return _from_match(match, match["agency"])
    for pattern in (_CHINESE_REPORT, _JAPANESE, _KOREAN):
        match = pattern.match(head)
        if match:
            return _from_match(match, match.groupdict().get("agency") or "")
    match = _RUSSIAN_AGENCY.match(head) or _RUSSIAN.match(head)
    return _from_match(match, match["agency"]) if match and find_agency(match["agency"].strip()) else None


def _from_match(match: re.Match[str], agency_name: str) -> Dateline:
    agency = find_agency(agency_name.strip()) if agency_name else None
    byline = match.groupdict().get("by")
    return Dateline(
        _strip_separators(match[0]),
        match.end(),
        match["location"] or None,
        [agency] if agency else [],
        byline,
        split_names(byline) if byline else [],
    )


def _read_agency_in_brackets(head: str) -> Dateline | None:
    match = _IN_BRACKETS.match(head)
    if not match:
        return None
    agencies = parse_credit(match["agency"])
    if agencies is None:
        return None
    location, has_date = _parse_location(match["location"])
    if match["location"].strip() and not location:
        return None
    if not match["stop"]:  # nothing separates it from the text, so the place has to be certain
        is_certain = location and (has_date or location.isupper() or is_place_name(location))
        if not (is_certain and _can_start_sentence(head, match.end())):
            return None
    return Dateline(_strip_separators(match[0]), match.end(), location, agencies)


def _can_start_sentence(head: str, i: int) -> bool:
    """Whether a sentence can start at ``i``: not with a lower-case letter, nor with punctuation."""
    return i < len(head) and (head[i].isalnum() or head[i] in "\"“«'‘") and not head[i].islower()


def _parse_location(text: str) -> tuple[str | None, bool]:
    """Return (place or None, whether a date follows it)."""
    text = text.strip(" ,،-–—/۔")
    undated = _DATE.sub("", text)
    first, *others = re.split(r" ?[,،] ?", undated)
    if len(others) > _LOCATION_WORDS_MAX or any(len(other.split()) > _WORDS_MAX for other in others):
        return None, False
    return (first, undated != text) if _is_place_like(first) else (None, False)


def _is_place_like(text: str) -> bool:
    words = text.split()
    if not 1 <= len(words) <= _LOCATION_WORDS_MAX or len(text) > _LOCATION_CHARS_MAX or _INSTITUTION.search(text):
        return False
    if any(map(str.isdigit, text)) or find_agency(text):
        return False
    return all(not word[0].islower() or word in _PLACE_PARTICLES for word in words)


def _read_parts(head: str) -> Dateline | None:
    """Read a dateline of parts, such as «الرياض - واس:»."""
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
    parts = _select_parts(head, _identify_parts(texts, ends), stops)
    return _combine_parts(head, parts[-1].end, parts) if parts else None


def _identify_parts(texts: list[str], ends: list[int]) -> list[_DatelinePart]:
    texts = [_PHOTO.sub("", text).strip(" -–—ـ") for text in texts]
    return [
        _DatelinePart(text, [agency] if agency else [], is_desk_or_paper, end)
        for text, (agency, is_desk_or_paper), end in zip(texts, identify_sources(texts), ends, strict=True)
    ]


def _select_parts(head: str, parts: list[_DatelinePart], stops: list[str]) -> list[_DatelinePart]:
    """Return the parts that are a dateline: those before a colon, or those before a dash and a space."""
    if not any(part.is_source for part in parts):
        return []
    if stops[-1] in _COLONS:
        return parts if all(map(_is_short, parts)) and (len(parts) > 1 or _is_desk(parts[0])) else []
    for count in (3, 2):
        selected = parts[:count]
        if len(selected) < count or stops[count - 1] in "/،," or not _is_before_sentence(head, selected[-1].end):
            continue
        if all(map(_is_short, selected)) and _is_source_and_place(selected):
            return selected
    return []


def _is_before_sentence(head: str, end: int) -> bool:
    return head[end - 1 : end] == " " and _can_start_sentence(head, end)


def _is_source_and_place(parts: list[_DatelinePart]) -> bool:
    *_, before, last = parts
    if last.is_source:
        return len(parts) == 2 and not before.is_source and _is_place_like(before.text)  # noqa: PLR2004 - a pair
    return before.is_source and is_place_name(last.text)


def _is_desk(part: _DatelinePart) -> bool:
    return part.is_desk_or_paper and "ڈیسک" in part.text


def _is_short(part: _DatelinePart) -> bool:
    """Whether the part is a source, or a few words without a sentence among them."""
    if part.is_source:
        return True
    words = part.text.split()
    if ". " in part.text or part.text.endswith("."):
        return False
    return 0 < len(words) <= _WORDS_MAX and not any(
        word[0].islower() and word not in _PLACE_PARTICLES for word in words
    )


def _is_name_and_place(parts: list[_DatelinePart]) -> bool:
    """Whether the parts are a name and a known place, such as «نايف السعدي – الطائف»."""
    return len(parts) == 2 and is_place_name(parts[1].text) and is_name(parts[0].text)  # noqa: PLR2004 - a pair


def _combine_parts(head: str, end: int, parts: list[_DatelinePart]) -> Dateline:
    agencies = [agency for part in parts for agency in part.agencies]
    others = [part.text.partition("(")[0].strip() for part in parts if not part.is_source]
    located = next(filter(is_place_name, others), None)
    last = others[-1] if others and not parts[-1].is_source and not _PERSON.match(others[-1]) else None
    if located is None and (any(part.is_source for part in parts) or len((last or "").split()) == 1):
        located = last or next((text for text in others if len(text.split()) == 1), None)
    bylines = [text for text in others if text != located and _read_authors(text)]
    return Dateline(
        _strip_separators(head[:end]),
        end,
        located,
        list(dict.fromkeys(agencies)),
        "، ".join(bylines) or None,
        [author for byline in bylines for author in _read_authors(byline)],
    )


def _read_authors(text: str) -> list[str]:
    """Return the names that a part consists of, with or without a label such as «تصوير:» before them."""
    authors = split_names(text)
    if all(map(is_name, authors)):
        return authors
    byline = read_byline(text)
    return byline.authors if byline else []


def _read_urdu_place(head: str) -> Dateline | None:
    if head.find(": ", 0, _LOCATION_CHARS_MAX) < 0:
        return None
    location, colon, rest = head.partition(": ")
    if not _URDU.search(rest) or not is_place_name_in("ur", location):
        return None
    return Dateline(location, len(location) + len(colon), location)


def _strip_separators(text: str) -> str:
    return _FINAL_STOP.sub("", text.strip(" -–—―ـ:：،,，="))
