"""The many spellings of an address have one canonical form, other addresses another."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream.normalize.url import canonicalize

HOST = "https://news.example"


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("https://news.example", "https://news.example/"),
        (" HTTPS://News.Example./a#part ", "https://news.example/a"),
        ("https://news.example:443/a", "https://news.example/a"),
        ("http://news.example:80/", "http://news.example/"),
        ("http://news.example:8080/a", "http://news.example:8080/a"),
        ("https://user:secret@news.example/a", "https://news.example/a"),
        ("https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
        ("https://أخبار.example/خبر", "https://xn--igbicxr.example/%D8%AE%D8%A8%D8%B1"),
        ("https://BÜCHER.example/", "https://xn--bcher-kva.example/"),
        (f"{HOST}/%d8%AE%d8%a8%D8%B1", f"{HOST}/%D8%AE%D8%A8%D8%B1"),
        (f"{HOST}/%7Euser/%41", f"{HOST}/~user/A"),
        (f"{HOST}/a b", f"{HOST}/a%20b"),
        (f"{HOST}/a%2Fb", f"{HOST}/a%2Fb"),
        (f"{HOST}/100%", f"{HOST}/100%25"),
        (f"{HOST}/a/../b/./c", f"{HOST}/b/c"),
        (f"{HOST}/../../a/..", f"{HOST}/"),
        (f"{HOST}/a/%2e%2E/b", f"{HOST}/b"),
        (f"{HOST}//evil.example/./a", f"{HOST}//evil.example/a"),
        (f"{HOST}/?b=2&a=1", f"{HOST}/?a=1&b=2"),
        (f"{HOST}/?a=x+y&&b", f"{HOST}/?a=x%20y&b"),
        (f"{HOST}/?q=%26%3D%2B", f"{HOST}/?q=%26%3D%2B"),
        (f"{HOST}/?t=%CE%C8%D1", f"{HOST}/?t=%CE%C8%D1"),
        (f"{HOST}/?id=7&utm_source=x&UTM_Medium=y&fbclid=z&gclid=w", f"{HOST}/?id=7"),
        (f"{HOST}/a?utm_campaign=x", f"{HOST}/a"),
        (f"{HOST}/a?%75tm_source=x", f"{HOST}/a"),
        (f"{HOST}/?reference=7&id=8&spmx=1", f"{HOST}/?id=8&reference=7&spmx=1"),
    ],
)
def test_canonical_form(url: str, canonical: str) -> None:
    address = canonicalize(url)
    assert address is not None
    assert address.canonical == canonical


@pytest.mark.parametrize(
    "url",
    [
        "",
        "news.example/a",
        "/a",
        "ftp://news.example/",
        "https://",
        "https:///a",
        "https://:80/",
        "https://news.example:99999/",
        "https://news.example:x/",
        "https://[::1/",
        "https://a..b.example/é",
        "https://ü..example/",
        f"https://{'ü' * 70}.example/",
        f"https://{'a' * 300}.example/",
        "https://\u2100.example/",
        "https://exa mple.example/",
        "https://a%20b/",
        "https://a\x7f/",
        f"{HOST}/\ud800",
        f"{HOST}/?q=\udfff",
        "https://\ud800.example/",
        "https://\u200d/",
        "https://./",
    ],
)
def test_no_valid_host_is_none_and_no_exception(url: str) -> None:
    assert canonicalize(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://news.example/a",
        "https://www.news.example/a",
        "https://m.news.example/a/",
        "https://amp.news.example/a",
        "https://news.example:443/a?utm_source=x#top",
        "https://NEWS.example/b/../a",
    ],
)
def test_variants_of_one_article_have_one_key(url: str) -> None:
    address = canonicalize(url)
    assert address is not None
    assert address.key == "news.example/a"


def test_other_articles_have_other_keys() -> None:
    urls = ["/a", "/b", "/A", "/a?id=1", "/a?id=2", "/a?t=%C7", "/a?t=%C8", "/a%2Fb", "/a/b", "/a?x=%26y", "/a?x=&y"]
    assert len({address.key for url in urls if (address := canonicalize(HOST + url))}) == len(urls)


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.news.example/", "news.example"),
        ("https://m.news.example/", "m.news.example"),
        ("https://m.example/", "m.example"),
        ("https://news.example:8080/", "news.example"),
    ],
)
def test_domain_is_the_site(url: str, domain: str) -> None:
    address = canonicalize(url)
    assert address is not None
    assert address.domain == domain


PARTS = st.text(st.characters(), max_size=20) | st.text("ab/.%2e?&=+#;:@", max_size=20)


@given(st.sampled_from([HOST, "http://www.أخبار.example:81", "https://m.x.example"]), PARTS)
@example(HOST, "/.//a")
@example(HOST, "/%2e%2e/?%75tm_x")
@example(HOST, "/a/%25%32%65")
def test_canonical_form_is_its_own(host: str, rest: str) -> None:
    address = canonicalize(host + "/" + rest)
    if address is not None:
        assert canonicalize(address.canonical) == address
        assert address.canonical.isascii()
        assert address.canonical.isprintable()


@given(st.text(st.characters(), max_size=30))
def test_any_host_is_one_or_none(host: str) -> None:
    address = canonicalize(f"https://{host}/")
    assert address is None or canonicalize(address.canonical) == address
