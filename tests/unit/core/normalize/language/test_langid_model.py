"""Tests of the trained model, one script at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.normalize.language.langid_model import LangidModel, model_of_script

LATIN_TEXT = "praefectus urbis hodie mane hortum novum in vetere parte oppidi aperuit et multi homines venerunt"


def load_model(script: str) -> LangidModel:
    model = model_of_script(script)
    assert model is not None
    return model


@pytest.mark.parametrize(
    ("script", "text", "language"),
    [
        ("Latn", "der neue park in der altstadt ist eröffnet", "de"),
        ("Latn", "novi park u starom delu grada, a došlo je mnogo ljudi", "sr"),
        ("Latn", "binuksan ng alkalde ang isang bagong parke", "fil"),
        ("Cyrl", "нови парк у старом делу града, а дошло је много људи", "sr"),
        ("Cyrl", "янги боғни очди ва кўп одамлар келди", "uz"),
        ("Deva", "शहर के पुराने हिस्से में एक नए बगीचे का उद्घाटन", "hi"),
    ],
)
def test_a_language_of_the_script_is_detected(script: str, text: str, language: str) -> None:
    assert load_model(script).classify(text, None)[0] == language


def test_a_rare_language_is_detected_only_if_declared() -> None:
    model = load_model("Latn")
    assert model.classify(LATIN_TEXT, None)[0] != "la"
    assert model.classify(LATIN_TEXT, "la")[0] == "la"
    assert model.classify("der neue park in der altstadt ist eröffnet", "la")[0] == "de"


def test_text_of_names_counts_as_english() -> None:
    assert load_model("Latn").classify("delmar inc regular dividend", None)[0] == "en"


def test_a_script_of_one_language_has_no_model() -> None:
    assert model_of_script("Grek") is None
    assert model_of_script("") is None


@given(st.text(max_size=80))
def test_any_text_has_a_probability(text: str) -> None:
    tag, probability = load_model("Latn").classify(text, None)
    assert 0 <= probability <= 1
    assert tag == "" or tag in load_model("Latn").languages
