"""The time of day in a folded text, with its zone."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final, NamedTuple

from stream.core.normalize.dates.month_names import fold

_OFFSET_MAX: Final = 14 * 60
#: Minutes ahead of UTC of names that mean one zone wherever news are written. «IST» and «CST» of Asia, «AST» and
#: «ET», which changes with the season, are none of them.
_ZONES: Final = {
    "z": 0, "utc": 0, "gmt": 0, "ut": 0, "غرينتش": 0, "جرينتش": 0, "غرينيتش": 0, "گرینویچ": 0,
    "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
    "akst": -540, "akdt": -480, "hst": -600, "brt": -180,
    "wet": 0, "west": 60, "bst": 60, "cet": 60, "cest": 120, "mez": 60, "mesz": 120, "eet": 120, "eest": 180,
    "msk": 180, "мск": 180, "trt": 180, "sast": 120, "eat": 180,
    "ksa": 180, "السعودية": 180, "الرياض": 180, "مكة المكرمة": 180, "مكة": 180, "بغداد": 180,
    "uae": 240, "الإمارات": 240, "أبوظبي": 240, "دبي": 240,
    "pkt": 300, "wib": 420, "wita": 480, "wit": 540, "hkt": 480, "sgt": 480, "jst": 540, "kst": 540,
    "awst": 480, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780,
}  # fmt: skip
_AM: Final = (
    "am", "a.m", "a. m", "صباحا", "صباح", "الصباح", "فجرا", "ص", "ق.ظ", "ق ظ", "قبل از ظهر", "قبل‌ازظهر", "صبح",
    "بامداد", "上午", "午前", "오전", "凌晨", "早上", "清晨", "π.μ", "πμ", "पूर्वाह्न", "सुबह", "ก่อนเที่ยง",
)  # fmt: skip
_PM: Final = (
    "pm", "p.m", "p. m", "مساء", "المساء", "ظهرا", "عصرا", "بعد الظهر", "م", "ب.ظ", "ب ظ", "بعد از ظهر", "بعدازظهر",
    "عصر", "下午", "午後", "오후", "晚上", "中午", "μ.μ", "μμ", "अपराह्न", "शाम", "หลังเที่ยง",
)  # fmt: skip
#: «Eleven at night» and «one at night».
_NIGHT: Final = ("ليلا", "شب")
_NIGHT_HOUR: Final = 6


def _any(words: tuple[str, ...] | dict[str, int]) -> str:
    return "|".join(map(re.escape, sorted(map(fold, words), key=len, reverse=True)))


_END: Final = r"(?![^\W\d_])"
_MERIDIEM: Final = rf"(?:(?P<am>{_any(_AM)})|(?P<pm>{_any(_PM)})|(?P<night>{_any(_NIGHT)})){_END}\.?"
# Before the time single letters mean something else.
_BEFORE: Final = re.compile(
    rf"(?:(?P<am>{_any(tuple(word for word in _AM if len(word) > 1))})"
    rf"|(?P<pm>{_any(tuple(word for word in _PM if len(word) > 1))}))[ ,:]?\Z"
)
_BEFORE_CHARS_MAX: Final = 16
_AFTER: Final = re.compile(rf"[ (]{{0,2}}{_MERIDIEM}")
_MINUTES: Final = re.compile(
    r"(?<![0-9:.,])([0-9]{1,2}) ?(?:[:h時时点點]|시) ?([0-9]{1,2})(?![0-9])"
    r"(?: ?(?:[:m'分]|분|min) ?([0-9]{1,2})(?![0-9])(?:[.,]([0-9]{1,9}))?)?(?: ?[분分秒])?"
    r"|(?<=[0-9]{4}:)([0-9]{2}):([0-9]{2}):([0-9]{2})"  # of a web server's log: 21/Jul/2015:08:30:00
)
_DOTTED: Final = re.compile(r"(?<![0-9.:/-])([0-9]{1,2})\.([0-9]{2})(?![0-9.:/-]|\.[0-9])")
_HOUR: Final = re.compile(rf"(?<![0-9:.,/-])([0-9]{{1,2}}) ?(?:(?:uhr|h|時|时|点|點|시){_END}|(?={_MERIDIEM}))")
_PREFIXED: Final = re.compile(r"[ (\[]{0,2}(?:gmt|utc|ut)[ (]?([+-]) ?([0-9]{1,2})(?::?([0-9]{2}))?(?![0-9])\)?")
# A minus right behind hour and minute would be a range: 8:00-10:00.
_OFFSET: Final = re.compile(
    r"(?:(?<=:[0-9]{2}:[0-9]{2})| )([+-])([0-9]{2}):?([0-9]{2})(?![0-9]|[/.-][0-9])"
    r"|(\+)([0-9]{1,2})(?::?([0-9]{2}))?(?![0-9]|[:/.-][0-9])"
)
_NAMED: Final = re.compile(rf"[ (\[]{{0,2}}(?:بتوقيت )?(?P<zone>{_any(_ZONES)}){_END}\)?")
_FOLDED_ZONES: Final = {fold(name): minutes for name, minutes in _ZONES.items()}
_SAYS_HOUR: Final = re.compile(r" ?(?:uhr|น|นาฬิกา|часов|часа|ч|ora|h)" + _END + r"\.?")


class Clock(NamedTuple):
    """``since_midnight`` of the day given; ``ahead`` of UTC, None where the text does not tell."""

    since_midnight: timedelta
    ahead: timedelta | None


class Times(NamedTuple):
    """``clock``: the one time of day, None for none. ``rest``: the text without it. ``sound``: there are no two."""

    clock: Clock | None
    rest: str
    sound: bool


def split_clock(text: str) -> Times:
    """The time of day in ``text``, which is folded and short, and what is left of the text."""
    for pattern in (_MINUTES, _HOUR, _DOTTED):
        matches = list(pattern.finditer(text))
        if matches:
            break
    else:
        return Times(None, text, sound=True)
    clocks: list[Clock | None] = []
    rest, end = [], 0
    for match in matches:
        start = match.start()
        if start < end:
            continue
        clock, start, after = _clock(text, match)
        clocks.append(clock)
        rest.append(text[end:start])
        end = after
    rest.append(text[end:])
    # The same time in two zones, of which one is named, is one.
    zoned = {clock.since_midnight - clock.ahead for clock in clocks if clock and clock.ahead is not None}
    if None in clocks or (len(set(clocks)) > 1 and len(zoned) != 1):
        return Times(None, "|".join(rest), sound=False)
    chosen = next((clock for clock in clocks if clock and clock.ahead is not None), clocks[0])
    return Times(chosen, "|".join(rest), sound=True)


def _clock(text: str, match: re.Match[str]) -> tuple[Clock | None, int, int]:
    """The time at ``match``, None if there is no such time, and where its words begin and end."""
    groups = [group for group in match.groups()[:7] if group is not None and group.isdigit()]
    hour, minute, second = [int(group) for group in (*groups, "0", "0")][:3]
    micros = int(groups[3].ljust(6, "0")[:6]) if len(groups) > 3 else 0  # noqa: PLR2004 # behind hour, minute, second
    start, end = match.span()
    after = _AFTER.match(text, end)
    before = None if after else _BEFORE.search(text, max(0, start - _BEFORE_CHARS_MAX), start)
    meridiem = after or before
    if after:
        end = after.end()
    elif before:
        start = before.start()
    else:
        word = _SAYS_HOUR.match(text, end)
        end = word.end() if word else end
    if meridiem:
        hour = _hour(hour, (meridiem.lastgroup or "")[:5])
    ahead, end = _ahead(text, end)
    if not 0 <= hour < 24 or minute > 59 or second > 60 or abs(ahead or 0) > _OFFSET_MAX:  # noqa: PLR2004 # of a day
        return None, start, end
    time = timedelta(hours=hour, minutes=minute, seconds=min(second, 59), microseconds=micros)
    return Clock(time, None if ahead is None else timedelta(minutes=ahead)), start, end


def _hour(hour: int, meridiem: str) -> int:
    """The hour of 24; -1 where there is none such."""
    half = 12
    if meridiem == "night":
        meridiem = "pm" if _NIGHT_HOUR <= hour < half else "am"
    if meridiem == "am":
        return hour % half if hour <= half else -1
    return hour + half if hour < half else hour


def _ahead(text: str, start: int) -> tuple[int | None, int]:
    """Minutes ahead of UTC told at ``start``, None where nothing is told, and where that ends."""
    match = _PREFIXED.match(text, start) or _OFFSET.match(text, start)
    if match:
        sign, hours, minutes = [group for group in (*match.groups(), "0", "0") if group is not None][:3]
        return (-1 if sign == "-" else 1) * (int(hours) * 60 + int(minutes)), match.end()
    named = _NAMED.match(text, start)
    return (_FOLDED_ZONES[named["zone"]], named.end()) if named else (None, start)
