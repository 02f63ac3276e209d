"""Cleans names in a page's metadata: titles without the name of the site, authors one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

AUTHORS_MAX: Final = 30
_NAME_CHARS_MAX: Final = 80
_TEXT_CHARS_MAX: Final = 2_000
#: What separates a title from the name of its site.
_SEPARATOR: Final = re.compile(r" ?[|‖»·•:]{1,2} | [-–—] | ?[\uff5c\uff1a] ?")
#: Separators that are common inside titles too: what follows is a site only if that is its known name.
_AMBIGUOUS_SEPARATORS: Final = frozenset("-–—:·•\uff1a")
_SITE_WORDS_MAX: Final = 5
#: Words that introduce a name in a byline.
_BYLINE_START: Final = re.compile(
    r"^(?:(?:written|story|posted|published) )?"
    r"(?:by|von|par|por|di|door|av|af|автор|текст|بقلم|كتبت?|نویسنده|作者|記者|记者|文)"
    r"(?:\s*+[:\uff1a]\s*+|\s++)",
    re.IGNORECASE,
)
_AUTHOR_SEPARATOR: Final = re.compile(r"[,،;؛、\uff0c|\n]|\s(?:and|und|et|&|/)\s", re.IGNORECASE)
_EMAIL: Final = re.compile(r"[^\s@<>()]{1,64}@[^\s@<>()]{1,255}")
_URL_OR_HANDLE: Final = re.compile(r"://|\bwww\.|^@|\.(?:com|org|net)\b", re.IGNORECASE)
_FAMILY_NAME_FIRST: Final = re.compile(r"[^\s,]+, [^\s,]+(?: [^\s,]+)?")
_STRIPPED_CHARS: Final = " \t\r\n()<>[]\"'«»,;:،-–—|"


def strip_site_name(title: str, site: str | None, heading: str | None = None) -> str:
    """Return ``title`` without the name of its site at the end or the beginning.

    ``site`` is the site's name and ``heading`` the heading of the article, if they are known.

    >>> strip_site_name("Garden opens | The Gazette", None)
    'Garden opens'
    >>> strip_site_name("Garden opens - and closes again", None)
    'Garden opens - and closes again'
    >>> strip_site_name("Garden opens - The Gazette", "Gazette")
    'Garden opens'
    """
    title = " ".join(title.split())
    if heading and (heading := " ".join(heading.split())) and heading in title and len(heading) < len(title):
        before, _, after = title.partition(heading)
        if _is_separated(before) and _is_separated(after):
            return heading
    separators = list(_SEPARATOR.finditer(title))
    if not separators:
        return title
    first, last = separators[0], separators[-1]
    if _is_same_name(title[last.end() :], site) or _is_followed_by_site(title, last):
        rest = title[: last.start()].strip()
        return strip_site_name(rest, site) if len(separators) > 1 else rest
    if _is_same_name(title[: first.start()], site):
        return title[first.end() :].strip()
    return title


def _is_separated(rest: str) -> bool:
    """Whether ``rest``, the title before or after the heading, is empty or separated from it by punctuation."""
    rest = rest.strip()
    return not rest or not (rest[0].isalnum() and rest[-1].isalnum())


def _is_followed_by_site(title: str, separator: re.Match[str]) -> bool:
    if separator[0].strip()[0] in _AMBIGUOUS_SEPARATORS:
        return False
    rest = title[separator.end() :]
    return len(rest.split()) <= _SITE_WORDS_MAX and len(rest) < separator.start()


def _is_same_name(name: str, site: str | None) -> bool:
    if not site:
        return False
    left, right = (re.sub(r"[\W_]+", "", text).casefold() for text in (name, site))
    return bool(left) and (left == right or left == right.removeprefix("the") or right == left.removeprefix("the"))


def parse_authors(texts: Iterable[str]) -> list[str]:
    """Return the names in ``texts``, without duplicates, "By", email addresses, URLs and handles.

    >>> parse_authors(["By Mary Hill and John Brook", "https://news.example/authors/mary"])
    ['Mary Hill', 'John Brook']
    """
    names = (name for text in texts for name in _split_names(text[:_TEXT_CHARS_MAX]))
    return list(dict.fromkeys(names))[:AUTHORS_MAX]


def _split_names(text: str) -> Iterable[str]:
    text = _BYLINE_START.sub("", _EMAIL.sub(" ", text).strip(_STRIPPED_CHARS))
    parts = [text] if _FAMILY_NAME_FIRST.fullmatch(text) else _AUTHOR_SEPARATOR.split(text)
    for part in parts:
        name = " ".join(_BYLINE_START.sub("", part.strip(_STRIPPED_CHARS)).split()).strip(_STRIPPED_CHARS)
        if name and len(name) <= _NAME_CHARS_MAX and not _URL_OR_HANDLE.search(name) and any(map(str.isalpha, name)):
            yield name
