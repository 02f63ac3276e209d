"""The command line and its table."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.e2e.faults.checker import Judgement
from tests.e2e.faults.run import line, numbers, parse, table
from tests.e2e.faults.run_once import Result

GOOD = Result(1, done=Counter(kill=3), missed=Counter(join=1), judgement=Judgement(events=20, repeated=4))
BAD = Result(2, judgement=Judgement(missing=["one", "two"]))


@pytest.mark.parametrize(("text", "expected"), [("7", [7]), ("1-3", [1, 2, 3]), ("3,8,20-22", [3, 8, 20, 21, 22])])
def test_seeds_are_numbers_and_ranges(text: str, expected: list[int]) -> None:
    assert numbers(text) == expected
    assert parse(["--seeds", text]).seeds == expected


@pytest.mark.parametrize("arguments", [["--seeds", "a-b"], ["--only", "kill,flood"]])
def test_wrong_usage_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(arguments)
    assert arguments[1].split(",")[-1] in capsys.readouterr().err


@pytest.mark.parametrize("sort", ["missing", "different", "stale", "early", "broken"])
def test_one_finding_of_any_sort_fails_a_run(sort: str) -> None:
    assert GOOD.is_good
    judgement = Judgement()
    getattr(judgement, sort).append("it")
    assert not Result(3, judgement=judgement).is_good


def test_a_problem_fails_a_run() -> None:
    assert not Result(3, problems=["the lag did not return to zero"]).is_good


def test_the_table_adds_up() -> None:
    told = table([GOOD, BAD])
    assert "2, 1 failed [2]" in told
    assert "join                      0  (1 not met)" in told
    for name, figure in {"missing": 2, "repeated": 4, "faults": 3}.items():
        assert [row.split()[1] for row in told.splitlines() if row.split()[0] == name] == [str(figure)]
    assert "FAIL" in line(BAD)
