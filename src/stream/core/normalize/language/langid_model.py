"""Distinguishes languages that share a script with the trained model of py3langid.

The model is multinomial naive Bayes over byte n-grams that an automaton finds (Lui and Baldwin 2012, "langid.py: An
off-the-shelf language identification tool"). Only its data are used: the columns of the languages of one script at a
time, which takes a third of the time of all of them, with another prior.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from py3langid.langid import MODEL_FILE, LanguageIdentifier

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]

# Labels of the model by script. A label with two scripts has a column for each.
_LABELS: Final = {
    "Latn": (
        "af az bs ca cs cy da de en es et eu fi fr ga gl ha hr ht hu id ig is it ku lg lt lv mg ms mt nl no om pl pt ro"
        " rw sk sl sn so sq sr st sv sw tl tk tr uz vi xh yo zu"
    ),
    "Cyrl": "ba be bg kk ky mk mn ru sr tg tt uk uz",
    "Deva": "hi mr ne",
}
_SECOND_COLUMN: Final = {("sr", "Latn"), ("uz", "Cyrl")}
# Labels of languages with hardly any news, which the model mistakes reports full of names and numbers for. They are
# considered only if the article declares them.
_RARE_LABELS: Final = {
    "Latn": (
        "ace an bcl br crh eo ext fo fuv fy gcf gcr gd gug guw jv kab kik la lb lij ln ltg nn nso oc pcm qu se vec vo"
        " wa"
    ),
    "Cyrl": "",
    "Deva": "gom sa",
}
# Labels that differ from the tag in CLDR.
_TAG_OF_LABEL: Final = {"tl": "fil"}
# Natural logarithms of prior odds, tuned on headlines, in place of the model's own prior, which is nearly flat. Most
# news is in English, as are most headlines of names and numbers; Galician and Malay resemble much larger languages.
_PRIOR: Final = {"en": 4.5, "gl": -2.0, "ms": -1.0, "ru": 2.0, "hi": 1.0}
# The features of a text depend on each other, so that plain posteriors are far too confident. Dividing the scores by
# the square root of the length calibrates them (measured on headlines).
_SHARPNESS: Final = 2.0


class LangidModel:
    """The languages of one script.

    ``table`` has the logarithm of each feature's probability, with a row per feature and a column per label.
    ``rare`` has such a column for each label that is considered only if it is declared.
    """

    def __init__(self, labels: list[str], table: Floats, rare: dict[str, Halves]) -> None:
        self._tags = [_TAG_OF_LABEL.get(label, label) for label in labels]
        self._table = table
        self._rare = rare
        self._prior = np.array([_PRIOR.get(label, 0.0) for label in labels], dtype=np.float32)
        self.languages = frozenset(self._tags) | frozenset(rare)

    def classify(self, text: str, declared: str | None) -> tuple[str, float]:
        """Return the language of ``text`` (in lower case and in the model's script), and its probability (0 to 1).

        ``declared`` is a primary language that is considered even if news in it is rare. Text without any feature of
        the model gives ``("", 0.0)``.
        """
        data = f" {text} ".encode("utf-8", "replace")
        features = _find_features(data)
        if not features:
            return "", 0.0
        rows, counts = np.unique(np.array(features, dtype=np.intp), return_counts=True)
        weights = np.log1p(counts, dtype=np.float32)
        scores = weights @ self._table.take(rows, axis=0) + self._prior
        if declared in self._rare:
            scores = np.append(scores, weights @ self._rare[declared].take(rows).astype(np.float32))
        scores *= _SHARPNESS / math.sqrt(len(data))
        best = int(scores.argmax())
        probability = float(1 / np.exp(scores - scores[best]).sum())
        return (self._tags[best] if best < len(self._tags) else declared or ""), probability


def _find_features(data: bytes) -> list[int]:
    """Return the model's features in the order in which they end in ``data``, with repeats."""
    transitions, row_offsets, feature_of_state = _load()[0]
    state = 0
    features = []
    for byte in data:
        state = transitions[row_offsets[state] + byte]
        feature = feature_of_state[state]
        if feature >= 0:
            features.append(feature)
    return features


def model_of_script(script: str) -> LangidModel | None:
    """Return the model of a script (ISO 15924 code); None if it has no two languages of that script.

    >>> model_of_script("Latn").classify("der neue park in der altstadt", None)[0]
    'de'
    """
    return _load()[1].get(script) if script in _LABELS else None


@cache
def _load() -> tuple[tuple[Any, list[int], Any], dict[str, LangidModel]]:
    """Load the automaton (transitions, the offset of each state's row in them, features) and the models by script."""
    # The table of all languages is not kept.
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    models = {script: _build_model(identifier, script) for script in _LABELS}
    return (identifier.tk_nextmove, [row << 8 for row in identifier.tk_row], identifier.tk_output), models


def _build_model(identifier: LanguageIdentifier, script: str) -> LangidModel:
    classes = identifier.nb_classes
    labels = _LABELS[script].split()
    columns = [_column(classes, label, script) for label in labels]
    # Contiguous rows are read several times faster.
    table = np.ascontiguousarray(identifier.nb_ptc[:, columns], dtype=np.float32)
    rare = {
        label: np.ascontiguousarray(identifier.nb_ptc[:, classes.index(label)])
        for label in _RARE_LABELS[script].split()
    }
    return LangidModel(labels, table, rare)


def _column(classes: list[str], label: str, script: str) -> int:
    first = classes.index(label)
    return classes.index(label, first + 1) if (label, script) in _SECOND_COLUMN else first
