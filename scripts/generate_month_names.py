"""Generates ``month_names.json`` from the Unicode CLDR (Unicode License), which Babel packages.

Run it with ``python -m scripts.generate_month_names``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from babel import Locale

import stream.core.normalize.dates

OUTPUT = Path(stream.core.normalize.dates.__file__).with_name("month_names.json")
LOCALES = (
    "ar ar_DZ ar_LB ar_MA ar_MR fa fa_AF ur ps ckb ku he en hi bn ta te ml mr gu pa kn ne si th lo km my zh ja ko vi "
    "id ms fil sw am so ha tr az uz kk ky tg tk ru uk be bg mk sr sr_Latn hr bs sl cs sk pl hu ro de de_AT nl fr es "
    "es_UY ca gl pt it eu el sq hy ka fi et lv lt sv nb nn da is ga cy mt"
)


def names_of_locale(identifier: str) -> dict[str, list[list[str]]]:
    """Return twelve lists of names of months and seven of weekdays, Monday first, without names that have digits."""
    locale = Locale.parse(identifier)
    return {
        "months": [_names(locale.months, ("wide", "abbreviated"), month) for month in range(1, 13)],
        "days": [_names(locale.days, ("wide",), day) for day in range(7)],
    }


def _names(table: Any, widths: tuple[str, ...], key: int) -> list[str]:
    names = [str(table[context][width][key]) for context in ("format", "stand-alone") for width in widths]
    return sorted({name for name in names if not any(map(str.isdecimal, name)) and len(name) > 1})


def render() -> bytes:
    """Return the content of the file."""
    names_by_locale = {identifier: names_of_locale(identifier) for identifier in LOCALES.split()}
    return orjson.dumps(names_by_locale, option=orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    OUTPUT.write_bytes(render())
