"""Addresses: one canonical form of each (RFC 3986), and a key that tells one article from another."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final, NamedTuple
from urllib.parse import SplitResult, quote, unquote, unquote_to_bytes, urlsplit

import idna

from stream.core.normalize.url.page_variants import article_path, article_query, article_site, inside_amp_cache
from stream.core.normalize.url.tracking_parameters import is_tracking

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# What may stand unescaped in a segment of a path, and in a name or value of a query (RFC 3986, section 3).
_PATH_SAFE: Final = "~-._:@!$&'()*+,;="
_QUERY_SAFE: Final = "~-._:@!$'()*,;/?"
_FRAGMENT_SAFE: Final = "~-._:@!$&'()*+,;=/?"
# Text in its canonical form already: no escape but those of bytes that are not ASCII.
_PLAIN_PATH: Final = re.compile(r"(?:[A-Za-z0-9~\-._:@!$&'()*+,;=/]|%[89A-F][0-9A-F])*+")
_PLAIN_PART: Final = re.compile(r"(?:[A-Za-z0-9~\-._:@!$'()*,;/?]|%[89A-F][0-9A-F])*+")
_HOST: Final = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|\[[0-9a-f:.]+\]")
_HOST_CHARS_MAX: Final = 253
# Any other text without a scheme may as well be a path: «news.example/a», «index.html».
_NO_SCHEME: Final = re.compile(r"www\.[^/?#.\s]+\.[^/?#.\s]", re.IGNORECASE)
# A session behind a segment (Java, PHP), and as one of its own (ASP.NET): /a;jsessionid=1, /(S(x5lkwf45))/a.
_SESSION: Final = re.compile(r";(?:jsessionid|phpsessid)=[^/;]*", re.IGNORECASE)
_SESSION_SEGMENT: Final = re.compile(r"/\(S\([a-z0-9]{1,64}\)\)(?=/)", re.IGNORECASE)
# Page routers of old single-page sites: «#!/article/1», «#/article/1». An element's id has no such beginning.
_ROUTE: Final = re.compile(r"!?/[^/].*|![^/].*", re.DOTALL)
# Copied along with a link from text of both directions. Joiners are letters of Persian words, so they go at ends alone.
_INVISIBLE: Final = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
_ENDS: Final = "\u200c\u200d"
_AMP_CACHES_MAX: Final = 3


class Address(NamedTuple):
    """``canonical``: published. ``key``: compared. ``domain``: the host without ``www.``.

    The key has no scheme, port, subdomain of mobile or AMP pages, final slash, or parameter of such pages; it is not
    an address.
    """

    canonical: str
    key: str
    domain: str


def canonicalize(url: str) -> Address | None:
    """The address behind the many spellings of ``url`` (RFC 3986, section 6), or None if it has no valid host.

    ``//host`` and ``www.host`` are taken as https. Idempotent on what it gives as ``canonical``.
    """
    try:
        return _address(_absolute(_tidy(url)), _AMP_CACHES_MAX)
    except ValueError:  # bad brackets, ports, IDNA labels, or half a surrogate pair
        return None


def _address(url: str, caches: int) -> Address | None:
    parts = urlsplit(url)
    scheme = parts.scheme
    place = _place(scheme, parts.netloc)
    if not place:
        return None
    host, netloc, site, key_host, domain = place
    path = _path(parts.path)
    query = _query(parts.query, site) if parts.query else []
    route = quote(unquote_to_bytes(parts.fragment), safe=_FRAGMENT_SAFE) if _ROUTE.fullmatch(parts.fragment) else ""
    rest = ("?" + "&".join(query) if query else "") + (f"#{route}" if route else "")
    inside = inside_amp_cache(host, path)
    if inside:
        return _address(inside + rest, caches - 1) if caches else None
    key = key_host + article_path(path) + (article_query(query) if query else "") + (f"#{route}" if route else "")
    return Address(f"{scheme}://{netloc}{path}{rest}", key, domain)


class _Place(NamedTuple):
    host: str
    netloc: str
    site: str
    key_host: str
    domain: str


@lru_cache(maxsize=4096)
def _place(scheme: str, netloc: str) -> _Place | None:
    """What is read from the host, and remembered, as the same publishers come again and again.

    Raises:
        ValueError: host or port cannot be one.
    """
    parts = SplitResult(scheme, netloc, "", "", "")
    host = _host(parts)
    if scheme not in _DEFAULT_PORTS or not host:
        return None
    port = parts.port
    site = article_site(host)
    return _Place(
        host,
        netloc=host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}",
        site=site,
        key_host=site if port in (None, *_DEFAULT_PORTS.values()) else f"{site}:{port}",
        domain=article_site(host, ("www.",)),
    )


def _tidy(url: str) -> str:
    """``url`` as it was meant: mended where it was copied from a page's source or a line of text."""
    url = url.strip()
    if not url.isascii():
        url = _INVISIBLE.sub("", url).strip().strip(_ENDS)
    if "&amp;" in url:
        url = url.replace("&amp;", "&")
    if "\\" in url:  # browsers read it as a slash (WHATWG URL, section 4.4)
        head = re.match(r"[^?#]*", url)
        end = head.end() if head else 0
        url = url[:end].replace("\\", "/") + url[end:]
    return url


