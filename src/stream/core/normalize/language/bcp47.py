"""Language tags: RFC 5646 (BCP 47) in the canonical form of UTS #35, and the direction in which one is written."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import langcodes

from stream.core.contracts.events import Direction

_TAG_CHARS_MAX: Final = 64
_CACHED_MAX: Final = 4096
_SCRIPT_CHARS: Final = 4
_COUNTRY_CHARS: Final = 2
# A tag in the shape of RFC 5646, section 2.1: language, script, region, and the rest.
_TAG: Final = re.compile(
    r"([a-z]{2,3})(?:-[a-z]{3}){0,3}(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?"
    r"((?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?)"
)
# A POSIX locale, as en_US.UTF-8 or ca_ES@valencia: what follows the region says nothing about the language.
_LOCALE: Final = re.compile(r"([a-z]{2,3}(?:_[a-z]{2})?)(?:\.[a-z0-9-]+)?(?:@[a-z0-9]+)?")
# Languages of ISO 639-3 that belong to the macrolanguage `ara`. Newspapers that declare one write Modern Standard
# Arabic nearly always, and an article must not be parted from its copies.
_ARABIC: Final = frozenset(
    "aao abh abv acm acq acw acx acy adf aeb aec afb ajp apc apd arb arq ars ary arz auz avl ayh ayl ayn ayp pga shu"
    " ssh".split()
)
# Names of one written language: Bokmål is what `no` stands for in practice, Mandarin what `zh` does.
_SAME: Final = {"nb": "no", "cmn": "zh"}
# They say that a language is not known, not one, or none at all.
_SPECIAL: Final = frozenset({"und", "mul", "mis", "zxx"})

_RTL_SCRIPTS: Final = frozenset("Adlm Arab Aran Hebr Mand Mend Nkoo Rohg Samr Syrc Syre Syrj Syrn Thaa Yezi".split())
# Where a language is written from right to left though not everywhere (CLDR, likely subtags).
_RTL_PLACES: Final = frozenset(
    {
        "az-IQ",
        "az-IR",
        "ha-CM",
        "ha-SD",
        "kk-CN",
        "kk-IR",
        "ku-IQ",
        "ku-IR",
        "ku-LB",
        "pa-PK",
        "tk-AF",
        "tk-IR",
        "ug-CN",
        "uz-AF",
    }
)


@lru_cache(_CACHED_MAX)
def canonical_tag(declared: str) -> str | None:
    """``declared`` as RFC 5646 and CLDR would have it, or None where it is no tag of a language.

    The case is the recommended one, three letters become two where a language has two, retired subtags the ones that
    took their place (``iw`` is ``he``, ``UK`` is ``GB``), members of a macrolanguage that stand for it become it
    (``cmn`` is ``zh``), and all of Arabic is ``ar``. POSIX locales are taken, names of languages are not. Scripts and
    regions that the registry does not know are left out, and so are extended language subtags.
    """
    given = declared.strip().lower() if len(declared) <= _TAG_CHARS_MAX else ""
    locale = _LOCALE.fullmatch(given)
    match = _TAG.fullmatch((locale[1] if locale else given).replace("_", "-"))
    if match is None:
        return None
    language, script, region, rest = match.groups()
    known = _language(language)
    if known is None:
        return None
    language, own_script, own_region = known
    script = _subtag(script) if script else own_script
    region = _subtag(region) if region else own_region
    return "-".join(filter(None, (language, script, region))) + rest


def primary_language(tag: str) -> str:
    """The primary subtag: what a scope is made of."""
    return tag.partition("-")[0].lower()


def script_of(tag: str) -> str | None:
    """The script that a canonical tag names, as its ISO 15924 code."""
    second = tag.split("-", 2)[1:2]
    return second[0] if second and len(second[0]) == _SCRIPT_CHARS and second[0].isalpha() else None


def with_script(tag: str, script: str | None) -> str:
    """The canonical tag with another script in the place of the one that it names."""
    return tag.replace(f"-{script_of(tag)}", f"-{script}" if script else "", 1)


def written_in(tag: str) -> str:
    """The script that a canonical tag names or implies (ISO 15924), "" where that is not known."""
    script = script_of(tag)
    if script is None and "-" in tag and "-".join(tag.split("-", 2)[:2]) in _RTL_PLACES:
        return "Arab"
    return script or usual_script(primary_language(tag))


@lru_cache(_CACHED_MAX)
def direction(tag: str) -> Direction:
    """In which direction the language is written: by the script where the tag names one."""
    return "rtl" if written_in(tag).title() in _RTL_SCRIPTS else "ltr"


@lru_cache(_CACHED_MAX)
def usual_script(language: str) -> str:
    """The script in which a language is written mostly (CLDR, likely subtags), or "" where that is not known."""
    return langcodes.Language.get(language).maximize().script or "" if langcodes.tag_is_valid(language) else ""


@lru_cache(_CACHED_MAX)
def language_of_country(code: str) -> str | None:
    """The language spoken most in a country, by its two letters (CLDR, likely subtags)."""
    tag = f"und-{code}"
    if len(code) != _COUNTRY_CHARS or not langcodes.tag_is_valid(tag):
        return None
    return langcodes.Language.get(tag).maximize().language


@lru_cache(_CACHED_MAX)
def _language(subtag: str) -> tuple[str, str | None, str | None] | None:
    """The primary subtag to use instead, and the script and the region that the given one stood for."""
    if subtag in _SPECIAL or not langcodes.tag_is_valid(subtag):
        return None
    if subtag in _ARABIC:
        return "ar", None, None
    found = langcodes.Language.get(langcodes.standardize_tag(subtag, macro=True))
    language = found.language or subtag
    return _SAME.get(language, language), found.script, found.territory


@lru_cache(_CACHED_MAX)
def _subtag(given: str) -> str | None:
    tag = f"und-{given}"
    return langcodes.standardize_tag(tag).removeprefix("und-") if langcodes.tag_is_valid(tag) else None
