"""The report on mutants: which ones survived, and which survivors are accepted."""

from __future__ import annotations

import pytest
from scripts.run_mutation import ACCEPTED, Survivor, draw_sample, read_accepted, report, survivor

DIFF = """\
--- src/stream/core/parser.py
+++ src/stream/core/parser.py
@@ -1,3 +1,3 @@
 def parse(text):
-    return text.strip()
+    return None
     # end
"""
ENTRY = """
[[survivor]]
module = "stream.core.parser"
function = "parse"
removed = "return text.strip()"
added = ["return None", "return text"]
reason = "The caller strips the text."
"""
PARSER = Survivor("stream.core.parser", "parse", "return text.strip()", "return None")


def test_a_survivor_is_described_by_its_function_and_the_changed_lines() -> None:
    assert survivor("stream.core.parser.x_parse__mutmut_12", DIFF) == PARSER


def test_a_method_is_named_with_its_class() -> None:
    assert survivor("stream.core.parser.xǁParserǁ_next__mutmut_1", DIFF).function == "Parser._next"


def test_a_name_that_is_none_of_a_mutant_is_refused() -> None:
    with pytest.raises(ValueError, match="was mutmut upgraded"):
        survivor("stream.core.parser.parse", DIFF)


def test_an_entry_may_accept_several_changes_of_a_line() -> None:
    assert set(read_accepted(ENTRY)) == {PARSER, PARSER._replace(added="return text")}


def test_an_accepted_survivor_needs_a_reason() -> None:
    with pytest.raises(ValueError, match=r"parser parse needs a reason"):
        read_accepted(ENTRY.replace("The caller strips the text.", ""))


def test_every_accepted_survivor_of_the_project_has_a_reason() -> None:
    assert all(read_accepted(ACCEPTED.read_text()).values())


def test_the_score_counts_mutants_that_tests_mypy_or_the_time_limit_stop() -> None:
    text = report({"a": 1, "b": 37, "c": -24, "d": 0, "e": None}, [PARSER], {})
    assert "Score: 3 of 4 mutants killed (75.0 %)" in text
    assert "Killed by a test: 1, mypy: 1, the time limit: 1" in text
    assert "Survived: 1, 0 of them accepted" in text
    assert "Not run: 1" in text


def test_a_mutant_that_no_test_runs_has_survived() -> None:
    assert "Score: 0 of 1 mutants" in report({"a": 33}, [PARSER], {})


def test_accepted_survivors_come_last_with_their_reason() -> None:
    other = PARSER._replace(function="split")
    text = report({"a": 0, "b": 0}, [PARSER, other], read_accepted(ENTRY))
    assert text.index("parser split") < text.index("parser parse")
    assert "accepted: The caller strips the text." in text
    assert "2, 1 of them accepted" in text


def test_the_same_seed_draws_the_same_sample_in_any_order_of_the_names() -> None:
    names = [f"mutant {number}" for number in range(100)]
    assert draw_sample(names, 10, 1) == draw_sample(reversed(names), 10, 1)
    assert draw_sample(names, 10, 1) != draw_sample(names, 10, 2)
    assert len(draw_sample(names, 10, 1)) == 10


def test_a_sample_is_never_larger_than_what_there_is() -> None:
    assert draw_sample(["a", "b"], 10, 1) == ["a", "b"]