def _absolute(url: str) -> str:
    if url.startswith("//"):
        return "https:" + url
    return "https://" + url if _NO_SCHEME.match(url) else url


def _host(parts: SplitResult) -> str | None:
    host = parts.hostname or ""
    if len(host) > _HOST_CHARS_MAX:
        return None
    if "%" in host:
        host = unquote(host, errors="strict").lower()
    if not host.isascii():
        host = _ascii_host(host)
    elif ":" in host:
        host = f"[{IPv6Address(host)}]"
    host = host.rstrip(".")
    return host if len(host) <= _HOST_CHARS_MAX and _HOST.fullmatch(host) else None


def _ascii_host(host: str) -> str:
    """``host`` in ASCII (UTS 46, as browsers do it).

    Raises:
        ValueError: a label cannot be one.
    """
    labels = idna.uts46_remap(host, std3_rules=False).split(".")
    return ".".join(label if label.isascii() else _ascii_label(label) for label in labels)


def _ascii_label(label: str) -> str:
    try:
        return idna.alabel(label).decode()
    except idna.IDNAError:  # symbols, which IDNA 2008 forbids and browsers resolve
        return label.encode("idna").decode().lower()


def _path(path: str) -> str:
    if not _PLAIN_PATH.fullmatch(path):
        path = "/".join(_escaped(segment, _PATH_SAFE) for segment in path.split("/"))
    if ";" in path or "(" in path:
        path = _SESSION_SEGMENT.sub("", _SESSION.sub("", path))
    return _resolved(path) if "/." in path else path or "/"


def _resolved(path: str) -> str:
    """``path`` without dot segments (RFC 3986, section 5.2.4)."""
    kept: list[str] = []
    _, *segments = path.split("/")
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)


def _query(query: str, site: str) -> list[str]:
    """The parameters of ``query`` that say something of the article, sorted."""
    kept = []
    for part in query.replace("+", "%20").split("&"):
        name, equals, value = part.partition("=")
        value = _escaped_part(value)
        if part and not is_tracking(unquote(name) if "%" in name else name, value, site):
            kept.append(f"{_escaped_part(name)}{equals}{value}")
    kept.sort()
    return kept


def _escaped_part(part: str) -> str:
    return part if _PLAIN_PART.fullmatch(part) else _escaped(part, _QUERY_SAFE)


def _escaped(part: str, safe: str) -> str:
    # By way of bytes: many old sites escape in windows-1256 or another encoding that is not UTF-8.
    return quote(unquote_to_bytes(part), safe=safe)
