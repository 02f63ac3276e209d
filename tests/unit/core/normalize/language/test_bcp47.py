"""Tests of language tags: canonical forms, scripts and directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.language.bcp47 import (
    canonical_tag,
    direction,
    explicit_script,
    language_of_country,
    replace_script,
    script_of,
)


@pytest.mark.parametrize(
    ("declared", "tag"),
    [
        ("ar", "ar"),
        ("AR", "ar"),
        ("ar_SA", "ar-SA"),
        ("ar-sa", "ar-SA"),
        (" ar-ARAB-sa ", "ar-Arab-SA"),
        ("ar-001", "ar-001"),
        ("ar-u-nu-latn", "ar-u-nu-latn"),
        ("ar-x-desk", "ar-x-desk"),
        ("de-1996", "de-1996"),
        ("eng", "en"),
        ("ara", "ar"),
        ("fas", "fa"),
        ("per", "fa"),
        ("chi-TW", "zh-TW"),
        ("iw", "he"),
        ("in-ID", "id-ID"),
        ("ji", "yi"),
        ("mo", "ro"),
        ("sh", "sr-Latn"),
        ("sh-Cyrl", "sr-Cyrl"),
        ("tl", "fil"),
        ("nb-NO", "no-NO"),
        ("nn", "nn"),
        ("cmn", "zh"),
        ("zh-cmn-Hans", "zh-Hans"),
        ("arb", "ar"),
        ("arz", "ar"),
        ("ar-aeb", "ar"),
        ("prs", "fa-AF"),
        ("ckb", "ckb"),
        ("kmr", "ku"),
        ("en_US.UTF-8", "en-US"),
        ("ca_ES@valencia", "ca-ES"),
        ("en-UK", "en-GB"),
        ("en-840", "en-US"),
        ("en-AB", "en"),
        ("en-Abcd-GB", "en-GB"),
    ],
)
def test_a_declared_tag_gets_its_canonical_form(declared: str, tag: str) -> None:
    assert canonical_tag(declared) == tag
    assert canonical_tag(tag) == tag


@pytest.mark.parametrize(
    "declared",
    [
        "Arabic", "x", "<script>", "ar-<script>", "ar--SA", "ar-", "-ar", "ar SA", "ar,en", "ar-SA-SA", "عربي", "",
        "a" * 9_999, "ar-" + "x" * 9, "ar-x", "und", "und-\ud800", "mul", "zxx", "mis", "xx", "web", "ar;q=1",
        "i-klingon", "utf-8", "C", "POSIX", "1", "ar-u", "en_US.",
    ],
)  # fmt: skip
def test_text_that_is_not_a_language_tag_has_no_canonical_form(declared: str) -> None:
    assert canonical_tag(declared) is None


@pytest.mark.parametrize(
    "tag",
    [
        "ar", "fa", "ur", "ps", "ckb", "sd", "ug", "pnb", "he", "yi", "dv", "syr", "nqo", "ks", "prs", "az-Arab",
        "az-IR", "ku-Arab", "ku-IQ", "pa-Arab", "pa-PK", "uz-Arab-AF", "ff-Adlm", "ar-SA", "ur-Aran",
    ],
)  # fmt: skip
def test_a_language_is_written_from_right_to_left(tag: str) -> None:
    assert direction(tag) == "rtl"


@pytest.mark.parametrize(
    "tag", ["en", "ku", "az", "pa", "pa-Guru-PK", "sd-Deva", "ar-Latn", "zh-Hant", "ja", "und", "ks-Deva", "mn-Mong"]
)
def test_a_language_is_written_from_left_to_right(tag: str) -> None:
    assert direction(tag) == "ltr"


def test_a_tag_names_its_script_or_implies_it() -> None:
    assert [explicit_script(tag) for tag in ("sr-Latn-RS", "sr", "sr-RS", "de-1996")] == ["Latn", None, None, None]
    assert [script_of(tag) for tag in ("sr-Latn-RS", "sr", "pa-PK", "xx")] == ["Latn", "Cyrl", "Arab", ""]


def test_a_script_is_replaced_or_removed() -> None:
    assert replace_script("ku-Arab-TR", None) == "ku-TR"
    assert replace_script("sr-Cyrl-RS", "Latn") == "sr-Latn-RS"


def test_a_country_has_a_language() -> None:
    assert [language_of_country(code) for code in ("se", "ee", "qqq")] == ["sv", "et", None]


@given(st.text(max_size=70) | st.from_regex(r"[a-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}", fullmatch=True))
def test_canonicalization_of_any_declaration_is_idempotent(declared: str) -> None:
    tag = canonical_tag(declared)
    assert tag is None or canonical_tag(tag) == tag
    assert tag is None or direction(tag) in ("ltr", "rtl")
