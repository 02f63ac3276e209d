"""The language of a text: by its script, then by what tells the languages of that script apart."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from stream.core.contracts.events import Language
from stream.core.normalize.language import letter_rules
from stream.core.normalize.language.bcp47 import (
    canonical_tag,
    direction,
    language_of_country,
    primary_language,
    script_of,
    with_script,
    written_in,
)
from stream.core.normalize.language.langid_model import byte_model
from stream.core.normalize.language.scripts import ARABIC, CHINESE, FORMS, LATIN, letters_by_script, main_script

__all__ = ["DOUBT_MIN", "SAMPLE_CHARS", "UNDETERMINED", "detect", "direction", "primary_language"]

UNDETERMINED: Final = "und"
#: Characters looked at: first the fewer, then the more where these leave doubt. Half of them are the beginning, and
#: of longer texts the rest is two pieces from further on, so that a quotation, or a line of the page in another
#: language, is not taken for the article.
SAMPLE_CHARS: Final = (160, 480)
#: A declared language is believed unless the text speaks against it with this confidence.
DOUBT_MIN: Final = 0.9
#: How often a language that is only declared is right (assumed; nothing in the text can tell).
DECLARED_CONFIDENCE: Final = 0.8
#: Guesses below this are none: the tag is ``und``.
_GUESS_MIN: Final = 0.2

# What is in no language: addresses, handles, hashtags, ticker symbols and markup.
_MARKERS: Final = ("@", "#", "<", "://", "www.", ".com", ".net", ".org")
_NO_WORDS: Final = re.compile(
    r"(?:https?://|www\.)\S++|[#@]\w++|<[^<>\s]{1,24}>|(?<!\S)[^\s@]++@\S++"
    r"|(?<![\w.-])(?=[A-Za-z0-9.-]*[.](?:com|net|org)\b)\S++",
)
_LATIN_WORDS: Final = re.compile(r"[A-Za-z]++")

# Scripts that one language of the news writes.
_OWN: Final = {
    "Grek": "el", "Armn": "hy", "Geor": "ka", "Thai": "th", "Laoo": "lo", "Khmr": "km", "Mymr": "my", "Tibt": "bo",
    "Guru": "pa", "Gujr": "gu", "Orya": "or", "Taml": "ta", "Telu": "te", "Knda": "kn", "Mlym": "ml", "Sinh": "si",
    "Thaa": "dv", "Syrc": "syr", "Nkoo": "nqo", "Mong": "mn-Mong", "Tfng": "zgh", "Cher": "chr", "Olck": "sat",
    "Mtei": "mni-Mtei", "Cans": "iu", "Jpan": "ja", "Kore": "ko",
}  # fmt: skip
_BY_LETTERS: Final[dict[str, tuple[Callable[[str], str], frozenset[str]]]] = {
    "Hebr": (letter_rules.hebrew_script, frozenset({"he", "yi"})),
    "Ethi": (letter_rules.ethiopic_script, frozenset({"am", "ti"})),
    "Beng": (letter_rules.bengali_script, frozenset({"bn", "as"})),
}
# Where the script is not the one in which the language is written mostly, the tag names it.
_WITH_SCRIPT: Final = {("sr", LATIN): "sr-Latn", ("uz", "Cyrl"): "uz-Cyrl"}
# Names of a script that mean the same as its own.
_SPELLINGS: Final = {
    CHINESE: ("Hans", "Hant", "Hani", "Bopo"),
    "Jpan": ("Jpan", "Hrkt", "Kana", "Hira"),
    "Kore": ("Kore", "Hang"),
    ARABIC: ("Arab", "Aran"),
    LATIN: ("Latn", "Latf", "Latg"),
    "Cyrl": ("Cyrl", "Cyrs"),
    "Geor": ("Geor", "Geok"),
}
# Letters of which one says as much as several of another script.
_DENSE: Final = {CHINESE: 3.0, "Jpan": 3.0, "Kore": 2.0}
# So many letters make half of the confidence that a long text has, twice as many three quarters.
_LETTERS_HALF: Final = 3.0
# Below this share of one script the text is a mixture, of which less is sure.
_PURE_SHARE: Final = 0.75
_LETTERS_MIN: Final = 2
# A sample that is told with this confidence is enough.
_SURE: Final = 0.95
_CONFIDENCE_MAX: Final = 0.99


def detect(text: str, declared: str | None) -> Language:
    """The language of ``text``; ``declared`` (BCP 47) decides where the text leaves room for it.

    The confidence is the share of such texts that have the right tag, or less: of those with 0.9 or more at least 97
    of 100 are right, as ``benchmarks/report_languages.py`` measures on headlines. Short texts and mixtures have a low one;
    ``und``, with 0, is what has no letters or could be anything. A declared language that the text confirms is surer
    than either alone, one that it neither confirms nor contradicts has `DECLARED_CONFIDENCE` or less.

    The tag is canonical (see `tags.canonical_tag`), and names a script only where one is declared, or where it is not
    the language's usual one. All Arabic is ``ar`` and all Chinese ``zh``: dialects and spellings would part an article
    from its copies.
    """
    wanted = canonical_tag(declared) if declared else None
    primary = primary_language(wanted) if wanted else None
    tag, script, confidence = _guess(text, primary)
    if wanted is None or primary is None:
        return _language(tag, confidence)
    if primary == primary_language(tag):
        return _language(_in_script(wanted, tag, script), 1 - (1 - confidence) * (1 - DECLARED_CONFIDENCE))
    if confidence < DOUBT_MIN:
        return _language(wanted, DECLARED_CONFIDENCE * (1 - confidence))
    if _beyond_us(wanted, primary, tag, script):
        return _language(wanted, DECLARED_CONFIDENCE)
    return _language(tag, confidence)


def _language(tag: str, confidence: float) -> Language:
    return Language(tag=tag, confidence=round(min(confidence, _CONFIDENCE_MAX), 2), direction=direction(tag))


def _sample(text: str, chars: int) -> str:
    if len(text) > chars:
        head, piece, middle, later = chars // 2, chars // 4, len(text) // 2, len(text) * 3 // 4
        text = f"{text[:head]}\n{text[middle : middle + piece]}\n{text[later : later + piece]}"
    if not any(marker in text for marker in _MARKERS):
        return text
    cleaned = _NO_WORDS.sub(" ", text)
    # Where nothing else is there, a hashtag is better than nothing.
    return cleaned if any(map(str.isalpha, cleaned)) else text


def _guess(text: str, declared: str | None) -> tuple[str, str, float]:
    """The tag, the script and the confidence (0 to 1) of a text by itself."""
    few, more = SAMPLE_CHARS
    guess = _guess_sample(_sample(text, few), declared)
    return guess if guess[2] >= _SURE or len(text) <= few else _guess_sample(_sample(text, more), declared)


def _guess_sample(sample: str, declared: str | None) -> tuple[str, str, float]:
    counts = letters_by_script(sample)
    if FORMS in counts:
        sample = unicodedata.normalize("NFKC", sample)
        counts = letters_by_script(sample)
    script, letters, share = main_script(counts)
    if letters < _LETTERS_MIN:
        return UNDETERMINED, script, 0.0
    tag, confidence = _told(sample, script, letters, declared)
    confidence *= min(1.0, share / _PURE_SHARE) * (1 - 0.5 ** (letters * _DENSE.get(script, 1.0) / _LETTERS_HALF))
    return (tag, script, confidence) if confidence >= _GUESS_MIN else (UNDETERMINED, script, 0.0)


def _told(sample: str, script: str, letters: int, declared: str | None) -> tuple[str, float]:
    """The tag of a text in ``script``, and how sure it is, were it long."""
    if script == ARABIC:
        return letter_rules.arabic_script(sample, letters)
    model = byte_model(script)
    if model is not None:
        words = sample.lower() if script == LATIN else _LATIN_WORDS.sub(" ", sample.lower())
        tag, confidence = model.classify(" ".join(words.split()), declared)
        return _WITH_SCRIPT.get((tag, script), tag), confidence
    if script == CHINESE:
        return letter_rules.chinese_characters(sample, letters)
    if script in _BY_LETTERS:
        return _BY_LETTERS[script][0](sample), 1.0
    return _OWN.get(script, UNDETERMINED), 1.0


def _in_script(wanted: str, tag: str, script: str) -> str:
    """The declared tag, with the text's script where it names another one."""
    said = script_of(wanted)
    if said is None or said in _SPELLINGS.get(script, (script,)):
        return wanted
    return with_script(wanted, script_of(tag))


def _beyond_us(wanted: str, primary: str, tag: str, script: str) -> bool:
    """The declared language is written in the text's script, and is none that could be told from it.

    A country's code in the place of a language's (``se`` for Swedish) is not meant.
    """
    if written_in(wanted) != script or primary in _told_in(script):
        return False
    return language_of_country(primary) != primary_language(tag)


def _told_in(script: str) -> frozenset[str]:
    if script == ARABIC:
        return letter_rules.ARABIC_SCRIPT
    if script in _BY_LETTERS:
        return _BY_LETTERS[script][1]
    model = byte_model(script)
    return model.languages if model is not None else frozenset({primary_language(_OWN.get(script, "zh"))})
