"""Places of datelines, by language."""

from __future__ import annotations

from stream.core.normalize.boilerplate.place_names import is_place, is_place_in


def test_spelling_that_folding_allows() -> None:
    assert is_place("مكه المكرمه")
    assert is_place("ابها")
    assert is_place("NEW YORK")


def test_each_list_knows_its_own() -> None:
    assert is_place_in("ur", "کراچی")
    assert not is_place_in("en", "کراچی")
    assert not is_place("حديقة")
