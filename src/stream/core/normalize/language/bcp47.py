"""Language tags: BCP 47 (RFC 5646) in the canonical form of UTS #35, and the direction of writing."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import langcodes

from stream.core.contracts.events import Direction

_TAG_CHARS_MAX: Final = 64
_CACHE_SIZE: Final = 4096
_SCRIPT_CHARS: Final = 4
_COUNTRY_CHARS: Final = 2
# The syntax of RFC 5646, section 2.1: language, script, region, and the rest.
_TAG: Final = re.compile(
    r"([a-z]{2,3})(?:-[a-z]{3}){0,3}(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?"
    r"((?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?)"
)
# A POSIX locale, such as en_US.UTF-8 or ca_ES@valencia. Only its language and region count.
_LOCALE: Final = re.compile(r"([a-z]{2,3}(?:_[a-z]{2})?)(?:\.[a-z0-9-]+)?(?:@[a-z0-9]+)?")
# The languages of the macrolanguage `ara` in ISO 639-3. Newspapers that declare one of them nearly always publish in
# Modern Standard Arabic, and an article and its copies must have the same language.
_ARABIC: Final = frozenset(
    "aao abh abv acm acq acw acx acy adf aeb aec afb ajp apc apd arb arq ars ary arz auz avl ayh ayl ayn ayp pga shu"
    " ssh".split()
)
# Synonyms in practice: `no` means Bokmål, and `zh` means Mandarin.
_SYNONYMS: Final = {"nb": "no", "cmn": "zh"}
# Undetermined, several languages, a language without a code, no linguistic content.
_SPECIAL: Final = frozenset({"und", "mul", "mis", "zxx"})

_RTL_SCRIPTS: Final = frozenset("Adlm_Arab_Aran_Hebr_Mand_Mend_Nkoo_Rohg_Samr_Syrc_Syre_Syrj_Syrn_Thaa_Yezi".split("_"))
# Regions where a language is written from right to left although elsewhere it is not (CLDR, likely subtags).
_RTL_REGIONS: Final = frozenset(
    "az-IQ az-IR ha-CM ha-SD kk-CN kk-IR ku-IQ ku-IR ku-LB pa-PK tk-AF tk-IR ug-CN uz-AF".split()
)


@lru_cache(_CACHE_SIZE)
def canonical_tag(declared: str) -> str | None:
    """Return the canonical form of the tag ``declared`` (RFC 5646 and CLDR); None if it is not a language tag.

    - Subtags are in their recommended case, and the language has two letters if there is such a code.
    - Retired subtags become their successors (``iw`` becomes ``he``, ``UK`` becomes ``GB``), and the main member of a
      macrolanguage becomes the macrolanguage (``cmn`` becomes ``zh``). All Arabic becomes ``ar``.
    - POSIX locales are understood; names of languages are not.
    - Scripts and regions that the registry does not have are dropped, and so are extended language subtags.

    >>> [canonical_tag(tag) for tag in ("ar_sa", "fas", "iw", "zh-cmn-Hans", "en_US.UTF-8", "Arabic", "und")]
    ['ar-SA', 'fa', 'he', 'zh-Hans', 'en-US', None, None]
    """
    tag = declared.strip().lower() if len(declared) <= _TAG_CHARS_MAX else ""
    locale = _LOCALE.fullmatch(tag)
    match = _TAG.fullmatch((locale[1] if locale else tag).replace("_", "-"))
    if match is None:
        return None
    language, script, region, rest = match.groups()
    canonical = _canonical_language(language)
    if canonical is None:
        return None
    language, implied_script, implied_region = canonical
    script = _canonical_subtag(script) if script else implied_script
    region = _canonical_subtag(region) if region else implied_region
    return "-".join(filter(None, (language, script, region))) + rest


def primary_language(tag: str) -> str:
    """Return the primary language subtag of ``tag`` in lower case. It is part of an article's scope.

    >>> primary_language("zh-Hant-TW")
    'zh'
    """
    return tag.partition("-")[0].lower()


def explicit_script(tag: str) -> str | None:
    """Return the script that a canonical tag names (ISO 15924 code), if it names one.

    >>> explicit_script("sr-Latn-RS"), explicit_script("sr-RS")
    ('Latn', None)
    """
    second = tag.split("-", 2)[1:2]
    return second[0] if second and len(second[0]) == _SCRIPT_CHARS and second[0].isalpha() else None


def replace_script(tag: str, script: str | None) -> str:
    """Return a canonical tag that names a script with another script in its place, or with none.

    >>> replace_script("sr-Cyrl-RS", "Latn"), replace_script("ku-Arab-TR", None)
    ('sr-Latn-RS', 'ku-TR')
    """
    return tag.replace(f"-{explicit_script(tag)}", f"-{script}" if script else "", 1)


def script_of(tag: str) -> str:
    """Return the script that a canonical tag names or implies (ISO 15924 code); "" if it is not known.

    >>> script_of("sr-Latn"), script_of("sr"), script_of("pa-PK")
    ('Latn', 'Cyrl', 'Arab')
    """
    script = explicit_script(tag)
    if script is None and "-" in tag and "-".join(tag.split("-", 2)[:2]) in _RTL_REGIONS:
        return "Arab"
    return script or _usual_script(primary_language(tag))


@lru_cache(_CACHE_SIZE)
def direction(tag: str) -> Direction:
    """Return the direction in which text with a canonical tag is written, by the script of `script_of`.

    >>> direction("fa"), direction("ar-Latn")
    ('rtl', 'ltr')
    """
    return "rtl" if script_of(tag).title() in _RTL_SCRIPTS else "ltr"


@lru_cache(_CACHE_SIZE)
def _usual_script(language: str) -> str:
    """Return the usual script of a language (CLDR, likely subtags); "" if it is not known."""
    return langcodes.Language.get(language).maximize().script or "" if langcodes.tag_is_valid(language) else ""


@lru_cache(_CACHE_SIZE)
def language_of_country(code: str) -> str | None:
    """Return the main language of a country, given by its two-letter code (CLDR, likely subtags).

    >>> language_of_country("se")
    'sv'
    """
    tag = f"und-{code}"
    if len(code) != _COUNTRY_CHARS or not langcodes.tag_is_valid(tag):
        return None
    return langcodes.Language.get(tag).maximize().language


@lru_cache(_CACHE_SIZE)
def _canonical_language(subtag: str) -> tuple[str, str | None, str | None] | None:
    """Return the canonical primary subtag, and the script and region that ``subtag`` implied."""
    if subtag in _SPECIAL or not langcodes.tag_is_valid(subtag):
        return None
    if subtag in _ARABIC:
        return "ar", None, None
    canonical = langcodes.Language.get(langcodes.standardize_tag(subtag, macro=True))
    language = canonical.language or subtag
    return _SYNONYMS.get(language, language), canonical.script, canonical.territory


@lru_cache(_CACHE_SIZE)
def _canonical_subtag(subtag: str) -> str | None:
    tag = f"und-{subtag}"
    return langcodes.standardize_tag(tag).removeprefix("und-") if langcodes.tag_is_valid(tag) else None
