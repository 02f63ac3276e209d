"""Names of months and weekdays in the languages of the news, folded so that spellings meet."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files
from typing import Final, Literal, NamedTuple

import orjson
from hijridate import Hijri
from persiantools.jdatetime import MONTH_NAMES_EN, MONTH_NAMES_FA

from stream.core.normalize.dates.calendars import Calendar

#: Figures; signs that stand for year, month and day in East Asia; words, of which marks are a part; anything else.
TOKEN: Final = re.compile(
    r"(?P<number>[0-9]+)|(?P<unit>[年月日號号년월일])|(?P<word>[^\s0-9!-/:-@\[-`{-~،؛؟。、·•।|年月日號号]+)|(?P<other>[^\s])"
)
#: A month's name has at most so many words: «rabi al awwal».
NAME_WORDS_MAX: Final = 3

_LETTERS: Final = str.maketrans(
    {
        "ى": "ي", "ی": "ي", "ې": "ي", "ۍ": "ي", "ے": "ي", "ک": "ك", "ہ": "ه", "ھ": "ه", "ة": "ه", "ە": "ه",
        "ٱ": "ا", "ء": "", "ـ": "", "ı": "i",
        "'": "", "’": "", "‘": "", "`": "", "´": "", "ʼ": "", "ʻ": "", "ʾ": "", "ʿ": "",
        "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "⁄": "/", "؍": "/", "٫": ".", "۔": ".",
    }
    | dict.fromkeys(map(chr, (0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A))), "")
)  # fmt: skip
_LUNAR_LANGUAGES: Final[tuple[Literal["ar", "en", "tr", "bn"], ...]] = ("ar", "en", "tr", "bn")
_ANY_LUNAR_YEAR: Final = 1444
# What CLDR and the calendar libraries leave out, one list a month.
_MORE: Final[dict[Calendar, tuple[str, ...]]] = {
    # Levantine double months without their articles, spellings of Egypt and the Maghreb, and short forms.
    Calendar.GREGORIAN: (
        "كانون ثاني|كانون ثان", "febr|фев", "mrt|mär", "افريل", "ماي", "يونيه|جوان", "يوليه|جويليا", "اوغسطس|اغشت",
        "sept|septembar", "تشرين اول|اوكتوبر", "تشرين ثاني|تشرين ثان", "كانون اول",
    ),
    # The Islamic months where writers differ from the library: Arabic case, the numbering of the twin months, Persian
    # and Urdu.
    Calendar.LUNAR: (
        "المحرم|محرم الحرام|المحرم الحرام|muharrem",
        "صفر الخير|صفر المظفر|safer",
        "ربيع اول|ربيع الاول|rabi al awal",
        "ربيع الاخر|ربيع ثاني|ربيع آخر|rabi al akhir",
        "جمادي الاول|جمادى الاولى|جماد اول|جماد الاول|جمادى اول",
        "جمادى الثانية|جمادى الثاني|جمادي الاخر|جماد الاخر|جمادى الاخرى|جماد الثاني|jumada al thani",
        "رجب المرجب",
        "شعبان المعظم|shaban",
        "رمضان المبارك|ramadhan|ramazan",
        "شوال المكرم",
        "ذي القعدة|ذو القعده|ذوالقعدة|ذیقعده|ذی قعده|ذي قعدة|ذو قعدة|dhu al qidah",
        "ذي الحجة|ذو الحجه|ذوالحجة|ذیحجه|ذی حجه|ذي حجة|ذو حجة|dhul hijjah",
    ),
    # The Persian calendar in Dari and in Pashto, and Afghanistan's spelling of the fifth month.
    Calendar.SOLAR: (
        "حمل|وری", "ثور|غویی", "جوزا|غبرگولی|غبرګولی", "سرطان|چنگاښ|چنګاښ", "اسد|زمری|امرداد", "سنبله|وږی",
        "میزان|تله", "عقرب|لړم", "قوس|لیندۍ", "جدی|مرغومی", "دلو|سلواغه", "حوت|کب",
    ),
}  # fmt: skip


class Names(NamedTuple):
    """``months``: folded name to the months it may mean, each with its languages. ``days``: to 0, Monday, to 6."""

    months: dict[str, dict[tuple[Calendar, int], set[str]]]
    days: dict[str, int]


def fold(text: str) -> str:
    """``text`` in lower case without marks and apostrophes, with ASCII digits, one letter for each Arabic variant."""
    text = text.casefold()
    if text.isascii():
        return text.replace("'", "").replace("`", "")
    text = unicodedata.normalize("NFKD", text)
    text = "".join([character for character in text if not unicodedata.combining(character)])
    text = unicodedata.normalize("NFC", text).translate(_LETTERS)
    return "".join([str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text])


@cache
def names() -> Names:
    """The table, read and folded at the first call."""
    found = Names({}, {})
    table = orjson.loads(files("stream.core.normalize.dates").joinpath("month_names.json").read_bytes())
    for identifier, named in table.items():
        language = identifier.partition("_")[0]
        for month, words in enumerate(named["months"], 1):
            for word in words:
                _add(found, word, Calendar.GREGORIAN, month, language)
        for day, words in enumerate(named["days"]):
            for word in words:
                found.days.setdefault(_key(word), day)
    for month in range(1, 13):
        for language in _LUNAR_LANGUAGES:
            _add(found, Hijri(_ANY_LUNAR_YEAR, month, 1).month_name(language), Calendar.LUNAR, month, language)
        _add(found, str(MONTH_NAMES_FA[month]), Calendar.SOLAR, month, "fa")
        _add(found, str(MONTH_NAMES_EN[month]), Calendar.SOLAR, month, "en")
        for calendar, lists in _MORE.items():
            for word in lists[month - 1].split("|"):
                _add(found, word, calendar, month, "")
    return found


def _add(found: Names, name: str, calendar: Calendar, month: int, language: str) -> None:
    found.months.setdefault(_key(name), {}).setdefault((calendar, month), set()).add(language)


def _key(name: str) -> str:
    return " ".join(match[0] for match in TOKEN.finditer(fold(name)) if match.lastgroup != "other")
