"""Recognizes notices by their form: texts in which a page speaks to its reader, instead of reporting something.

A sentence of a notice addresses the reader or speaks of the page itself, in words such as "your", "our" and "this
page", and it is about what pages ask for: consent, a subscription, a working browser, another address, money. A report
about cookies or paywalls has the same nouns, but no such address. So a text is a notice if most of it are such
sentences.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, cast

import numpy as np

from stream.core.contracts.events import Notice
from stream.core.folding import Mask, fold_text, tokenize_all
from stream.core.notices.indicators import may_be_notice
from stream.core.notices.lexicon import Lexicon, find_lexicon

#: Longer texts are no notices.
CHARS_MAX: Final = 4000
_SENTENCE_END: Final = re.compile(r"(?<=[.!?؟۔।…])(?:\s+|(?=[^\W\d_]))|(?<=[。！？])|\n+|\s+[-–—|•*]\s+|[›»▶→✕×☰]+")
_DIGIT: Final = re.compile(r"\d")
#: Between sentences; no text has this word.
_SENTINEL: Final = "qzxqzxq"
#: Hangul, which is written with spaces, comes after the other scripts of East Asia.
_UNSPACED_FROM, _UNSPACED_TO = "\u2e80", "\uac00"
#: A sentence before a notice that has no part in it is a headline, if it is not longer.
_HEADLINE_WORDS: Final = 24
_SHORT_WORDS: Final = 30
_WORDS_MAX: Final = 300
#: Share of sentences of a notice; the second where other sentences report something, the third for a dense text.
_SHARE_MIN, _SHARE_MIN_REPORTS, _SHARE_ALL = 0.6, 0.8, 0.95
#: What makes up for sentences that report something.
_SELVES_CERTAIN, _WEIGHT_CERTAIN = 2, 5.0
#: Weight of the different words of topics, for short texts and others, and without an address.
_WEIGHT_MIN_SHORT, _WEIGHT_MIN, _WEIGHT_MIN_UNADDRESSED = 2.0, 3.0, 2.5
#: In longer texts, there has to be a weight of 1 in so many words.
_WORDS_PER_WEIGHT: Final = 25
#: Addresses and weights for each word: usually, where nearly all is a notice, and where little else shows it.
_DENSITY_MIN, _DENSITY_MIN_ALL, _DENSITY_HIGH = 0.11, 0.08, 0.2
#: Addresses for each word, except in short texts; the second if there is a word of reports.
_ADDRESS_SHARE_MIN, _ADDRESS_SHARE_MIN_REPORTS = 0.03, 0.06
#: Addresses of the reader for each word, if the page does not speak of itself.
_READERS_SHARE_MIN_ALONE: Final = 0.07
_READERS_SHARE_MIN: Final = 0.025
_BUTTON_WORDS: Final = 4
#: So many sentences may be between two of a notice.
_GAP_MAX: Final = 2


@dataclass(slots=True)
class Sentence:
    """A sentence and what it has of the form of a notice.

    Attributes:
        text: As it is written.
        words: How many words it has.
        readers: How often it addresses the reader.
        selves: How often the page speaks of itself.
        reports: How many words of reports it has.
        weights: Entry of the vocabulary -> its largest weight; words that belong to a topic.
        topics: Topic -> weight of the words that belong to it.
    """

    text: str
    words: int = 0
    readers: int = 0
    selves: int = 0
    reports: int = 0
    weights: dict[str, float] = field(default_factory=dict)
    topics: dict[str, float] = field(default_factory=dict)
    is_notice: bool = False

    @property
    def has_address(self) -> bool:
        """Whether it addresses the reader or speaks of the page."""
        return self.readers + self.selves > 0

    @property
    def is_factual(self) -> bool:
        """Whether it reports something, or has a number."""
        return self.reports > 0 or _DIGIT.search(self.text) is not None

    @property
    def weight(self) -> float:
        """Weight of the different words of topics in it."""
        return sum(self.weights.values())

    @property
    def density(self) -> float:
        """Addresses and weights of words of topics for each word."""
        return (self.readers + self.selves + self.weight) / self.words


@dataclass(frozen=True, slots=True)
class NoticeForm:
    """What a text has of the form of a notice; all but ``share`` and ``reports`` is of its sentences of a notice.

    Attributes:
        sentences: All its sentences.
        share: Share of its words that are in sentences of a notice, without a headline before them.
        words: How many words there are.
        readers: How often they address the reader.
        selves: How often the page speaks of itself.
        weight: Weight of the different words of topics.
        density: Addresses and weights of words of topics for each word.
        reports: How many of the other sentences report something or have a number, without a headline.
        topic: What they are about; None if there are none.
    """

    sentences: Sequence[Sentence]
    share: float = 0.0
    words: int = 0
    readers: int = 0
    selves: int = 0
    weight: float = 0.0
    density: float = 0.0
    reports: int = 0
    topic: Notice | None = None

    @property
    def is_dense(self) -> bool:
        """Whether nearly all of the text is notice, with many addresses and words of topics."""
        return self.share >= _SHARE_ALL and self.density >= _DENSITY_HIGH


class Finding(NamedTuple):
    """What was found in a text.

    Attributes:
        notice: What kind of notice the text is; None for an article.
        tokens: Which of its tokens are in sentences of a notice; None if there are none.
    """

    notice: Notice | None
    tokens: Mask | None


_NOTHING: Final = Finding(None, None)


def find_notice(text: str, language: str, *, tokens: int) -> Finding:
    """Find out whether ``text`` is a notice, or contains sentences of one.

    Args:
        text: A normalized text.
        language: BCP 47 tag.
        tokens: How many tokens the text has.

    >>> find_notice("Please enable JavaScript and cookies in your browser to continue.", "en", tokens=10).notice
    'bot_check'
    >>> find_notice("The regulator fined the firm for setting cookies without consent.", "en", tokens=10).notice is None
    True
    """
    primary = language.partition("-")[0]
    if len(text) > CHARS_MAX or not may_be_notice(text, primary):
        return _NOTHING
    form = analyse_form(text, primary)
    return Finding(form.topic if is_notice(form) else None, _mark_tokens(form.sentences, tokens))


def _mark_tokens(sentences: Sequence[Sentence], tokens: int) -> Mask | None:
    """Mark the tokens of the sentences that can only be those of a notice; None if there are none."""
    marks = [sentence.is_notice and sentence.density >= _DENSITY_HIGH for sentence in sentences]
    if not any(marks):
        return None
    counts = np.diff(tokenize_all([sentence.text for sentence in sentences]).bounds)
    # The end of a sentence may join tokens, such as the two parts of a number.
    return np.repeat(np.array(marks, dtype=np.bool_), counts) if counts.sum() == tokens else None


def is_notice(form: NoticeForm) -> bool:
    """Whether a text of this form is a notice."""
    if not _is_mostly_notice(form):
        return False
    if form.words <= _SHORT_WORDS and form.readers and form.selves and form.is_dense:  # such as "Sign up for our news!"
        return form.weight >= 1.0
    wanted = _WEIGHT_MIN_SHORT if form.words <= _SHORT_WORDS else max(_WEIGHT_MIN, form.words / _WORDS_PER_WEIGHT)
    return form.weight >= wanted and _is_addressed(form)


def _is_mostly_notice(form: NoticeForm) -> bool:
    is_certain = not form.reports or (form.selves >= _SELVES_CERTAIN and form.weight >= _WEIGHT_CERTAIN)
    return form.words <= _WORDS_MAX and form.share >= (_SHARE_MIN if is_certain else _SHARE_MIN_REPORTS)


def _is_addressed(form: NoticeForm) -> bool:
    """Whether the page speaks enough of its reader and of itself, or if it does not at all, is about nothing else."""
    if not form.readers and not form.selves:
        return form.density >= _DENSITY_HIGH and form.weight >= _WEIGHT_MIN_UNADDRESSED
    if not form.selves:
        is_enough = form.is_dense or form.readers >= _READERS_SHARE_MIN_ALONE * form.words
        if form.words > 2 * _SHORT_WORDS or not is_enough:
            return False
    has_reports = any(sentence.reports for sentence in form.sentences)
    share_min = _ADDRESS_SHARE_MIN_REPORTS if has_reports else _ADDRESS_SHARE_MIN
    if form.words > _SHORT_WORDS and form.readers + form.selves < share_min * form.words:
        return False
    is_all = form.share >= _SHARE_ALL and form.readers >= _READERS_SHARE_MIN * form.words
    return form.density >= (_DENSITY_MIN_ALL if is_all else _DENSITY_MIN)


def analyse_form(text: str, language: str) -> NoticeForm:
    """Find the sentences of a notice in ``text``."""
    sentences = _split(text, find_lexicon(language))
    is_short = sum(sentence.words for sentence in sentences) <= 2 * _SHORT_WORDS
    for sentence in sentences:
        needed = 1.0 if sentence.has_address else 2.0
        if is_short:  # its sentences are judged together
            needed /= 2
        if sentence.reports:
            sentence.is_notice = sentence.has_address and sentence.weight >= needed + 0.5
        else:
            sentence.is_notice = sentence.weight >= needed
    _join_blocks(sentences)
    parts = [sentence for sentence in sentences if sentence.is_notice]
    if not parts:
        return NoticeForm(sentences)
    headline = _count_headline(sentences)
    total = sum(sentence.words for sentence in sentences[headline:])
    words = sum(sentence.words for sentence in parts)
    readers = sum(sentence.readers for sentence in parts)
    selves = sum(sentence.selves for sentence in parts)
    weights: dict[str, float] = {}
    topics: dict[str, float] = {}
    for sentence in parts:
        weights |= sentence.weights
        for name, weight in sentence.topics.items():
            topics[name] = topics.get(name, 0.0) + weight
    return NoticeForm(
        sentences,
        share=words / total,
        words=words,
        readers=readers,
        selves=selves,
        weight=sum(weights.values()),
        density=(readers + selves + sum(sentence.weight for sentence in parts)) / words,
        reports=sum(sentence.is_factual and not sentence.is_notice for sentence in sentences[headline:]),
        topic=cast("Notice", max(topics, key=lambda name: topics[name])) if topics else None,
    )


def _split(text: str, lexicon: Lexicon) -> list[Sentence]:
    sentences = [Sentence(part) for part in _SENTENCE_END.split(text) if part and not part.isspace()]
    folded = fold_text(f" {_SENTINEL} ".join(sentence.text for sentence in sentences)).split(_SENTINEL)
    if len(folded) > len(sentences):  # the text contains the sentinel
        folded = [fold_text(sentence.text) for sentence in sentences]
    for sentence, part in zip(sentences, folded, strict=True):
        stripped = part.strip()
        sentence.words = _count_words(stripped)
        for text_of_entry, word in lexicon.find_words(stripped):
            sentence.readers += word.is_reader
            sentence.selves += word.is_self
            sentence.reports += word.is_report
            if word.topics and text_of_entry not in sentence.weights:
                sentence.weights[text_of_entry] = max(weight for _, weight in word.topics)
                for topic, weight in word.topics:
                    sentence.topics[topic] = sentence.topics.get(topic, 0.0) + weight
    return [sentence for sentence in sentences if sentence.words]


def _count_words(folded: str) -> int:
    """Count words; two characters of scripts without spaces count as one."""
    words = len(folded.split())
    if not folded or max(folded) < _UNSPACED_FROM:
        return words
    return words + sum(_UNSPACED_FROM <= char < _UNSPACED_TO for char in folded) // 2


def _join_blocks(sentences: Sequence[Sentence]) -> None:
    """Let sentences between those of a notice belong to it if they address the reader or are as short as a button."""
    marked = [i for i, sentence in enumerate(sentences) if sentence.is_notice]
    for i, sentence in enumerate(sentences):
        if sentence.is_notice or sentence.reports or not marked:
            continue
        distance = min(abs(i - at) for at in marked)
        is_part = sentence.density >= (_DENSITY_MIN_ALL if i > marked[0] else _DENSITY_MIN)
        if (is_part and distance <= _GAP_MAX) or (distance == 1 and sentence.words <= _BUTTON_WORDS and i > marked[0]):
            sentence.is_notice = True


def _count_headline(sentences: Sequence[Sentence]) -> int:
    """How many sentences before the notice are its headline; 0 if they are more than that."""
    count = next(i for i, sentence in enumerate(sentences) if sentence.is_notice)
    return count if sum(sentence.words for sentence in sentences[:count]) <= _HEADLINE_WORDS else 0
