"""Names of months and weekdays in the languages of the news, folded so that variant spellings match."""

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

#: Numbers; the characters for year, month and day in East Asia; words with their marks; any other character.
TOKEN: Final = re.compile(
    r"(?P<number>[0-9]+)|(?P<unit>[年月日號号년월일])|(?P<word>[^\s0-9!-/:-@\[-`{-~،؛؟。、·•।|年月日號号]+)|(?P<other>[^\s])"
)
#: The most words in the name of a month: "rabi al awwal".
NAME_WORDS_MAX: Final = 3

_LETTER_MAP: Final = str.maketrans(
    {
        "ى": "ي", "ی": "ي", "ې": "ي", "ۍ": "ي", "ے": "ي", "ک": "ك", "ہ": "ه", "ھ": "ه", "ة": "ه", "ە": "ه",
        "ٱ": "ا", "ء": "", "ـ": "", "ı": "i",
        "'": "", "’": "", "‘": "", "`": "", "´": "", "ʼ": "", "ʻ": "", "ʾ": "", "ʿ": "",
        "–": "-", "—": "-", "−": "-", "‐": "-", "‑": "-", "⁄": "/", "؍": "/", "٫": ".", "۔": ".",
    }
    | dict.fromkeys(map(chr, (0xAD, 0x61C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A))), "")
)  # fmt: skip
_ISLAMIC_LANGUAGES: Final[tuple[Literal["ar", "en", "tr", "bn"], ...]] = ("ar", "en", "tr", "bn")
_ANY_ISLAMIC_YEAR: Final = 1444
# Names that CLDR and the calendar libraries do not have: one string per month, names separated by "|".
_EXTRA_NAMES: Final[dict[Calendar, tuple[str, ...]]] = {
    # Levantine double names without their articles, spellings of Egypt and the Maghreb, and abbreviations.
    Calendar.GREGORIAN: (
        "كانون ثاني|كانون ثان", "febr|фев", "mrt|mär", "افريل", "ماي", "يونيه|جوان", "يوليه|جويليا", "اوغسطس|اغشت",
        "sept|septembar", "تشرين اول|اوكتوبر", "تشرين ثاني|تشرين ثان", "كانون اول",
    ),
    # Islamic months where usage differs from the library: Arabic case endings, the numbers of the paired months, and
    # Persian and Urdu spellings.
    Calendar.ISLAMIC: (
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
    # Persian months in Dari and Pashto, and the Afghan spelling of the fifth month.
    Calendar.PERSIAN: (
        "حمل|وری", "ثور|غویی", "جوزا|غبرگولی|غبرګولی", "سرطان|چنگاښ|چنګاښ", "اسد|زمری|امرداد", "سنبله|وږی",
        "میزان|تله", "عقرب|لړم", "قوس|لیندۍ", "جدی|مرغومی", "دلو|سلواغه", "حوت|کب",
    ),
}  # fmt: skip


class NameTable(NamedTuple):
    """The meanings of folded names.

    ``months`` has the months that a name may mean, each with its languages (BCP 47 primary subtags, or "" for any).
    ``weekdays`` has the number of each weekday, from 0 for Monday to 6.
    """

    months: dict[str, dict[tuple[Calendar, int], set[str]]]
    weekdays: dict[str, int]


def fold(text: str) -> str:
    """Return ``text`` in lower case, without marks and apostrophes, with ASCII digits and unified Arabic letters.

    >>> fold("٤ Février"), fold("أيار/مايو")
    ('4 fevrier', 'ايار/مايو')
    """
    text = text.casefold()
    if text.isascii():
        return text.replace("'", "").replace("`", "")
    text = unicodedata.normalize("NFKD", text)
    text = "".join([character for character in text if not unicodedata.combining(character)])
    text = unicodedata.normalize("NFC", text).translate(_LETTER_MAP)
    return "".join([str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text])


@cache
def load_names() -> NameTable:
    """Return the table. It is read and folded by the first call."""
    table = NameTable({}, {})
    names_by_locale = orjson.loads(files("stream.core.normalize.dates").joinpath("month_names.json").read_bytes())
    for locale, names in names_by_locale.items():
        language = locale.partition("_")[0]
        for month, month_names in enumerate(names["months"], 1):
            for name in month_names:
                _add_month(table, name, Calendar.GREGORIAN, month, language)
        for weekday, weekday_names in enumerate(names["days"]):
            for name in weekday_names:
                table.weekdays.setdefault(_table_key(name), weekday)
    for month in range(1, 13):
        for islamic_language in _ISLAMIC_LANGUAGES:
            name = Hijri(_ANY_ISLAMIC_YEAR, month, 1).month_name(islamic_language)
            _add_month(table, name, Calendar.ISLAMIC, month, islamic_language)
        _add_month(table, str(MONTH_NAMES_FA[month]), Calendar.PERSIAN, month, "fa")
        _add_month(table, str(MONTH_NAMES_EN[month]), Calendar.PERSIAN, month, "en")
        for calendar, names_by_month in _EXTRA_NAMES.items():
            for name in names_by_month[month - 1].split("|"):
                _add_month(table, name, calendar, month, "")
    return table


def _add_month(table: NameTable, name: str, calendar: Calendar, month: int, language: str) -> None:
    table.months.setdefault(_table_key(name), {}).setdefault((calendar, month), set()).add(language)


def _table_key(name: str) -> str:
    return " ".join(match[0] for match in TOKEN.finditer(fold(name)) if match.lastgroup != "other")
