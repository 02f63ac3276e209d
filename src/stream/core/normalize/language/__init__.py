"""The language of a text: first its script, then what distinguishes the languages of that script."""

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
    explicit_script,
    language_of_country,
    primary_language,
    replace_script,
    script_of,
)
from stream.core.normalize.language.langid_model import model_of_script
from stream.core.normalize.language.scripts import (
    ARABIC,
    COMPATIBILITY_FORMS,
    HAN,
    LATIN,
    letters_by_script,
    main_script,
)

__all__ = ["DECLARED_CONFIDENCE", "UNDETERMINED", "detect", "direction", "languages_of_script", "primary_language"]

UNDETERMINED: Final = "und"
#: How often a language that is only declared is right (assumed, since nothing in the text shows it).
DECLARED_CONFIDENCE: Final = 0.8
#: A declared language is overruled if the text contradicts it with at least this confidence.
_OVERRULE_CONFIDENCE_MIN: Final = 0.9
#: Below this confidence the language is undetermined.
_CONFIDENCE_MIN: Final = 0.2
_CONFIDENCE_MAX: Final = 0.99
#: The sizes of the samples of a text, in characters. The larger sample is used only if the smaller one leaves doubt.
#: Half of a sample is the beginning; the rest is two pieces from further on, so that a quotation, or a line of the page
#: in another language, does not decide.
_SAMPLE_CHARS: Final = (160, 480)
#: With this confidence the smaller sample is enough.
_SAMPLE_CONFIDENCE_MIN: Final = 0.95

# Text that is in no language: URLs, email addresses, handles, hashtags, ticker symbols and markup.
_NON_LANGUAGE_MARKERS: Final = ("@", "#", "<", "://", "www.", ".com", ".net", ".org")
_NON_LANGUAGE: Final = re.compile(
    r"(?:https?://|www\.)\S++|[#@]\w++|<[^<>\s]{1,24}>|(?<!\S)[^\s@]++@\S++"
    r"|(?<![\w.-])(?=[A-Za-z0-9.-]*[.](?:com|net|org)\b)\S++",
)
_LATIN_WORDS: Final = re.compile(r"[A-Za-z]++")

# Scripts of only one language of the news.
_LANGUAGE_OF_SCRIPT: Final = {
    "Grek": "el", "Armn": "hy", "Geor": "ka", "Thai": "th", "Laoo": "lo", "Khmr": "km", "Mymr": "my", "Tibt": "bo",
    "Guru": "pa", "Gujr": "gu", "Orya": "or", "Taml": "ta", "Telu": "te", "Knda": "kn", "Mlym": "ml", "Sinh": "si",
    "Thaa": "dv", "Syrc": "syr", "Nkoo": "nqo", "Mong": "mn-Mong", "Tfng": "zgh", "Cher": "chr", "Olck": "sat",
    "Mtei": "mni-Mtei", "Cans": "iu", "Jpan": "ja", "Kore": "ko",
}  # fmt: skip
_LETTER_RULES: Final[dict[str, tuple[Callable[[str], str], frozenset[str]]]] = {
    "Hebr": (letter_rules.classify_hebrew_script, frozenset({"he", "yi"})),
    "Ethi": (letter_rules.classify_ethiopic_script, frozenset({"am", "ti"})),
    "Beng": (letter_rules.classify_bengali_script, frozenset({"bn", "as"})),
}
# Languages in a script that is not their usual one: the tag names the script.
_TAG_WITH_SCRIPT: Final = {("sr", LATIN): "sr-Latn", ("uz", "Cyrl"): "uz-Cyrl"}
# Codes of the variants of a script.
_SCRIPT_VARIANTS: Final = {
    HAN: ("Hans", "Hant", "Hani", "Bopo"),
    "Jpan": ("Jpan", "Hrkt", "Kana", "Hira"),
    "Kore": ("Kore", "Hang"),
    ARABIC: ("Arab", "Aran"),
    LATIN: ("Latn", "Latf", "Latg"),
    "Cyrl": ("Cyrl", "Cyrs"),
    "Geor": ("Geor", "Geok"),
}
# How many letters of another script a letter counts for.
_LETTER_WEIGHTS: Final = {HAN: 3.0, "Jpan": 3.0, "Kore": 2.0}
# A text of this many letters has half of the confidence of a long text, one of twice as many three quarters.
_HALF_CONFIDENCE_LETTERS: Final = 3.0
# Below this share of one script the text is a mixture, with less confidence.
_PURE_SHARE: Final = 0.75
_LETTERS_MIN: Final = 2


