"""Orders: one worker takes each, at the passing that it names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.faults.crash_points import POINTS, Order, Trap, give_order, read_order, taker


@pytest.mark.parametrize("passings", [1, 3])
def test_an_order_is_taken_at_its_passing_and_once(tmp_path: Path, passings: int) -> None:
    orders = tmp_path / "orders"
    trap, other = Trap(orders), Trap(orders)
    assert not trap.is_set(POINTS[0])
    give_order(orders, Order(POINTS[0], passings))
    assert [trap.is_set(POINTS[0]) for _ in range(passings)] == [False] * (passings - 1) + [True]
    assert not any(other.is_set(POINTS[0]) for _ in range(passings))
    assert read_order(orders) is None


def test_other_points_are_passed(tmp_path: Path) -> None:
    give_order(tmp_path / "orders", Order(POINTS[0], 1))
    trap = Trap(tmp_path / "orders")
    for point in POINTS[1:]:
        trap.passing(point)
    assert read_order(tmp_path / "orders") == Order(POINTS[0], 1)


@pytest.mark.parametrize("order", [Order(POINTS[0], 2), Order(POINTS[0], 1, is_sleep=True)])
def test_an_order_is_read_as_given_and_its_taker_is_known(tmp_path: Path, order: Order) -> None:
    orders = tmp_path / "orders"
    give_order(orders, order)
    assert read_order(orders) == order
    assert taker(orders) is None
    trap = Trap(orders)
    assert any([trap.is_set(POINTS[0]), trap.is_set(POINTS[0])])
    assert taker(orders) == os.getpid()


def test_without_orders_nothing_is_set() -> None:
    assert not Trap(None).is_set(POINTS[0])
