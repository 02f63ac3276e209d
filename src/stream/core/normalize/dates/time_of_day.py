"""Finds the time of day in folded text, with its time zone."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final, NamedTuple

from stream.core.normalize.dates.month_names import fold

_OFFSET_MINUTES_MAX: Final = 14 * 60
#: The offset from UTC, in minutes, of names that mean one zone everywhere. IST and AST are ambiguous, and the offset of
#: ET depends on the season.
_ZONE_OFFSETS: Final = {
    "z": 0, "utc": 0, "gmt": 0, "ut": 0, "غرينتش": 0, "جرينتش": 0, "غرينيتش": 0, "گرینویچ": 0,
    "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
    "akst": -540, "akdt": -480, "hst": -600, "brt": -180,
    "wet": 0, "west": 60, "bst": 60, "cet": 60, "cest": 120, "mez": 60, "mesz": 120, "eet": 120, "eest": 180,
    "msk": 180, "мск": 180, "trt": 180, "sast": 120, "eat": 180,
    "ksa": 180, "السعودية": 180, "الرياض": 180, "مكة المكرمة": 180, "مكة": 180, "بغداد": 180,
    "uae": 240, "الإمارات": 240, "أبوظبي": 240, "دبي": 240,
    "pkt": 300, "wib": 420, "wita": 480, "wit": 540, "hkt": 480, "sgt": 480, "jst": 540, "kst": 540,
    "北京时间": 480, "北京時間": 480, "台北時間": 480, "香港時間": 480, "日本時間": 540, "한국시간": 540,
    "awst": 480, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780,
}  # fmt: skip
_AM: Final = (
    "am", "a.m", "a. m", "صباحا", "صباح", "الصباح", "فجرا", "ص", "ق.ظ", "ق ظ", "قبل از ظهر", "قبل‌ازظهر", "صبح",
    "بامداد", "上午", "午前", "오전", "凌晨", "早上", "清晨", "π.μ", "πμ", "पूर्वाह्न", "सुबह", "ก่อนเที่ยง",
    "早", "早晨", "아침", "새벽", "öö", "sabah", "morgens", "vormittags", "утра", "ранку", "du matin", "de la mañana",
    "da manhã", "del mattino", "di mattina", "sáng", "pagi", "rano", "ráno", "de madrugada",
    "de la madrugada", "midnight",
)  # fmt: skip
_PM: Final = (
    "pm", "p.m", "p. m", "مساء", "المساء", "ظهرا", "عصرا", "بعد الظهر", "م", "ب.ظ", "ب ظ", "بعد از ظهر", "بعدازظهر",
    "عصر", "下午", "午後", "오후", "晚上", "中午", "μ.μ", "μμ", "अपराह्न", "शाम", "दोपहर", "หลังเที่ยง",
    "晚", "午", "傍晚", "정오", "저녁", "낮", "ös", "öğleden sonra", "akşam", "abends", "nachmittags", "mittags",
    "вечера", "дня", "вечора", "du soir", "de l'après-midi", "de l’après-midi", "de la tarde", "de la noche",
    "da tarde",
    "da noite", "di sera", "del pomeriggio", "chiều", "tối", "trưa", "sore", "malam", "wieczorem", "po południu",
    "odpoledne", "večer", "noon", "jioni",
)  # fmt: skip
#: "Eleven at night" is p.m. and "one at night" is a.m.
_NIGHT: Final = ("ليلا", "شب", "밤", "夜", "nachts", "ночи", "ночі", "रात", "gece", "đêm", "usiku")
_NIGHT_PM_HOUR_MIN: Final = 6


def _alternatives(words: tuple[str, ...] | dict[str, int]) -> str:
    """Return a regular expression that matches any of ``words``, folded."""
    return "|".join(map(re.escape, sorted(map(fold, words), key=len, reverse=True)))


def _stands_before(word: str) -> bool:
    """Whether a word may stand before the time: single letters have other meanings there, Chinese words do not."""
    return len(word) > 1 or word > "\u3000"


_WORD_END: Final = r"(?![^\W\d_])"
_MERIDIEM: Final = (
    rf"(?:(?P<am>{_alternatives(_AM)})|(?P<pm>{_alternatives(_PM)})|(?P<night>{_alternatives(_NIGHT)})){_WORD_END}\.?"
)
# Before the time, single letters have other meanings.
_MERIDIEM_BEFORE: Final = re.compile(
    rf"(?:(?P<am>{_alternatives(tuple(word for word in _AM if _stands_before(word)))})"
    rf"|(?P<pm>{_alternatives(tuple(word for word in _PM if _stands_before(word)))})"
    rf"|(?P<night>{_alternatives(('밤', '夜'))}))[ ,:]?\Z"
)
_MERIDIEM_CHARS_MAX: Final = 16
_MERIDIEM_AFTER: Final = re.compile(rf"[ (]{{0,2}}{_MERIDIEM}")
_HOUR_AND_MINUTE: Final = re.compile(
    r"(?<![0-9:.,])([0-9]{1,2}) ?(?:[:h時时点點]|시) ?([0-9]{1,2})(?![0-9])"
    r"(?: ?(?:[:m'分]|분|min) ?([0-9]{1,2})(?![0-9])(?:[.,]([0-9]{1,9}))?)?(?: ?[분分秒])?"
    r"|(?<=[0-9]{4}:)([0-9]{2}):([0-9]{2}):([0-9]{2})"  # as in web server logs: 21/Jul/2015:08:30:00
)
_HOUR_DOT_MINUTE: Final = re.compile(r"(?<![0-9.:/-])([0-9]{1,2})\.([0-9]{2})(?![0-9.:/-]|\.[0-9])")
_HOUR: Final = re.compile(
    rf"(?<![0-9:.,/-])([0-9]{{1,2}}) ?(?:(?:uhr|h|時|时|点|點|시)(?:{_WORD_END}|(?= ?[半반]))|(?={_MERIDIEM}))"
)
_UTC_OFFSET: Final = re.compile(r"[ (\[]{0,2}(?:gmt|utc|ut)[ (]?([+-]) ?([0-9]{1,2})(?::?([0-9]{2}))?(?![0-9])\)?")
# A minus directly after hour and minute would be a range, such as 8:00-10:00.
_OFFSET: Final = re.compile(
    r"(?:(?<=:[0-9]{2}:[0-9]{2})| )([+-])([0-9]{2}):?([0-9]{2})(?![0-9]|[/.-][0-9])"
    r"|(\+)([0-9]{1,2})(?::?([0-9]{2}))?(?![0-9]|[:/.-][0-9])"
)
_ZONE_NAME: Final = re.compile(rf"[ (\[]{{0,2}}(?:بتوقيت )?(?P<zone>{_alternatives(_ZONE_OFFSETS)}){_WORD_END}\)?")
_FOLDED_ZONE_OFFSETS: Final = {fold(name): minutes for name, minutes in _ZONE_OFFSETS.items()}
_HOUR_WORD: Final = re.compile(r" ?(?:uhr|น|นาฬิกา|часов|часа|ч|ora|h)" + _WORD_END + r"\.?")


#: Half past, behind the hour.
_HALF: Final = re.compile(r" ?(?:半|반)(?![^\W\d_])")


class TimeOfDay(NamedTuple):
    """The time since midnight, and the offset from UTC, which is None if the text has none."""

    since_midnight: timedelta
    utc_offset: timedelta | None


class SplitText(NamedTuple):
    """The time of day in a text, None if it has none; and the rest of the text, with "|" in place of each time."""

    time: TimeOfDay | None
    rest: str


def split_time(text: str) -> SplitText | None:
    """Separate the time of day from the rest of ``text``, which is folded and short.

    Returns None if the text has an impossible time, or two different ones.

    >>> time, rest = split_time("4 may 2026, 9:30 pm gmt+3")
    >>> str(time.since_midnight), str(time.utc_offset), rest
    ('21:30:00', '3:00:00', '4 may 2026, |')
    """
    for pattern in (_HOUR_AND_MINUTE, _HOUR, _HOUR_DOT_MINUTE):
        matches = list(pattern.finditer(text))
        if matches:
            break
    else:
        return SplitText(None, text)
    times: list[TimeOfDay] = []
    rest, position = [], 0
    for match in matches:
        if match.start() < position:
            continue
        time, start, end = _parse_time(text, match)
        if time is None:
            return None
        times.append(time)
        rest.append(text[position:start])
        position = end
    rest.append(text[position:])
    with_offset = [time for time in times if time.utc_offset is not None]
    utc_times = {time.since_midnight - (time.utc_offset or timedelta()) for time in with_offset}
    # Times that differ may be the same one in two zones, not all of them named.
    if len(set(times)) > 1 and len(utc_times) != 1:
        return None
    return SplitText((with_offset or times)[0], "|".join(rest))


def _parse_time(text: str, match: re.Match[str]) -> tuple[TimeOfDay | None, int, int]:
    """Return the time at ``match``, None if it is impossible, and the start and end of its words."""
    numbers = [group for group in match.groups()[:7] if group is not None and group.isdigit()]
    hour, minute, second = [int(number) for number in (*numbers, "0", "0")][:3]
    if len(numbers) == 1 and _HALF.match(text, match.end()):
        minute = 30
    microsecond = int(numbers[3].ljust(6, "0")[:6]) if len(numbers) > 3 else 0  # noqa: PLR2004 # hour, minute, second
    start, end = match.span()
    if half := _HALF.match(text, end):
        end = half.end()
    meridiem = _MERIDIEM_AFTER.match(text, end)
    if meridiem:
        end = meridiem.end()
    elif meridiem := _MERIDIEM_BEFORE.search(text, max(0, start - _MERIDIEM_CHARS_MAX), start):
        start = meridiem.start()
    elif hour_word := _HOUR_WORD.match(text, end):
        end = hour_word.end()
    if meridiem:
        hour = _to_24_hours(hour, meridiem.lastgroup)
    offset, end = _parse_offset(text, end)
    if not 0 <= hour < 24 or minute > 59 or second > 60:  # noqa: PLR2004 # limits of a day, with leap seconds
        return None, start, end
    if offset is not None and abs(offset) > _OFFSET_MINUTES_MAX:
        return None, start, end
    time = timedelta(hours=hour, minutes=minute, seconds=min(second, 59), microseconds=microsecond)
    return TimeOfDay(time, None if offset is None else timedelta(minutes=offset)), start, end


def _to_24_hours(hour: int, meridiem: str | None) -> int:
    """Return the hour of the day, not in 0 to 23 if there is no such hour. ``meridiem`` is am, pm or night."""
    half = 12
    if meridiem == "night":
        meridiem = "pm" if _NIGHT_PM_HOUR_MIN <= hour < half else "am"
    if meridiem == "am":
        return hour % half if hour <= half else -1
    return hour + half if hour < half else hour


def _parse_offset(text: str, start: int) -> tuple[int | None, int]:
    """Return the offset from UTC at ``start``, in minutes, None if there is none, and the position after it."""
    match = _UTC_OFFSET.match(text, start) or _OFFSET.match(text, start)
    if match:
        sign, hours, minutes = [group for group in (*match.groups(), "0", "0") if group is not None][:3]
        return (-1 if sign == "-" else 1) * (int(hours) * 60 + int(minutes)), match.end()
    zone = _ZONE_NAME.match(text, start)
    return (_FOLDED_ZONE_OFFSETS[zone["zone"]], zone.end()) if zone else (None, start)
