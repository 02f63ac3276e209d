"""By-lines: who wrote an article, where a line of its own says so."""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Byline(NamedTuple):
    """``text``: the line as it stood. ``authors``: the names in it."""

    text: str
    authors: list[str]


_CHARS_MAX: Final = 110
_NAME_WORDS: Final = range(2, 6)
_NAMES_MAX: Final = 5
#: Words before names with nothing but a space between; the names are capitalised, which tells them from prose.
_LATIN: Final = re.compile(r"(?:By|BY|Par|PAR|Von|VON|Por|POR|Door|Oleh|Na|Text:|Words:|Story by) (?=[A-ZÀ-Þ])")
_LATIN_COLON: Final = re.compile(
    r"(?:By|Author|Reporter|Written by|Auteur|Autor|Autora|Redactor|Autore|Yazar|Haber|Muhabir|Penulis|Mwandishi) ?: ?"
)
_OTHER: Final = re.compile(
    r"(?:كتب|كتبت|كتبه|كتبتها|بقلم|إعداد|اعداد|تحرير|ترجمة|تقرير|تحقيق|حوار|حاوره|حاورها|حاورته|أجرى الحوار"
    r"|رصد وتصوير|تغطية|نویسنده|یادداشت|گزارش|خبرنگار|مترجم|تحریر|رپورٹ|مصنف"
    r"|Автор|Авторы|Текст|Автори|מאת|כתב|כתבה|लेखक|संवाददाता|रिपोर्ट)"
    r" ?[:/\-–ـ] ?(?P<names>.+)"
)
_OTHER_SPACED: Final = re.compile(r"(?:بقلم|מאת|نویسنده:?) (?P<names>.+)")
_CHINESE: Final = re.compile(
    r"[（(【]?(?:(?:本报|特约|见习|实习)?记者|作者|撰文|文字|文|通讯员)[ ：:/／|｜丨]+ ?"
    r"(?P<names>[一-鿿·]{2,5}(?:[ 、，,/][一-鿿·]{2,5}){0,4})(?: ?(?:报道|发自[一-鿿]{2,6}|[一-鿿]{2,6}报道))?[）)】]?"
)
_JAPANESE: Final = re.compile(
    r"[（(【]?(?P<names>[一-鿿ぁ-んァ-ヶー]{2,6}(?:[ 　、][一-鿿ぁ-んァ-ヶー]{2,6})?)[ ]?記者[）)】]?"
)
_KOREAN: Final = re.compile(r"(?P<names>[가-힣]{2,4}) (?:기자|특파원)(?: ?=)?(?: [\w.+-]{1,40}@[\w.-]{1,40})?")
_HANDLE: Final = re.compile(r"(?P<names>[^@\n|]{4,40}?) ?[|:：\-–—]? ?@\w{3,20}")
#: At the end of an article, in Reuters' form and the like.
_SIGNED: Final = re.compile(
    r"\(?(?:Reporting|Additional reporting|Writing|Written|Edited|Editing|Compiled|Produced, filmed and edited"
    r"|Video journalist|Photographs?)(?: in [A-Z]\w+)?(?: by|:) (?=[A-Z])(?P<names>[^;\n]{3,60})(?:;.{0,100})?"
)
_SIGNED_FIRST: Final = "(RAWECPV"
_CHINESE_END: Final = re.compile(r"[（(](?!资料|组图|图|全文|待续|未完|本文|编译|完)(?P<names>[一-鿿·]{2,4})[）)]")
_EDITOR_END: Final = re.compile(r"[（(]?(?:责任编辑|责编|实习编辑|编辑|校对)[：: ]{1,2}(?P<names>[一-鿿·]{2,4})[）)]?")
_SPLIT: Final = re.compile(r" ?(?:[,،、，;/&|]| and | AND | et | und | y | e | و ) ?")
#: The Arabic "and" is written in one with the name behind it; two names of two words each leave no doubt.
_JOINED_AND: Final = re.compile(r"([^ ،,]+ [^ ،,]+(?: [^ ،,]+)?) و([^ ،,]{3,} [^ ،,]+(?: [^ ،,]+)?)")
# Marks of Arabic, Hebrew and Indic scripts are no word characters to the engine.
_WORD: Final = re.compile(
    r"[^\W\d_][\w.'’\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0dff\u0e00-\u0eff\u200c\u200d-]*"
)
_SMALL: Final = frozenset(
    {"de", "van", "von", "der", "den", "del", "la", "le", "di", "da", "dos", "bin", "al", "el", "ben", "of"}
)
#: Capitalised words of headings that begin as by-lines do.
_NO_NAME: Final = re.compile(
    r"\b(?:The|This|That|Popular|Numbers|Demand|Design|Law|Land|Sea|Air|Night|Day|Default|Invitation|Hand|Heart|Force|Chance"
    r"|Accident|Mistake|Election|Order|Means|Force|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Exemple|Ejemplo"
    r"|Fin|Favor|Qué|Anfang|Ende|Dort|Hier)\b",
    re.IGNORECASE,
)
#: Words that no name holds, in the scripts without capitals.
_PROSE: Final = re.compile(
    r"(?:^|[ ])(?:في|من|على|إلى|الى|عن|مع|بعد|قبل|هذا|هذه|التي|الذي|أن|لا|ما|هل|كيف|لماذا|ضد|بين|خلال|حول|يوم|اليوم"
    r"|أخبار|در|از|به|که|با|کے|کی|کا|میں|سے|نے|और|के|की|में|है|של|על|את)(?:[ ]|$)"
)
_ROLES: Final = re.compile(r"(?:全媒体|特约|见习|实习|本报|首席)?(?:记者|通讯员|作者|特派员)|(?: ?(?:기자|특파원))")