def detect(text: str, declared: str | None) -> Language:
    """Detect the language of ``text``. ``declared`` is the tag that the producer declares (BCP 47), if any.

    The tag is canonical (see `bcp47.canonical_tag`). It names a script only if one is declared, or if it is not the
    language's usual one. All Arabic is ``ar`` and all Chinese ``zh``, so that an article and its copies have the same
    language whatever the dialect or the orthography.

    The confidence (0 to 0.99) is a lower bound of the share of such texts whose tag is right: of those with at least
    0.9, 97 in 100 are right, as ``benchmarks/report_languages.py`` measures on headlines. It is low for short texts and
    mixtures. Text without letters, or in a language that cannot be determined, is ``und`` with confidence 0.

    A declared language that the text confirms has a higher confidence than either alone. One that the text neither
    confirms nor contradicts has at most `DECLARED_CONFIDENCE`. One that it clearly contradicts is overruled.

    >>> detect("افتتح رئيس البلدية صباح اليوم حديقة عامة جديدة في حي الزهور", None)
    Language(tag='ar', confidence=0.99, direction='rtl')
    >>> detect("The mayor opened a new public garden in the old part of the town.", "en_GB").tag
    'en-GB'
    >>> detect("12 / 05", None).tag
    'und'
    """
    declared_tag = canonical_tag(declared) if declared else None
    declared_language = primary_language(declared_tag) if declared_tag else None
    tag, script, confidence = _classify(text, declared_language)
    if declared_tag is None or declared_language is None:
        return _language(tag, confidence)
    if declared_language == primary_language(tag):
        combined = 1 - (1 - confidence) * (1 - DECLARED_CONFIDENCE)
        return _language(_correct_script(declared_tag, tag, script), combined)
    if confidence < _OVERRULE_CONFIDENCE_MIN:
        return _language(declared_tag, DECLARED_CONFIDENCE * (1 - confidence))
    if _is_undetectable(declared_tag, declared_language, tag, script):
        return _language(declared_tag, DECLARED_CONFIDENCE)
    return _language(tag, confidence)


def _language(tag: str, confidence: float) -> Language:
    return Language(tag=tag, confidence=round(min(confidence, _CONFIDENCE_MAX), 2), direction=direction(tag))


def _classify(text: str, declared: str | None) -> tuple[str, str, float]:
    """Return the tag, the script and the confidence (0 to 1) by the text alone.

    ``declared`` is a primary language that is considered even if news in it is rare.
    """
    small, large = _SAMPLE_CHARS
    result = _classify_sample(_sample(text, small), declared)
    if result[2] >= _SAMPLE_CONFIDENCE_MIN or len(text) <= small:
        return result
    return _classify_sample(_sample(text, large), declared)


def _sample(text: str, chars: int) -> str:
    if len(text) > chars:
        half, quarter, middle, later = chars // 2, chars // 4, len(text) // 2, len(text) * 3 // 4
        text = f"{text[:half]}\n{text[middle : middle + quarter]}\n{text[later : later + quarter]}"
    if not any(marker in text for marker in _NON_LANGUAGE_MARKERS):
        return text
    cleaned = _NON_LANGUAGE.sub(" ", text)
    # If there is nothing else, a hashtag is better than nothing.
    return cleaned if any(map(str.isalpha, cleaned)) else text


def _classify_sample(sample: str, declared: str | None) -> tuple[str, str, float]:
    counts = letters_by_script(sample)
    if COMPATIBILITY_FORMS in counts:
        sample = unicodedata.normalize("NFKC", sample)
        counts = letters_by_script(sample)
    script, letters, share = main_script(counts)
    if letters < _LETTERS_MIN:
        return UNDETERMINED, script, 0.0
    tag, confidence = _classify_in_script(sample, script, letters, declared)
    weighted_letters = letters * _LETTER_WEIGHTS.get(script, 1.0)
    confidence *= min(1.0, share / _PURE_SHARE) * (1 - 0.5 ** (weighted_letters / _HALF_CONFIDENCE_LETTERS))
    return (tag, script, confidence) if confidence >= _CONFIDENCE_MIN else (UNDETERMINED, script, 0.0)


def _classify_in_script(sample: str, script: str, letters: int, declared: str | None) -> tuple[str, float]:
    """Return the tag of a text in ``script``, and the confidence that a long text like it would have."""
    if script == ARABIC:
        return letter_rules.classify_arabic_script(sample, letters)
    model = model_of_script(script)
    if model is not None:
        words = sample.lower() if script == LATIN else _LATIN_WORDS.sub(" ", sample.lower())
        tag, confidence = model.classify(" ".join(words.split()), declared)
        return _TAG_WITH_SCRIPT.get((tag, script), tag), confidence
    if script == HAN:
        return letter_rules.classify_han_script(sample, letters)
    if script in _LETTER_RULES:
        return _LETTER_RULES[script][0](sample), 1.0
    return _LANGUAGE_OF_SCRIPT.get(script, UNDETERMINED), 1.0


def _correct_script(declared_tag: str, tag: str, script: str) -> str:
    """Return the declared tag, with the script of ``tag`` if it names another script than that of the text."""
    declared_script = explicit_script(declared_tag)
    if declared_script is None or declared_script in _SCRIPT_VARIANTS.get(script, (script,)):
        return declared_tag
    return replace_script(declared_tag, explicit_script(tag))


def _is_undetectable(declared_tag: str, declared_language: str, tag: str, script: str) -> bool:
    """Whether the declared language is in the script of the text, and not among those that can be detected in it.

    The code of a country in place of a language's (``se`` for Swedish) does not count.
    """
    if script_of(declared_tag) != script or declared_language in languages_of_script(script):
        return False
    return language_of_country(declared_language) != primary_language(tag)


def languages_of_script(script: str) -> frozenset[str]:
    """Return the primary languages that can be detected in text in a script (ISO 15924 code).

    >>> sorted(languages_of_script("Deva"))
    ['gom', 'hi', 'mr', 'ne', 'sa']
    """
    if script == ARABIC:
        return letter_rules.ARABIC_SCRIPT_LANGUAGES
    if script in _LETTER_RULES:
        return _LETTER_RULES[script][1]
    model = model_of_script(script)
    if model is not None:
        return model.languages
    return frozenset({primary_language(_LANGUAGE_OF_SCRIPT.get(script, "zh"))})
