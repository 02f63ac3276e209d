"""A token's hash depends on nothing but the token."""

from __future__ import annotations

import pytest

from stream.core.folding import tokenize, tokenize_all

PINNED = ["9accebed7c146327", "55b5f18bf31fe7ba", "ef78b5efce4ba5fd"]


@pytest.mark.parametrize("length", [255, 256, 300, 32_767, 32_768, 40_000, 131_060, 131_070, 200_000])
def test_a_token_has_its_hash_wherever_a_long_text_holds_it(length: int) -> None:
    filler = "ab " * (length // 3)
    assert tokenize(filler + "خبر").hashes[-1] == tokenize("خبر").hashes[0]
    assert tokenize_all([filler, "خبر"]).tokens.hashes[-1] == tokenize("خبر").hashes[0]
    assert tokenize("a" * length).hashes[0] != tokenize("a" * (length - 1) + "b").hashes[0]


def test_known_hashes_do_not_change() -> None:
    """They are stored in indexes: another hash is another version of them."""
    assert [f"{value:016x}" for value in tokenize("news خبر 新").hashes.tolist()] == PINNED
