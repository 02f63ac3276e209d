"""Decodes text files and pages as browsers do: byte order mark, declared charset, then what the bytes look like."""

from __future__ import annotations

import codecs
import re
from typing import Final

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: How much of a page is searched for its charset. Browsers read 1,024 bytes, but scripts may stand before it.
_HEAD_BYTES: Final = 16_384
_DECLARATION: Final = re.compile(
    rb"""<meta[^<>]{0,400}?charset\s*=\s*["']?\s*([\w.:-]{2,40})|<\?xml[^<>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""",
    re.IGNORECASE,
)
_LANGUAGE: Final = re.compile(rb"""<html[^<>]{0,400}?\slang\s*=\s*["']?([a-z]{2,3})""", re.IGNORECASE)
#: Labels that mean a larger encoding than their name says (WHATWG Encoding, section 4.2), by Python's name.
_WHATWG: Final = {
    "iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "euc_kr": "cp949", "johab": "cp949",
    "shift_jis": "cp932", "utf-16": "utf-8", "utf-16-le": "utf-8", "utf-16-be": "utf-8", "utf-32": "utf-8",
}  # fmt: skip
#: Labels that Python does not know.
_LABELS: Final = {
    "x-sjis": "cp932", "windows-874": "cp874", "ks_c_5601-1987": "cp949", "x-gbk": "gb18030", "dos-874": "cp874",
    "x-cp1256": "cp1256", "x-cp1251": "cp1251", "x-cp1252": "cp1252", "x-euc-jp": "euc_jp",
    "x-mac-cyrillic": "mac_cyrillic",
    "iso-8859-8-i": "iso8859-8", "unicode-1-1-utf-8": "utf-8", "utf8": "utf-8",
}  # fmt: skip
#: Encodings of Latin letters look alike. In them, the language decides (WHATWG HTML, section 13.2.3.2).
_LATIN: Final = frozenset({"cp1250", "cp1252", "cp1254", "cp1257", "cp1258", "latin_1"})
_BY_LANGUAGE: Final = {
    **dict.fromkeys(("cs", "hr", "hu", "pl", "ro", "sk", "sl"), "cp1250"),
    **dict.fromkeys(("et", "lt", "lv"), "cp1257"),
    **dict.fromkeys(("az", "ku", "tr"), "cp1254"),
    "vi": "cp1258",
}
#: Fewer bytes show nothing, and more take long.
_DETECTED_BYTES_MIN: Final = 8
_DETECTED_BYTES_MAX: Final = 200_000


def decode(content: bytes) -> str | None:
    """Decode a text or a page; None if its encoding cannot be found out.

    A declared charset that does not fit is not followed: pages are converted, and keep the declaration.

    >>> decode('<meta charset="windows-1256"><p>خبر</p>'.encode("cp1256"))
    '<meta charset="windows-1256"><p>خبر</p>'
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return _try(content[len(mark) :], encoding)
    declared = _declared(content[:_HEAD_BYTES])
    for candidate in (declared, "utf-8"):
        if candidate and (text := _try(content, candidate)) is not None:
            return text
    detected = _detect(content)
    return _try(content, detected) if detected else None


def _try(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        return None


def _declared(head: bytes) -> str | None:
    match = _DECLARATION.search(head)
    label = (match[1] or match[2]).decode("ascii").lower() if match else ""
    label = _LABELS.get(label, label)
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    return _WHATWG.get(name, name)


def _detect(content: bytes) -> str | None:
    if len(content) < _DETECTED_BYTES_MIN:
        return None
    import charset_normalizer  # noqa: PLC0415 - few files need it

    match = charset_normalizer.from_bytes(content[:_DETECTED_BYTES_MAX]).best()
    if match is None:
        return None
    language = _LANGUAGE.search(content[:_HEAD_BYTES])
    by_language = _BY_LANGUAGE.get(language[1].decode("ascii").lower()) if language else None
    return by_language if by_language and match.encoding in _LATIN else match.encoding
