"""Languages that share a script, told apart by the trained model of py3langid.

The model is multinomial naive Bayes over byte n-grams, found by walking an automaton (Lui and Baldwin 2012,
"langid.py: An off-the-shelf language identification tool"). Only its data is used here: the columns of one script's
languages at a time, which costs a third of asking for all of them, and a prior.
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

# Languages by script, as labels of the model. A label that stands for two scripts has a column for each.
_COMMON: Final = {
    "Latn": (
        "af az bs ca cs cy da de en es et eu fi fr ga gl ha hr ht hu id ig is it ku lg lt lv mg ms mt nl no om pl pt ro"
        " rw sk sl sn so sq sr st sv sw tl tk tr uz vi xh yo zu"
    ),
    "Cyrl": "ba be bg kk ky mk mn ru sr tg tt uk uz",
    "Deva": "hi mr ne",
}
_SECOND_COLUMN: Final = {("sr", "Latn"), ("uz", "Cyrl")}
# Labels for which it takes reports full of names and figures: languages in which there is hardly any news. They
# stand only where the article declares them.
_RARE: Final = {
    "Latn": (
        "ace an bcl br crh eo ext fo fuv fy gcf gcr gd gug guw jv kab kik la lb lij ln ltg nn nso oc pcm qu se vec vo"
        " wa"
    ),
    "Cyrl": "",
    "Deva": "gom sa",
}
# What the model calls by another name than CLDR.
_TAGS: Final = {"tl": "fil"}
# The model's own prior is next to flat and left out. English is most of what is published, and is what headlines made
# of names and figures are taken from; Galician and Malay are near to far larger languages. Natural logarithms, chosen
# on headlines.
_PRIOR: Final = {"en": 4.5, "gl": -2.0, "ms": -1.0, "ru": 2.0, "hi": 1.0}
# Features of one text depend on each other, so that plain posteriors are far too sure; over the root of the length
# they are about as often right as they say (measured on headlines).
_SHARPNESS: Final = 2.0


class ByteModel:
    """The languages of one script.

    ``table`` holds the logarithm of each feature's probability, a row a feature and a column a label; ``rare`` has
    such a column for each label that stands only where it is declared.
    """

    def __init__(self, labels: list[str], table: Floats, rare: dict[str, Halves]) -> None:
        self._tags = [_TAGS.get(label, label) for label in labels]
        self._table = table
        self._rare = rare
        self._prior = np.array([_PRIOR.get(label, 0.0) for label in labels], dtype=np.float32)
        self.languages = frozenset(self._tags) | frozenset(rare)

    def classify(self, text: str, declared: str | None) -> tuple[str, float]:
        """The language of ``text`` (lower case, in the model's script), and the probability that it is right.

        ``declared`` is a primary language that is looked for though news in it is rare. Text that has nothing the
        model knows gives ``("", 0.0)``.
        """
        data = f" {text} ".encode("utf-8", "replace")
        features = _features(data)
        if not features:
            return "", 0.0
        indexes, counts = np.unique(np.array(features, dtype=np.intp), return_counts=True)
        weights = np.log1p(counts, dtype=np.float32)
        scores = weights @ self._table.take(indexes, axis=0) + self._prior
        if declared in self._rare:
            scores = np.append(scores, weights @ self._rare[declared].take(indexes).astype(np.float32))
        scores *= _SHARPNESS / math.sqrt(len(data))
        best = int(scores.argmax())
        probability = float(1 / np.exp(scores - scores[best]).sum())
        return (self._tags[best] if best < len(self._tags) else declared or ""), probability


def _features(data: bytes) -> list[int]:
    """The model's features in the order in which they end in ``data``, with repeats."""
    steps, rows, found = _automaton()
    state = 0
    features = []
    for byte in data:
        state = steps[rows[state] + byte]
        feature = found[state]
        if feature >= 0:
            features.append(feature)
    return features


@cache
def byte_model(script: str) -> ByteModel | None:
    """The model for a script, None where it holds no two languages of that script."""
    return _loaded()[1].get(script) if script in _COMMON else None


def _automaton() -> tuple[Any, list[int], Any]:
    return _loaded()[0]


@cache
def _loaded() -> tuple[tuple[Any, list[int], Any], dict[str, ByteModel]]:
    # Only what is used is kept: the table of all languages is dropped.
    whole = LanguageIdentifier.from_model_file(MODEL_FILE)
    models = {script: _model(whole, script) for script in _COMMON}
    return (whole.tk_nextmove, [row << 8 for row in whole.tk_row], whole.tk_output), models


def _model(whole: LanguageIdentifier, script: str) -> ByteModel:
    labels = _COMMON[script].split()
    columns = [_column(whole.nb_classes, label, script) for label in labels]
    # Rows that lie together are read several times faster.
    table = np.ascontiguousarray(whole.nb_ptc[:, columns], dtype=np.float32)
    rare = {
        label: np.ascontiguousarray(whole.nb_ptc[:, whole.nb_classes.index(label)]) for label in _RARE[script].split()
    }
    return ByteModel(labels, table, rare)


def _column(labels: list[str], label: str, script: str) -> int:
    first = labels.index(label)
    return labels.index(label, first + 1) if (label, script) in _SECOND_COLUMN else first
