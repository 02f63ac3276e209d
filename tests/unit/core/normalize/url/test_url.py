"""Tests of URLs: the many spellings of one URL have one canonical form, and other URLs have another."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream.core.normalize.url import CanonicalUrl, canonicalize
from stream.core.normalize.url.tracking_parameters import NAMES, NAMES_BY_SITE, PREFIXES, is_tracking
from tests.support.cases import cases

HOST = "https://news.example"
# DuckDuckGo's list, which has only names that are safe to drop on every site.
DROPPED = (
    "utm_source utm_medium utm_campaign utm_term utm_content gclid fbclid fb_action_ids fb_action_types fb_source "
    "fb_ref ga_source ga_medium ga_term ga_content ga_campaign ga_place action_object_map action_type_map "
    "action_ref_map gs_l mkt_tok hmb_campaign hmb_source hmb_medium"
)
KEPT = (
    "id ID p article article_id articleid ArticleID aid a news news_id newsid nid story storyid sid cat cid eid uid "
    "content_id item page post t v q lang date section ref source from src via s st mod nl partner app"
)


def canonical_url(url: str) -> CanonicalUrl:
    result = canonicalize(url)
    assert result is not None, url
    return result


@pytest.mark.parametrize("case", cases("urls"))
def test_a_url_has_a_canonical_form_or_none(case: dict[str, Any]) -> None:
    result = canonicalize(case["url"])
    if case["canonical"] is None:
        assert result is None
        return
    assert result is not None
    assert result.canonical == case["canonical"]
    assert result.key == case.get("key", result.key)
    assert result.domain == case.get("domain", result.domain)
    assert canonicalize(result.canonical) == result


@pytest.mark.parametrize("case", cases("urls_same"))
def test_variants_of_one_page_have_the_same_key(case: dict[str, Any]) -> None:
    assert {url: canonical_url(url).key for url in case["urls"]} == dict.fromkeys(
        case["urls"], canonical_url(case["urls"][0]).key
    )


@pytest.mark.parametrize("case", cases("urls_differ"))
def test_different_articles_have_different_keys(case: dict[str, Any]) -> None:
    keys = [canonical_url(url).key for url in case["urls"]]
    assert len(set(keys)) == len(keys), keys


@pytest.mark.parametrize("url", [f"{HOST}/\ud800", f"{HOST}/?q=\udfff", f"{HOST}/#!/\udfff", "https://\ud800.example/"])
def test_a_url_with_a_lone_surrogate_is_invalid(url: str) -> None:
    assert canonicalize(url) is None


@pytest.mark.parametrize("name", DROPPED.split())
def test_parameters_on_a_maintained_list_are_tracking(name: str) -> None:
    assert is_tracking(name, "x", "news.example")


@pytest.mark.parametrize("name", KEPT.split())
def test_parameters_that_may_identify_an_article_are_not_tracking(name: str) -> None:
    assert not is_tracking(name, "4711", "news.example")


def test_listed_names_are_in_lower_case() -> None:
    names = {*NAMES, *PREFIXES, *(name for names in NAMES_BY_SITE.values() for name in names)}
    assert names == {name.lower() for name in names}


@pytest.mark.parametrize(
    "part",
    ["/" * 10**6, "/a" * 10**6, "/.." * 10**6, "?a&" * 10**6, "#!/" * 10**6, "%" * 10**6, ";jsessionid" * 10**5,
     "/(S(" * 10**5, "/amp" * 10**5, ".amp" * 10**5, "خ" * 10**5, "@" * 10**5, ":" * 10**5, "\u200f" * 10**6],
)  # fmt: skip
@pytest.mark.parametrize("host", ["https://news.example/", "https://", "https://google.com/amp/s/"])
def test_a_hostile_url_takes_linear_time(host: str, part: str) -> None:
    start = time.process_time()
    canonicalize(host + part)
    assert time.process_time() - start < 10


PARTS = st.text(st.characters(), max_size=20) | st.text("ab/.%2e3B;?&=+#!:@()S\\", max_size=20)
HOSTS = st.sampled_from(
    [HOST, "http://www.أخبار.example:81", "https://m.x.example", "https://google.com/amp/s/b.example"]
)


@given(HOSTS, PARTS)
@example(HOST, ".//a")
@example(HOST, "%2e%2e/?%75tm_x")
@example(HOST, "a/%25%32%65")
@example(HOST, "a%3Bjsessionid=1")
@example(HOST, "?ref=%72ss")
@example("https://google.com", "x/../amp/b.example")
def test_canonicalization_is_idempotent(host: str, rest: str) -> None:
    result = canonicalize(host + "/" + rest)
    if result is not None:
        assert canonicalize(result.canonical) == result
        assert result.canonical.isascii()
        assert result.canonical.isprintable()


@given(st.text(st.characters(), max_size=30))
def test_any_host_has_a_canonical_form_or_none(host: str) -> None:
    result = canonicalize(f"https://{host}/")
    assert result is None or canonicalize(result.canonical) == result


SEGMENT = st.text("abcxyz0189-_~خبرдом新聞เخ", min_size=2, max_size=8).filter(lambda part: part != "amp")
PATH = st.lists(SEGMENT, min_size=1, max_size=4)
QUERY = st.lists(st.tuples(st.sampled_from(["id", "p", "art", "cat"]), SEGMENT), max_size=4)


@given(PATH, QUERY, st.randoms(use_true_random=False), st.data())
def test_a_random_variant_has_the_same_key(
    path: list[str], query: list[tuple[str, str]], random: Any, data: st.DataObject
) -> None:
    plain = f"{HOST}/{'/'.join(path)}" + ("?" + "&".join(map("=".join, query)) if query else "")
    extra = data.draw(st.lists(st.sampled_from(["utm_source=x", "fbclid=1", "CMP=y", "ref=rss", "amp=1"]), max_size=3))
    mixed = [*("=".join(pair) for pair in query), *extra]
    random.shuffle(mixed)
    host = data.draw(st.sampled_from(["news.example", "www.news.example", "NEWS.example:443", "m.news.example."]))
    suffix = data.draw(st.sampled_from(["", "/", "/amp", "/amp/", "/index.html"]))
    encoded = "/".join(map(quote, path)) if data.draw(st.booleans()) else "/".join(path)
    if data.draw(st.booleans()):
        encoded = re.sub("%..", lambda escape: escape[0].lower(), encoded)
    variant = f"HTTPS://{host}/b/../{encoded}{suffix}?{'&'.join(mixed)}#{data.draw(SEGMENT)}"
    assert canonical_url(variant).key == canonical_url(plain).key