def read_byline(line: str) -> Byline | None:
    """The by-line that the whole of ``line`` is, before the article."""
    if len(line) > _CHARS_MAX or line[-1] in ".؟?!۔。،,:" or "\t" in line:
        return None
    match = _LATIN.match(line) or _LATIN_COLON.match(line)
    if match:
        names = re.split(r"(?:, | \| | [-–—] | \()", line[match.end() :], maxsplit=1)[0]
        return _byline(line, names, capitalised=True)
    match = _JAPANESE.fullmatch(line)
    if match:
        return Byline(line, [match["names"]])
    for pattern in (_OTHER, _OTHER_SPACED, _CHINESE, _KOREAN, _HANDLE):
        match = pattern.fullmatch(line)
        if match:
            return _byline(line, match["names"], capitalised=False)
    return None


def read_signature(line: str) -> Byline | None:
    """The same for a line behind the article."""
    if len(line) > 2 * _CHARS_MAX:
        return None
    match = _SIGNED.fullmatch(line) if line[0] in _SIGNED_FIRST else None
    if match:
        return Byline(line, authors_in(match["names"]) if line.lstrip("(").startswith(("Reporting", "Writ")) else [])
    if line.isascii():
        return None
    match = _CHINESE_END.fullmatch(line)
    if match:
        return Byline(line, [match["names"]])
    match = _EDITOR_END.fullmatch(line)
    return Byline(line, []) if match else None


def authors_in(names: str) -> list[str]:
    """The names that ``names`` joins with commas and words for "and"."""
    names = " ".join(_ROLES.sub(" ", names).split())
    two = _JOINED_AND.fullmatch(names)
    if two:
        return [two[1], two[2]]
    if re.fullmatch(r"[一-鿿]{2,4}(?: [一-鿿]{2,4})+", names):
        return names.split()
    found = (name.strip(" .-–—)(") for name in _SPLIT.split(names))
    return [name.title() if name.isupper() and name.isascii() else name for name in found if name]


def is_name(text: str) -> bool:
    """Whether ``text`` has the shape of a person's name: two to five words, none of them prose, no digits."""
    words = text.split()
    if len(words) not in _NAME_WORDS or _PROSE.search(text) or _NO_NAME.search(text):
        return False
    return all(_WORD.fullmatch(word) for word in words)


def _byline(line: str, names: str, *, capitalised: bool) -> Byline | None:
    authors = authors_in(names)
    if not 1 <= len(authors) <= _NAMES_MAX:
        return None
    for author in authors:
        if not (is_name(author) or _is_ideographic(author)):
            return None
        if capitalised and any(word[0].islower() and word not in _SMALL for word in author.split()):
            return None
    return Byline(line, authors)


def _is_ideographic(name: str) -> bool:
    return "\u3040" <= name[0] <= "\ud7a3"
