"""Bylines: lines that name the authors of an article."""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Byline(NamedTuple):
    """A byline, verbatim, and the names in it."""

    text: str
    authors: list[str]


_CHARS_MAX: Final = 110
_NAME_WORDS: Final = range(2, 6)
_NAMES_MAX: Final = 5
#: Words before a name, with only a space between them; the capital letter distinguishes it from prose.
_LATIN: Final = re.compile(r"(?:By|BY|Par|PAR|Von|VON|Por|POR|Door|Oleh|Na|Text:|Words:|Story by) (?=[A-ZÀ-Þ])")
_LATIN_LABEL: Final = re.compile(
    r"(?:By|Author|Reporter|Written by|Auteur|Autor|Autora|Redactor|Autore|Yazar|Haber|Muhabir|Penulis|Mwandishi) ?: ?"
)
_OTHER_LABEL: Final = re.compile(
    r"(?:كتب|كتبت|كتبه|كتبتها|بقلم|إعداد|اعداد|تحرير|ترجمة|تقرير|تحقيق|حوار|حاوره|حاورها|حاورته|أجرى الحوار"
    r"|رصد وتصوير|تغطية|نویسنده|یادداشت|گزارش|خبرنگار|مترجم|تحریر|رپورٹ|مصنف"
    r"|Автор|Авторы|Текст|Автори|מאת|כתב|כתבה|लेखक|संवाददाता|रिपोर्ट)"
    r" ?[:/\-–ـ] ?(?P<names>.+)"
)
_OTHER_PREFIX: Final = re.compile(r"(?:بقلم|מאת|نویسنده:?) (?P<names>.+)")
_CHINESE: Final = re.compile(
    r"[（(【]?(?:(?:本报|特约|见习|实习)?记者|作者|撰文|文字|文|通讯员)[ ：:/／|｜丨]+ ?"
    r"(?P<names>[一-鿿·]{2,5}(?:[ 、，,/][一-鿿·]{2,5}){0,4})(?: ?(?:报道|发自[一-鿿]{2,6}|[一-鿿]{2,6}报道))?[）)】]?"
)
_JAPANESE: Final = re.compile(
    r"[（(【]?(?P<names>[一-鿿ぁ-んァ-ヶー]{2,6}(?:[ 　、][一-鿿ぁ-んァ-ヶー]{2,6})?)[ ]?記者[）)】]?"
)
_KOREAN: Final = re.compile(r"(?P<names>[가-힣]{2,4}) (?:기자|특파원)(?: ?=)?(?: [\w.+-]{1,40}@[\w.-]{1,40})?")
_HANDLE: Final = re.compile(r"(?P<names>[^@\n|]{4,40}?) ?[|:：\-–—]? ?@\w{3,20}")
#: Signatures at the end of an article, in the style of Reuters and others.
_SIGNATURE: Final = re.compile(
    r"\(?(?:Reporting|Additional reporting|Writing|Written|Edited|Editing|Compiled|Produced, filmed and edited"
    r"|Video journalist|Photographs?)(?: in [A-Z]\w+)?(?: by|:) (?=[A-Z])(?P<names>[^;\n]{3,60})(?:;.{0,100})?"
)
_SIGNATURE_FIRST_CHARS: Final = "(RAWECPV"
_CHINESE_END: Final = re.compile(r"[（(](?!资料|组图|图|全文|待续|未完|本文|编译|完)(?P<names>[一-鿿·]{2,4})[）)]")
_EDITOR_END: Final = re.compile(r"[（(]?(?:责任编辑|责编|实习编辑|编辑|校对)[：: ]{1,2}(?P<names>[一-鿿·]{2,4})[）)]?")
_NAME_SEPARATOR: Final = re.compile(r" ?(?:[,،、，;/&|]| and | AND | et | und | y | e | و ) ?")
#: Arabic writes "and" together with the next word; two names of at least two words each are unambiguous.
_NAMES_WITH_ARABIC_AND: Final = re.compile(r"([^ ،,]+ [^ ،,]+(?: [^ ،,]+)?) و([^ ،,]{3,} [^ ،,]+(?: [^ ،,]+)?)")
# The regular expression engine does not count the marks of Arabic, Hebrew and Indic scripts as word characters.
_WORD: Final = re.compile(
    r"[^\W\d_][\w.'’\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0dff\u0e00-\u0eff\u200c\u200d-]*"
)
#: Lower-case parts of names.
_NAME_PARTICLES: Final = frozenset(
    {"de", "van", "von", "der", "den", "del", "la", "le", "di", "da", "dos", "bin", "al", "el", "ben", "of"}
)
#: Capitalised words of headings that start like bylines.
_NOT_A_NAME: Final = re.compile(
    r"\b(?:The|This|That|Popular|Numbers|Demand|Design|Law|Land|Sea|Air|Night|Day|Default|Invitation|Hand|Heart|Force|Chance"
    r"|Accident|Mistake|Election|Order|Means|Force|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Exemple|Ejemplo"
    r"|Fin|Favor|Qué|Anfang|Ende|Dort|Hier)\b",
    re.IGNORECASE,
)
#: Words that are part of no name, in scripts without capital letters.
_PROSE: Final = re.compile(
    r"(?:^|[ ])(?:في|من|على|إلى|الى|عن|مع|بعد|قبل|هذا|هذه|التي|الذي|أن|لا|ما|هل|كيف|لماذا|ضد|بين|خلال|حول|يوم|اليوم"
    r"|أخبار|در|از|به|که|با|کے|کی|کا|میں|سے|نے|और|के|की|में|है|של|על|את)(?:[ ]|$)"
)
_ROLES: Final = re.compile(r"(?:全媒体|特约|见习|实习|本报|首席)?(?:记者|通讯员|作者|特派员)|(?: ?(?:기자|특파원))")


