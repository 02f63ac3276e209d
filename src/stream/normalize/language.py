"""The language of a text: by script where that tells, else by a trained model."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from stream.events import Direction, Language

UNDETERMINED: Final = "und"
#: Characters looked at: more change nothing.
SAMPLE_CHARS: Final = 320
#: A declared language is believed unless the text speaks against it with this confidence.
DOUBT_MIN: Final = 0.8
LETTERS_MIN: Final = 12

_RIGHT_TO_LEFT: Final = frozenset({"ar", "fa", "ur", "ps", "he", "yi", "ckb", "sd", "ug", "dv", "syr", "pnb"})
# Scripts that one language of the news writes, by Unicode block.
_OWN_SCRIPTS: Final = (
    ("he", re.compile(r"[\u05d0-\u05ea]+")),
    ("th", re.compile(r"[\u0e01-\u0e5b]+")),
    ("lo", re.compile(r"[\u0e81-\u0edf]+")),
    ("ko", re.compile(r"[\uac00-\ud7a3]+")),
    ("ja", re.compile(r"[\u3041-\u30ff]+")),
    ("zh", re.compile(r"[\u3400-\u9fff]+")),
    ("el", re.compile(r"[\u0370-\u03ff]+")),
    ("hy", re.compile(r"[\u0531-\u058f]+")),
    ("ka", re.compile(r"[\u10a0-\u10ff]+")),
    ("ta", re.compile(r"[\u0b80-\u0bff]+")),
    ("te", re.compile(r"[\u0c00-\u0c7f]+")),
    ("km", re.compile(r"[\u1780-\u17ff]+")),
    ("my", re.compile(r"[\u1000-\u109f]+")),
)
_ARABIC: Final = re.compile(r"[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff]+")
# A tag in the shape of RFC 5646, section 2.1: language, script, region, and the rest.
_TAG: Final = re.compile(
    r"([a-z]{2,3}(?:-[a-z]{3}){0,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|[0-9]{3}))?"
    r"((?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?)"
)
_TAG_CHARS_MAX: Final = 64
# Letters that other languages in Arabic script have and Arabic has not, the most telling first.
_ARABIC_SCRIPT: Final = (
    ("ps", re.compile(r"[ټډړږښګڼېۍ]")),
    ("ckb", re.compile(r"[ڕۆێڵە]")),
    ("ug", re.compile(r"[ۇۈۋې]")),
    ("ur", re.compile(r"[ٹڈڑںےھہ]")),
    ("fa", re.compile(r"[پچژگکی]")),
)
_MOST: Final = 0.5
_TELLING_SHARE: Final = 0.01
_OWN_SCRIPT_CONFIDENCE: Final = 0.99
# Labels of the model for which it takes reports full of names and figures: varieties of a language that the news
# writes, and languages in which there is hardly any. An article that declares one of them keeps what it declares
# where the model is in doubt.
_LEFT_OUT: Final = frozenset({
    "wuu", "yue", "arz", "ary", "zxx", "nn", "uzs", "hbo", "grc", "gug", "sdh", "pcm",
    "vo", "ace", "kab", "wa", "ln", "bcl", "ext", "gcf", "gom", "kik", "nso", "se",
    "an", "crh", "fo", "fuv", "gcr", "guw", "lij", "ltg", "lb", "oc", "vec", "br",
    "eo", "la", "fy", "gd", "jv", "qu",
})  # fmt: skip


def detect(text: str, declared: str | None) -> Language:
    """The language of ``text``; ``declared`` (BCP 47) decides where the text leaves room for it."""
    tag, confidence = _guess(text[:SAMPLE_CHARS])
    wanted = _tidy(declared) if declared else None
    if wanted and primary_language(wanted) == tag:
        return Language(tag=wanted, confidence=confidence, direction=direction(tag))
    if wanted and confidence < DOUBT_MIN:
        return Language(tag=wanted, confidence=round(1 - confidence, 2), direction=direction(wanted))
    return Language(tag=tag, confidence=confidence, direction=direction(tag))


def primary_language(tag: str) -> str:
    """The primary subtag: what a scope is made of."""
    return tag.partition("-")[0].lower()


def direction(tag: str) -> Direction:
    """In which direction the language is written."""
    return "rtl" if primary_language(tag) in _RIGHT_TO_LEFT else "ltr"


def _guess(sample: str) -> tuple[str, float]:
    arabic = _total(_ARABIC.findall(sample))
    if arabic > max(LETTERS_MIN, _MOST * len(sample)):  # so it is most of the letters, which need no counting
        return _arabic_script(sample, arabic), _OWN_SCRIPT_CONFIDENCE
    letters = sum(map(str.isalpha, sample))
    if not letters:
        return UNDETERMINED, 0.0
    if arabic > _MOST * letters:
        return _arabic_script(sample, arabic), _OWN_SCRIPT_CONFIDENCE if letters >= LETTERS_MIN else _MOST
    for tag, script in _OWN_SCRIPTS:
        # Japanese is written with a fair share of Chinese characters.
        if _total(script.findall(sample)) > (0.1 if tag == "ja" else _MOST) * letters:
            return tag, _OWN_SCRIPT_CONFIDENCE
    tag, confidence = _model().classify(sample.lower())  # capitals lead it astray
    return (tag, round(confidence, 2)) if letters >= LETTERS_MIN else (tag, min(_MOST, round(confidence, 2)))


def _arabic_script(sample: str, letters: int) -> str:
    for tag, telling in _ARABIC_SCRIPT:
        if len(telling.findall(sample)) > _TELLING_SHARE * letters:
            return tag
    return "ar"


def _total(runs: Iterable[str]) -> int:
    # Runs of letters: far fewer pieces than letters one by one.
    return sum(map(len, runs))


def _tidy(declared: str) -> str | None:
    """The tag in the case that BCP 47 recommends, or None if it is none."""
    given = declared.strip()
    match = _TAG.fullmatch(given.replace("_", "-").lower()) if len(given) <= _TAG_CHARS_MAX else None
    if match is None:
        return None
    language, script, region, rest = match.groups()
    return "-".join(filter(None, (language, script and script.title(), region and region.upper()))) + rest


@cache
def _model() -> LanguageIdentifier:
    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages([label for label in model.labels if label not in _LEFT_OUT])
    return model
