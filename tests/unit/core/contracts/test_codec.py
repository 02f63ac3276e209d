"""Typed events to JSON and back."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.codec import UNREADABLE, decode, encode
from stream.core.contracts.events import Language, Origin, RawEvent


class Packed(msgspec.Struct):
    """An event with bytes in it."""

    data: bytes


@given(st.text(st.characters(codec="utf-8")), st.integers(0, 2**53), st.dictionaries(st.text("ab"), st.booleans()))
def test_decoding_reverses_encoding(text: str, moment: int, extra: dict[str, bool]) -> None:
    event = RawEvent(id="a", text=text, fetched_at=moment, extra=extra)
    assert decode(encode(event), RawEvent) == event


def test_text_is_utf8_and_not_escaped() -> None:
    assert (
        encode(Language(tag="ar", confidence=1.0, direction="rtl"))
        == b'{"tag":"ar","confidence":1.0,"direction":"rtl"}'
    )
    assert "خبر".encode() in encode(RawEvent(id="خبر"))


@given(st.binary())
def test_bytes_travel_as_base64(data: bytes) -> None:
    assert decode(encode(Packed(data)), Packed).data == data


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"NaN", b'{"topic":"\xff"}'])
def test_decoding_raises_unless_the_bytes_are_json(data: bytes) -> None:
    with pytest.raises(UNREADABLE):
        decode(data, Origin)


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"topic":1,"partition":0,"offset":0}'])
def test_another_shape_raises(data: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(data, Origin)
