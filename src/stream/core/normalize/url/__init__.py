"""URLs: one canonical form for each (RFC 3986), and a key that distinguishes one article from another."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final, NamedTuple
from urllib.parse import SplitResult, quote, unquote, unquote_to_bytes, urlsplit

import idna

from stream.core.normalize.url.archives import archived_url, keeps_query
from stream.core.normalize.url.page_variants import amp_cached_url, key_path, key_query, strip_subdomain
from stream.core.normalize.url.tracking_parameters import is_tracking

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# Characters that need no escape in a segment of a path, in a name or value of a query, and in a fragment (RFC 3986,
# section 3).
_PATH_SAFE: Final = "~-._:@!$&'()*+,;="
_QUERY_SAFE: Final = "~-._:@!$'()*,;/?"
_FRAGMENT_SAFE: Final = "~-._:@!$&'()*+,;=/?"
# Text that is in canonical form already: the only escapes are those of bytes that are not ASCII.
_PLAIN_PATH: Final = re.compile(r"(?:[A-Za-z0-9~\-._:@!$&'()*+,;=/]|%[89A-F][0-9A-F])*+")
_PLAIN_PART: Final = re.compile(r"(?:[A-Za-z0-9~\-._:@!$'()*,;/?]|%[89A-F][0-9A-F])*+")
_HOST: Final = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|\[[0-9a-f:.]+\]")
_HOST_CHARS_MAX: Final = 253
# Any other text without a scheme could just as well be a path, such as "news.example/a" or "index.html".
_NO_SCHEME: Final = re.compile(r"www\.[^/?#.\s]+\.[^/?#.\s]", re.IGNORECASE)
# A session id at the end of a segment (Java, PHP) or as a segment (ASP.NET): /a;jsessionid=1, /(S(x5lkwf45))/a.
_SESSION_ID: Final = re.compile(r";(?:jsessionid|phpsessid)=[^/;]*", re.IGNORECASE)
_SESSION_SEGMENT: Final = re.compile(r"/\(S\([a-z0-9]{1,64}\)\)(?=/)", re.IGNORECASE)
# Routes of old single-page sites, such as "#!/article/1" and "#/article/1". The id of an element never begins so.
_ROUTE: Final = re.compile(r"!?/[^/].*|![^/].*", re.DOTALL)
# Characters that are copied along with a link from bidirectional text. Joiners are letters of Persian words and are
# therefore stripped at the ends only.
_INVISIBLE: Final = re.compile("[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+")
_JOINERS: Final = "\u200c\u200d"
_AMP_CACHES_MAX: Final = 3
_HOME_PAGE_KEY: Final = re.compile(r"[^/?#]+/(?:home|[a-z]{2}(?:[-_](?:[a-z]{2}|[a-z]{4}))?)?", re.IGNORECASE)


class CanonicalUrl(NamedTuple):
    """The forms of one URL.

    ``canonical`` is published and ``domain`` is its host without ``www.``. ``key`` is compared: it has no scheme, no
    default port, no mobile or AMP subdomain, no final slash and no parameters of page variants, and is not a URL.
    """

    canonical: str
    key: str
    domain: str

    @property
    def is_home_page(self) -> bool:
        """Whether it is a site's home page, or its home page in one language, which identifies no article.

        >>> urls = [f"https://news.example/{rest}" for rest in ("index.html?utm_source=x", "ar/", "?p=7")]
        >>> [canonicalize(url).is_home_page for url in urls]
        [True, True, False]
        """
        return _HOME_PAGE_KEY.fullmatch(self.key) is not None


def canonicalize(url: str) -> CanonicalUrl | None:
    """Normalize ``url`` (RFC 3986, section 6). Return None if it is not an http(s) URL with a valid host.

    ``//host`` and ``www.host`` are read as https. A canonical URL is its own canonical form.

    >>> canonicalize("HTTPS://WWW.News.example:443/b/../a%7Eb/amp/?utm_source=x&id=7#top")
    CanonicalUrl(canonical='https://www.news.example/a~b/amp/?id=7', key='news.example/a~b?id=7', domain='news.example')
    >>> canonicalize("https://خبر.example/نص").canonical
    'https://xn--ngblk.example/%D9%86%D8%B5'
    >>> canonicalize("index.html") is None
    True
    """
    try:
        return _canonicalize(_add_scheme(_clean_copied(url)), _AMP_CACHES_MAX)
    except ValueError:  # invalid brackets, ports or IDNA labels, or a lone surrogate
        return None


def _canonicalize(url: str, amp_caches_max: int) -> CanonicalUrl | None:
    parts = urlsplit(url)
    scheme = parts.scheme
    site = _parse_site(scheme, parts.netloc)
    if not site:
        return None
    path = _normalize_path(parts.path)
    query = _normalize_query(parts.query, site.name) if parts.query else []
    route = quote(unquote_to_bytes(parts.fragment), safe=_FRAGMENT_SAFE) if _ROUTE.fullmatch(parts.fragment) else ""
    suffix = f"#{route}" if route else ""
    rest = ("?" + "&".join(query) if query else "") + suffix
    cached_url = amp_cached_url(site.host, path)
    if not cached_url and (cached_url := archived_url(site.host, path, parts.query)) and not keeps_query(site.host):
        rest = ""
    if cached_url:
        return _canonicalize(cached_url + rest, amp_caches_max - 1) if amp_caches_max else None
    key = site.key + key_path(path) + (key_query(query) if query else "") + suffix
    return CanonicalUrl(f"{scheme}://{site.netloc}{path}{rest}", key, site.domain)


class _Site(NamedTuple):
    """The host in its forms; ``name`` is without a subdomain of page variants, ``key`` begins the URL key."""

    host: str
    netloc: str
    name: str
    key: str
    domain: str


@lru_cache(maxsize=4096)
def _parse_site(scheme: str, netloc: str) -> _Site | None:
    """Parse the host; None if there is none, or the scheme is not http(s). Cached, since publishers recur.

    Raises:
        ValueError: The host or the port is invalid.
    """
    parts = SplitResult(scheme, netloc, "", "", "")
    host = _normalize_host(parts.hostname or "")
    if scheme not in _DEFAULT_PORTS or not host:
        return None
    port = parts.port
    name = strip_subdomain(host)
    return _Site(
        host,
        netloc=host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}",
        name=name,
        key=name if port in (None, *_DEFAULT_PORTS.values()) else f"{name}:{port}",
        domain=strip_subdomain(host, ("www.",)),
    )


def _clean_copied(url: str) -> str:
    """Undo what copying a URL from a page's source or from running text adds to it."""
    url = url.strip()
    if not url.isascii():
        url = _INVISIBLE.sub("", url).strip().strip(_JOINERS)
    if "&amp;" in url:
        url = url.replace("&amp;", "&")
    if "\\" in url:  # before the query, browsers read it as a slash (WHATWG URL, section 4.4)
        match = re.match(r"[^?#]*", url)
        end = match.end() if match else 0
        url = url[:end].replace("\\", "/") + url[end:]
    return url


