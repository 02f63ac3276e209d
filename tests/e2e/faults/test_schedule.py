"""Schedules: from the seed alone, and together they meet everything."""

from __future__ import annotations

import pytest

from tests.e2e.faults.crash_points import BATCH_POINTS, POINTS, ZOMBIE_POINTS
from tests.e2e.faults.schedule import FAULTS_MAX, FAULTS_MIN, KINDS, SESSION_S, schedule

SEEDS = range(1, 61)
KEEPS_THE_INDEX = {"kill", "sigterm", "broker_kill", "broker_pause", "broker_slow"}


@pytest.mark.parametrize("seed", [1, 7, 60, 10**9])
def test_a_seed_gives_the_same_schedule_again(seed: int) -> None:
    assert schedule(seed) == schedule(seed)
    assert str(schedule(seed)) == str(schedule(seed))


def test_seeds_give_different_schedules() -> None:
    assert len({str(schedule(seed).faults) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_schedule_has_faults_enough_one_behind_the_other(seed: int) -> None:
    plan = schedule(seed)
    assert FAULTS_MIN <= len(plan.faults) <= FAULTS_MAX
    places = [fault.at for fault in plan.faults]
    assert places == sorted(places)
    assert places[0] > 0
    assert places[-1] < 1


def test_sixty_seeds_meet_every_kind_and_every_point() -> None:
    faults = [fault for seed in SEEDS for fault in schedule(seed).faults]
    assert {fault.kind for fault in faults} == set(KINDS)
    assert {fault.point for fault in faults if fault.kind == "kill_at"} == set(POINTS)
    assert {fault.point for fault in faults if fault.kind == "zombie_at"} == set(ZOMBIE_POINTS)


def test_faults_that_have_to_last_do() -> None:
    for seed in SEEDS:
        for fault in schedule(seed).faults:
            if fault.kind in ("zombie_at", "worker_pause", "broker_pause_session", "broker_pause_long"):
                assert fault.seconds > SESSION_S
            assert bool(fault.point) == (fault.kind in ("kill_at", "zombie_at"))
            assert fault.passings == 1 or fault.point in BATCH_POINTS
            assert bool(fault.topic) == fault.kind.startswith("refuse")


def test_a_truncated_changelog_is_kept_by_one_index_which_is_then_let_be() -> None:
    met = 0
    for seed in SEEDS:
        kinds = [fault.kind for fault in schedule(seed).faults]
        if "changelog_truncate" in kinds:
            met += 1
            place = kinds.index("changelog_truncate")
            assert set(kinds[place + 1 :]) <= KEEPS_THE_INDEX
            # Damage that nobody has read yet would show when the changelog no longer mends it.
            assert not {kind for kind in kinds if kind.startswith("index_")}
    assert met


def test_given_kinds_are_taken_in_their_order() -> None:
    assert [fault.kind for fault in schedule(3, only=["kill", "join"]).faults] == ["kill", "join"]
