"""Names in a page's metadata: titles without their site, authors one by one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

AUTHORS_MAX: Final = 30
_NAME_CHARS_MAX: Final = 80
#: What stands between a title and the name of its site.
_SITE_MARK: Final = re.compile(r" ?[|‖»·•:]{1,2} | [-–—] | ?[\uff5c\uff1a] ?")
#: Marks that stand inside titles too: what is behind them is a site only if it is known to be.
_UNSURE_MARKS: Final = frozenset("-–—:·•\uff1a")
_SITE_WORDS_MAX: Final = 5
#: Words before a name, as papers set them.
_BY: Final = re.compile(
    r"^(?:(?:written|story|posted|published) )?"
    r"(?:by|von|par|por|di|door|av|af|автор|текст|بقلم|كتبت?|نویسنده|作者|記者|记者|文)"
    r"(?:\s*+[:\uff1a]\s*+|\s++)",
    re.IGNORECASE,
)
_BETWEEN: Final = re.compile(r"[,،;؛、\uff0c|\n]|\s(?:and|und|et|&|/)\s", re.IGNORECASE)
_MAIL: Final = re.compile(r"[^\s@<>()]{1,64}@[^\s@<>()]{1,255}")
_ADDRESS: Final = re.compile(r"://|\bwww\.|^@|\.(?:com|org|net)\b", re.IGNORECASE)
_FAMILY_NAME_FIRST: Final = re.compile(r"[^\s,]+, [^\s,]+(?: [^\s,]+)?")
_EDGES: Final = " \t\r\n()<>[]\"'«»,;:،-–—|"


def title_alone(title: str, site: str | None, heading: str | None = None) -> str:
    """``title`` without the name of its site at its end or beginning ("Title | Site", "Site - Title")."""
    title = " ".join(title.split())
    if heading and (heading := " ".join(heading.split())) and heading in title and len(heading) < len(title):
        before, _, behind = title.partition(heading)
        if _is_rest(before) and _is_rest(behind):
            return heading
    marks = list(_SITE_MARK.finditer(title))
    if not marks:
        return title
    first, last = marks[0], marks[-1]
    if _same(title[last.end() :], site) or _is_site(title, last):
        return title_alone(title[: last.start()].strip(), site) if len(marks) > 1 else title[: last.start()].strip()
    if _same(title[: first.start()], site):
        return title[first.end() :].strip()
    return title


def _is_rest(part: str) -> bool:
    """Whether ``part``, before or behind a heading, is nothing or parted from it by a mark."""
    part = part.strip()
    return not part or not (part[0].isalnum() and part[-1].isalnum())


def _is_site(title: str, mark: re.Match[str]) -> bool:
    if mark[0].strip()[0] in _UNSURE_MARKS:
        return False
    behind = title[mark.end() :]
    return len(behind.split()) <= _SITE_WORDS_MAX and len(behind) < mark.start()


def _same(part: str, site: str | None) -> bool:
    if not site:
        return False
    left, right = (re.sub(r"[\W_]+", "", name).casefold() for name in (part, site))
    return bool(left) and (left == right or left == right.removeprefix("the") or right == left.removeprefix("the"))


def authors_in(said: Iterable[str]) -> list[str]:
    """The names in ``said``, each once: without "By", e-mail addresses and web addresses."""
    names = (name for text in said for name in _names(text[:2_000]))
    return list(dict.fromkeys(names))[:AUTHORS_MAX]


def _names(text: str) -> Iterable[str]:
    text = _BY.sub("", _MAIL.sub(" ", text).strip(_EDGES))
    parts = [text] if _FAMILY_NAME_FIRST.fullmatch(text) else _BETWEEN.split(text)
    for part in parts:
        name = " ".join(_BY.sub("", part.strip(_EDGES)).split()).strip(_EDGES)
        if name and len(name) <= _NAME_CHARS_MAX and not _ADDRESS.search(name) and any(map(str.isalpha, name)):
            yield name