def _add_scheme(url: str) -> str:
    if url.startswith("//"):
        return "https:" + url
    return "https://" + url if _NO_SCHEME.match(url) else url


def _normalize_host(host: str) -> str | None:
    if len(host) > _HOST_CHARS_MAX:
        return None
    if "%" in host:
        host = unquote(host, errors="strict").lower()
    if not host.isascii():
        host = _encode_host(host)
    elif ":" in host:
        host = f"[{IPv6Address(host)}]"
    host = host.rstrip(".")
    return host if len(host) <= _HOST_CHARS_MAX and _HOST.fullmatch(host) else None


def _encode_host(host: str) -> str:
    """Return ``host`` in ASCII (UTS #46, as in browsers).

    Raises:
        ValueError: A label is invalid.
    """
    labels = idna.uts46_remap(host, std3_rules=False).split(".")
    return ".".join(label if label.isascii() else _encode_label(label) for label in labels)


def _encode_label(label: str) -> str:
    try:
        return idna.alabel(label).decode()
    except idna.IDNAError:  # symbols, which IDNA 2008 forbids but browsers resolve
        return label.encode("idna").decode().lower()


def _normalize_path(path: str) -> str:
    if not _PLAIN_PATH.fullmatch(path):
        path = "/".join(_escape(segment, _PATH_SAFE) for segment in path.split("/"))
    if ";" in path or "(" in path:
        path = _SESSION_SEGMENT.sub("", _SESSION_ID.sub("", path))
    return _remove_dot_segments(path) if "/." in path else path or "/"


def _remove_dot_segments(path: str) -> str:
    """Remove dot segments (RFC 3986, section 5.2.4)."""
    remaining: list[str] = []
    _, *segments = path.split("/")
    for segment in segments:
        if segment == "..":
            del remaining[-1:]
        elif segment != ".":
            remaining.append(segment)
    if segments[-1] in (".", ".."):
        remaining.append("")
    return "/" + "/".join(remaining)


def _normalize_query(query: str, site: str) -> list[str]:
    """Return the parameters of ``query`` that identify the article, escaped and sorted."""
    remaining = []
    for parameter in query.replace("+", "%20").split("&"):
        name, equals, value = parameter.partition("=")
        value = _escape_part(value)
        if parameter and not is_tracking(unquote(name) if "%" in name else name, value, site):
            remaining.append(f"{_escape_part(name)}{equals}{value}")
    remaining.sort()
    return remaining


def _escape_part(part: str) -> str:
    return part if _PLAIN_PART.fullmatch(part) else _escape(part, _QUERY_SAFE)


def _escape(part: str, safe: str) -> str:
    # As bytes, because many old sites escape in windows-1256 or another encoding that is not UTF-8.
    return quote(unquote_to_bytes(part), safe=safe)
