"""A quick look for words without which no text is a notice, since nearly every text is an article."""

from __future__ import annotations

from functools import cache
from typing import Final

from stream.core.notices.lexicon import find_language, read_words, split_words

#: In a text of up to the first length, one indicator is enough. A text of more than the second one needs one of a few
#: in its beginning; only so much of it is searched for others.
_SHORT_CHARS, _MEDIUM_CHARS = 250, 500
_BEGINNING_CHARS, _HEAD_CHARS = 600, 1200
_CHARS_PER_INDICATOR_MEDIUM, _CHARS_PER_INDICATOR = 160, 210
_ANYWHERE: Final = ("cookie", "javascript", "404", "captcha", "adblock", "paypal", "premium", "browser", "login")
_CASELESS: Final = frozenset({"ar", "fa", "he", "hi", "ja", "ko", "ur", "zh"})


def may_be_notice(text: str, language: str) -> bool:
    """Whether ``text`` has enough of the words that notices in ``language`` have; takes a few microseconds.

    >>> may_be_notice("Please enable JavaScript.", "en"), may_be_notice("The old bridge reopens on Monday.", "en")
    (True, False)
    """
    first, every = _indicators(language)
    is_caseless = language in _CASELESS
    if len(text) > _MEDIUM_CHARS:
        beginning = text[:_BEGINNING_CHARS] if is_caseless else text[:_BEGINNING_CHARS].lower()
        if not any(part in beginning for part in first):
            return False
    head = text[:_HEAD_CHARS] if is_caseless else text[:_HEAD_CHARS].lower()
    if len(text) <= _SHORT_CHARS:
        return any(part in head for part in every)
    chars = _CHARS_PER_INDICATOR if len(text) > _MEDIUM_CHARS else _CHARS_PER_INDICATOR_MEDIUM
    return sum(head.count(part) for part in every) * chars >= len(head)


@cache
def _indicators(language: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    words = read_words(find_language(language))
    first = tuple(part.lstrip() for part in words["first_indicators"].split(";"))
    return first, _ANYWHERE + split_words(words["indicators"])
