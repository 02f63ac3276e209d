"""Addresses: the canonical one that is published, and the key that tells one article from another."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import SplitResult, quote, unquote, unquote_to_bytes, urlsplit, urlunsplit

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
#: Query parameters that name a campaign, a referrer or a session, never an article.
TRACKING: Final = re.compile(
    r"(?:utm_\w+|at_(?:medium|campaign|custom\d)|ns_\w+|mc_[ce]id|pk_\w+|mtm_\w+|_hs\w+|hsa_\w+"
    r"|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|ysclid|twclid|ttclid|igshid|igsh|li_fat_id|_openstat"
    r"|ref_?src|ref_?url|cmpid|ocid|smid|ito|spm|xtor|wt_?mc\w*|sessionid|phpsessid|jsessionid)",
    re.IGNORECASE,
)
# What may stand unescaped in a segment of a path, and in a name or value of a query (RFC 3986, section 3).
_PATH_SAFE: Final = "~-._:@!$&'()*+,;="
_QUERY_SAFE: Final = "~-._:@!$'()*,;/?"
_PLAIN_PATH: Final = re.compile(r"[A-Za-z0-9~\-._:@!$&'()*+,;=/]*")
_HOST: Final = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|\[[0-9a-f:.]+\]")
_HOST_CHARS_MAX: Final = 253
_SUBDOMAINS: Final = ("www.", "m.", "mobile.", "amp.")


class Address(NamedTuple):
    """``canonical``: published. ``key``: compared, without scheme, ``www.`` and final slash. ``domain``: the site."""

    canonical: str
    key: str
    domain: str


def canonicalize(url: str) -> Address | None:
    """The address behind the many spellings of ``url`` (RFC 3986, section 6), or None if it has no valid host.

    Idempotent on what it gives as ``canonical``.
    """
    try:
        parts = urlsplit(url.strip())
        host = _host(parts)
        port = parts.port
        path = _path(parts.path)
        query = _query(parts.query)
    except ValueError:  # bad brackets, ports, IDNA labels, or half a surrogate pair
        return None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS or not host:
        return None
    netloc = host if port in (None, _DEFAULT_PORTS[scheme]) else f"{host}:{port}"
    site = _without(_SUBDOMAINS, host) + ("" if port in (None, *_DEFAULT_PORTS.values()) else f":{port}")
    key = f"{site}{path.rstrip('/') or '/'}" + (f"?{query}" if query else "")
    return Address(urlunsplit((scheme, netloc, path, query, "")), key, _without(("www.",), host))


def _host(parts: SplitResult) -> str | None:
    host = (parts.hostname or "").rstrip(".")
    if not host.isascii():
        host = host.encode("idna").decode().rstrip(".").lower()
    elif ":" in host:
        host = f"[{host}]"
    return host if len(host) <= _HOST_CHARS_MAX and _HOST.fullmatch(host) else None


def _without(prefixes: tuple[str, ...], host: str) -> str:
    rest = next((host.removeprefix(prefix) for prefix in prefixes if host.startswith(prefix)), host)
    return rest if "." in rest else host


def _path(path: str) -> str:
    if not _PLAIN_PATH.fullmatch(path):
        path = "/".join(_escaped(segment, _PATH_SAFE) for segment in path.split("/"))
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


def _query(query: str) -> str:
    if not query:
        return ""
    pairs = (part.replace("+", "%20").partition("=") for part in query.split("&") if part)
    kept = [
        f"{_escaped(name, _QUERY_SAFE)}{equals}{_escaped(value, _QUERY_SAFE)}"
        for name, equals, value in pairs
        if not TRACKING.fullmatch(unquote(name))
    ]
    return "&".join(sorted(kept))


def _escaped(part: str, safe: str) -> str:
    # By way of bytes: many old sites escape in windows-1256 or another encoding that is not UTF-8.
    return quote(unquote_to_bytes(part), safe=safe)
