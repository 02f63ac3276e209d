"""Places of datelines, by language."""

from __future__ import annotations

from stream.core.normalize.boilerplate.place_names import is_place_name, is_place_name_in


def test_spelling_that_folding_allows() -> None:
    assert is_place_name("مكه المكرمه")
    assert is_place_name("ابها")
    assert is_place_name("NEW YORK")


def test_each_list_knows_its_own() -> None:
    assert is_place_name_in("ur", "کراچی")
    assert not is_place_name_in("en", "کراچی")
    assert not is_place_name("حديقة")