def read_byline(line: str) -> Byline | None:
    """Return the byline if the whole of ``line`` is one, at the start of an article.

    >>> read_byline("Written by: Ann Lee and Jo Roe")
    Byline(text='Written by: Ann Lee and Jo Roe', authors=['Ann Lee', 'Jo Roe'])
    >>> read_byline("By Popular Demand") is None
    True
    """
    if len(line) > _CHARS_MAX or line[-1] in ".؟?!۔。،,:" or "\t" in line:
        return None
    match = _LATIN.match(line) or _LATIN_LABEL.match(line)
    if match:
        names = re.split(r"(?:, | \| | [-–—] | \()", line[match.end() :], maxsplit=1)[0]
        return _make_byline(line, names, is_capitalized=True)
    match = _JAPANESE.fullmatch(line)
    if match:
        return Byline(line, [match["names"]])
    for pattern in (_OTHER_LABEL, _OTHER_PREFIX, _CHINESE, _KOREAN, _HANDLE):
        match = pattern.fullmatch(line)
        if match:
            return _make_byline(line, match["names"], is_capitalized=False)
    return None


def read_signature(line: str) -> Byline | None:
    """Return the byline if the whole of ``line`` is one, at the end of an article.

    >>> read_signature("Reporting by Ann Lee; Editing by Jo Roe").authors
    ['Ann Lee']
    """
    if len(line) > 2 * _CHARS_MAX:
        return None
    match = _SIGNATURE.fullmatch(line) if line[0] in _SIGNATURE_FIRST_CHARS else None
    if match:
        names_authors = line.lstrip("(").startswith(("Reporting", "Writ"))
        return Byline(line, split_names(match["names"]) if names_authors else [])
    if line.isascii():
        return None
    match = _CHINESE_END.fullmatch(line)
    if match:
        return Byline(line, [match["names"]])
    match = _EDITOR_END.fullmatch(line)
    return Byline(line, []) if match else None


def split_names(names: str) -> list[str]:
    """Return the names in ``names``, which are separated by commas or words for "and".

    >>> split_names("نادر صالح ومنى العلي"), split_names("JANE SMITH and JOHN DOE")
    (['نادر صالح', 'منى العلي'], ['Jane Smith', 'John Doe'])
    """
    names = " ".join(_ROLES.sub(" ", names).split())
    pair = _NAMES_WITH_ARABIC_AND.fullmatch(names)
    if pair:
        return [pair[1], pair[2]]
    if re.fullmatch(r"[一-鿿]{2,4}(?: [一-鿿]{2,4})+", names):
        return names.split()
    stripped = (name.strip(" .-–—)(") for name in _NAME_SEPARATOR.split(names))
    return [name.title() if name.isupper() and name.isascii() else name for name in stripped if name]


def is_name(text: str) -> bool:
    """Whether ``text`` looks like a person's name: two to five words without digits, none of them prose.

    >>> is_name("मुकेश शर्मा"), is_name("Room 101")
    (True, False)
    """
    words = text.split()
    if len(words) not in _NAME_WORDS or _PROSE.search(text) or _NOT_A_NAME.search(text):
        return False
    return all(_WORD.fullmatch(word) for word in words)


def _make_byline(line: str, names: str, *, is_capitalized: bool) -> Byline | None:
    """Return the byline, or None if ``names`` are not one to five names."""
    authors = split_names(names)
    if not 1 <= len(authors) <= _NAMES_MAX:
        return None
    for author in authors:
        if not (is_name(author) or _is_ideographic(author)):
            return None
        if is_capitalized and any(word[0].islower() and word not in _NAME_PARTICLES for word in author.split()):
            return None
    return Byline(line, authors)


def _is_ideographic(name: str) -> bool:
    return "\u3040" <= name[0] <= "\ud7a3"
