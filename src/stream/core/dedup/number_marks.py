"""Signs and currencies of the numbers in a text, which folding drops: +2 is not -2, and $5 is not €5.

Hyphens are rarely signs: they join the parts of ranges, dates, scores and names such as COVID-19, and begin list items.
Only a hyphen that can be nothing else counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

#: How many different marks of one text are used.
MARKS_MAX: Final = 64
_PLUS_SIGNS: Final = "+＋﹢"
_HYPHENS: Final = "-－﹣"
_MINUS_SIGN: Final = "−"
#: The highest code point of the look-up table; what is beyond counts as no mark and no digit.
_TABLE_SIZE: Final = 0x10000
_MARK, _DIGIT = 1, 2
_OPENING: Final = "([{（［｛«“‘„\"'=≈~:：、，،,;；/／|"
_SEPARATOR: Final = "\0\0\0"
_FIRST_UNSPACED: Final = 0x2E80
#: A phone number has at least this many digits after its plus sign.
_PHONE_DIGITS_MIN: Final = 7
_PHONE_NUMBER: Final = re.compile(r"[\d\s()./-]{0,24}")
_CONTEXT_CHARS: Final = 40
_NUMBER: Final = re.compile(r"\d+(?:[.,٫٬'’]\d+)*")
_NUMBER_BEFORE: Final = re.compile(r"\d+(?:[.,٫٬'’]\d+)*[ \u00a0\u202f]?\Z")
#: What follows a number that may be negative: a unit of temperature or change.
_UNIT: Final = re.compile(
    r"[ \u00a0\u202f]?(?:[%٪٫﹪％°º℃℉]|[CF]\b|(?:degr|grad|graus|grados|gradi|stop|derece|град|درج|percent|pct|per cent"
    r"|prozent|procent|pour ?cent|por ?cient|por ?cent|per ?cento|persen|yüzde|процент|відсот|في المئ|في المائ|بالمئ"
    r"|بالمائ|point|punkt|punto|ponto|درصد|فیصد|डिग्री|प्रतिशत|度|个百分点|個百分點|パーセント))",
    re.IGNORECASE,
)


def find_number_marks(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """Find the numbers with a sign or a currency in each of ``texts``: the mark and the number, sorted and unique.

    >>> find_number_marks(["It fell from +2 to −1.5 degrees in 2016-12-20.", "A tea for ５ € or $5", "COVID-19"])
    [('+2', '-1.5'), ('$5', '€5'), ()]
    """
    joined = _SEPARATOR.join(("", *texts, ""))
    points = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype="<u4")
    kinds = _kinds().take(points, mode="clip")
    indices = (kinds == _MARK).nonzero()[0]
    marks: list[set[str]] = [set() for _ in texts]
    if not len(indices):
        return [()] * len(texts)
    digits = kinds == _DIGIT
    # The separators are longer than the distance that is looked at.
    has_digit = digits[indices + 1] | digits[indices + 2] | digits[indices - 1] | digits[indices - 2]
    indices = indices[has_digit]
    if not len(indices):
        return [()] * len(texts)
    ends = np.cumsum([len(text) + len(_SEPARATOR) for text in texts])
    for text, index in zip(ends.searchsorted(indices).tolist(), indices.tolist(), strict=True):
        mark = _read_mark(joined, index)
        if mark and len(marks[text]) < MARKS_MAX:
            marks[text].add(mark)
    return [tuple(sorted(found)) if found else () for found in marks]


def have_other_marks(marks: Sequence[str], others: Sequence[str]) -> bool:
    """Whether a number has a sign in both texts, or a currency, and they differ.

    A number that only one of the texts marks proves nothing: the other may spell the currency out.

    >>> have_other_marks(["$5"], ["€5"]), have_other_marks(["$5"], []), have_other_marks(["$5"], ["$5", "€5"])
    (True, False, False)
    """
    if not marks or not others or marks == others:
        return False
    by_number, others_by_number = _by_number(marks), _by_number(others)
    return any(by_number[key].isdisjoint(others_by_number[key]) for key in by_number.keys() & others_by_number.keys())


def have_other_signs(marks: Sequence[str], others: Sequence[str]) -> bool:
    """Whether one of the texts has a number with a sign which the other does not have.

    >>> have_other_signs(["-2"], []), have_other_signs(["$5"], [])
    (True, False)
    """
    return marks != others and _signed(marks) != _signed(others)


def _signed(marks: Sequence[str]) -> list[str]:
    return [mark for mark in marks if mark[0] in "+-"]


def _by_number(marks: Sequence[str]) -> dict[tuple[bool, str], set[str]]:
    grouped: dict[tuple[bool, str], set[str]] = {}
    for mark in marks:
        grouped.setdefault((mark[0] in "+-", mark[1:]), set()).add(mark[0])
    return grouped


def _read_mark(text: str, index: int) -> str | None:
    """The mark at ``index`` and its number; None if it marks none."""
    char = text[index]
    if char in _PLUS_SIGNS:
        return _read_sign(text, index, "+") if _is_plus(text, index) else None
    if char in _HYPHENS or char == _MINUS_SIGN:
        return _read_sign(text, index, "-") if _is_minus(text, index) else None
    return _read_currency(text, index)


def _read_sign(text: str, index: int, sign: str) -> str | None:
    number = _NUMBER.match(text, _skip_currency(text, index + 1))
    return sign + _plain_digits(number[0]) if number else None


def _read_currency(text: str, index: int) -> str | None:
    currency = unicodedata.normalize("NFKC", text[index])[0]
    before = _NUMBER_BEFORE.search(text, max(0, index - _CONTEXT_CHARS), index)
    after = _NUMBER.match(text, index + 1)
    spaced_after = None if after or not text[index + 1].isspace() else _NUMBER.match(text, index + 2)
    is_adjacent = before and not before[0][-1].isspace()
    number = (before if is_adjacent else None) or after or before or spaced_after
    return currency + _plain_digits(number[0]) if number else None


def _is_plus(text: str, index: int) -> bool:
    """Whether the plus sign at ``index`` is the sign of a number: of no phone number, and no sum."""
    if not _can_be_sign(text, index):
        return False
    following = _PHONE_NUMBER.match(text, index + 1)
    return not following or sum(map(str.isdigit, following[0])) < _PHONE_DIGITS_MIN


def _is_minus(text: str, index: int) -> bool:
    """Whether the hyphen or minus sign at ``index`` is the sign of a number."""
    if not _can_be_sign(text, index) or (text[index] != _MINUS_SIGN and text[index - 1] in "\n\0"):  # a list item
        return False
    if text[index] == _MINUS_SIGN or text[index - 1] in _OPENING or not _is_after_word(text, index):
        return True
    # After a word it may belong to a name, such as "Covid -19", so what follows has to show that it is a sign.
    number = _NUMBER.match(text, index + 1)
    return number is None or not number[0].isdecimal() or _UNIT.match(text, number.end()) is not None


def _is_after_word(text: str, index: int) -> bool:
    return (text[index - 2] if text[index - 1].isspace() else text[index - 1]).isalnum()


def _can_be_sign(text: str, index: int) -> bool:
    """Whether a number follows, and what comes before is neither a number nor the first part of a name."""
    if not text[_skip_currency(text, index + 1)].isdigit():
        return False
    before = text[index - 1]
    if before.isspace():
        previous = text[max(0, index - _CONTEXT_CHARS) : index].rstrip(" \u00a0\u202f")[-1:]
        return not previous.isdigit() and previous not in ("%", "٪")
    if before == "\0" or before in _OPENING:
        return before not in "'’" or not text[index - 2].isdigit()
    return ord(before) >= _FIRST_UNSPACED and before.isalpha()


def _skip_currency(text: str, index: int) -> int:
    return index + (unicodedata.category(text[index]) == "Sc")


def _plain_digits(number: str) -> str:
    """The number in ASCII digits, with a point between the parts of which the last one has not three digits."""
    parts = re.split(r"[.,٫٬'’ \u00a0\u202f]+", number.strip())
    digits = ["".join(str(unicodedata.digit(char)) for char in part) for part in parts]
    if len(digits) > 1 and len(digits[-1]) != 3:  # noqa: PLR2004 - thousands
        return f"{''.join(digits[:-1])}.{digits[-1]}"
    return "".join(digits)


@cache
def _kinds() -> NDArray[np.uint8]:
    kinds = np.zeros(_TABLE_SIZE, dtype=np.uint8)
    for point in range(_TABLE_SIZE - 1):
        category = unicodedata.category(chr(point))
        if category == "Nd":
            kinds[point] = _DIGIT
        elif category == "Sc" or chr(point) in _PLUS_SIGNS + _HYPHENS + _MINUS_SIGN:
            kinds[point] = _MARK
    return kinds
