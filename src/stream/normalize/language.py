"""The language of a text: by script where that tells, else by a trained model."""

from __future__ import annotations

import re
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
    ("he", re.compile(r"[\u05d0-\u05ea]")),
    ("th", re.compile(r"[\u0e01-\u0e5b]")),
    ("lo", re.compile(r"[\u0e81-\u0edf]")),
    ("ko", re.compile(r"[\uac00-\ud7a3]")),
    ("ja", re.compile(r"[\u3041-\u30ff]")),
    ("zh", re.compile(r"[\u3400-\u9fff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("hy", re.compile(r"[\u0531-\u058f]")),
    ("ka", re.compile(r"[\u10a0-\u10ff]")),
    ("ta", re.compile(r"[\u0b80-\u0bff]")),
    ("te", re.compile(r"[\u0c00-\u0c7f]")),
    ("km", re.compile(r"[\u1780-\u17ff]")),
    ("my", re.compile(r"[\u1000-\u109f]")),
)
_ARABIC: Final = re.compile(r"[\u0620-\u064a\u066e-\u06d3\u06fa-\u06ff]")
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
# Labels of the model that are varieties of a language which the news writes.
_VARIETIES: Final = {"wuu", "yue", "arz", "ary", "zxx", "nn", "uzs", "hbo", "grc", "gug", "sdh"}


def detect(text: str, declared: str | None) -> Language:
    """The language of ``text``; ``declared`` (BCP 47) decides where the text leaves room for it."""
    tag, confidence = _guess(text[:SAMPLE_CHARS])
    wanted = _primary(declared)
    if declared and wanted and (wanted == tag or confidence < DOUBT_MIN):
        if wanted == tag:
            return Language(tag=_tidy(declared), confidence=confidence, direction=direction(tag))
        return Language(tag=_tidy(declared), confidence=round(1 - confidence, 2), direction=direction(wanted))
    return Language(tag=tag, confidence=confidence, direction=direction(tag))


def primary_language(tag: str) -> str:
    """The primary subtag: what a scope is made of."""
    return tag.partition("-")[0].lower()


def direction(tag: str) -> Direction:
    """In which direction the language is written."""
    return "rtl" if primary_language(tag) in _RIGHT_TO_LEFT else "ltr"


def _guess(sample: str) -> tuple[str, float]:
    letters = sum(map(str.isalpha, sample))
    if not letters:
        return UNDETERMINED, 0.0
    arabic = len(_ARABIC.findall(sample))
    if arabic > _MOST * letters:
        return _arabic_script(sample, arabic), _OWN_SCRIPT_CONFIDENCE if letters >= LETTERS_MIN else _MOST
    for tag, script in _OWN_SCRIPTS:
        # Japanese is written with a fair share of Chinese characters.
        if len(script.findall(sample)) > (0.1 if tag == "ja" else _MOST) * letters:
            return tag, _OWN_SCRIPT_CONFIDENCE
    tag, confidence = _model().classify(sample)
    return (tag, round(confidence, 2)) if letters >= LETTERS_MIN else (tag, min(_MOST, round(confidence, 2)))


def _arabic_script(sample: str, letters: int) -> str:
    for tag, telling in _ARABIC_SCRIPT:
        if len(telling.findall(sample)) > _TELLING_SHARE * letters:
            return tag
    return "ar"


def _primary(declared: str | None) -> str | None:
    if not declared:
        return None
    tag = primary_language(_tidy(declared))
    return tag if re.fullmatch(r"[a-z]{2,3}", tag) else None


def _tidy(declared: str) -> str:
    """The tag in the case that BCP 47 recommends."""
    language, *rest = declared.strip().replace("_", "-").split("-")
    cased = [part.title() if len(part) == 4 else part.upper() if len(part) == 2 else part.lower() for part in rest]  # noqa: PLR2004
    return "-".join([language.lower(), *cased])


@cache
def _model() -> LanguageIdentifier:
    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages([label for label in model.labels if label not in _VARIETIES])
    return model
