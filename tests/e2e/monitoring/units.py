"""Values as Grafana shows them: the unit ids are those of its panels."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Final

_BYTES: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_SHORT: Final = ("", " K", " Mil", " Bil", " Tri")
_TIMES: Final = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
#: Seconds between ticks.
_SECONDS: Final = (
    *(2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14_400.0, 21_600.0),
    *(43_200.0, 86_400.0, 172_800.0, 432_000.0, 864_000.0),
)
_SUFFIXES: Final = {"cps": " c/s", "cpm": " c/m", "ops": " ops/s", "reqps": " req/s"}


def formatted(value: float, unit: str, *, digits: int = 3) -> str:
    """``value`` with its unit, to about ``digits`` significant digits; unknown units follow the number."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if show := _SHOWN.get(unit):
        return show(value, digits)
    return _short(value, digits) + _SUFFIXES.get(unit, f" {unit}")


def _short(value: float, digits: int) -> str:
    return _scaled(value, _SHORT, 1000, digits, "")


def _bytes(value: float, digits: int) -> str:
    return _scaled(value, _BYTES, 1024, digits, " ")


def _rounded(value: float, digits: int) -> str:
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _scaled(value: float, names: tuple[str, ...], base: int, digits: int, between: str) -> str:
    size = 0
    while abs(value) >= base and size < len(names) - 1:
        value /= base
        size += 1
    return f"{_rounded(value, digits)}{between}{names[size]}"


def _duration(seconds: float, digits: int) -> str:
    if seconds == 0:
        return "0 s"
    for size, name in _TIMES:
        if abs(seconds) >= size:
            return f"{_rounded(seconds / size, digits)} {name}"
    return f"{_rounded(seconds / 1e-6, digits)} µs"


def _ago(milliseconds: float, digits: int) -> str:
    return f"{_duration(time.time() - milliseconds / 1000, digits)} ago"


#: Grafana's unit -> (value, digits) -> text.
_SHOWN: Final[Mapping[str, Callable[[float, int], str]]] = {
    "": _short,
    "none": _short,
    "short": _short,
    "bytes": _bytes,
    "Bps": lambda value, digits: f"{_bytes(value, digits)}/s",
    "percent": lambda value, digits: f"{_rounded(value, digits)} %",
    "percentunit": lambda value, digits: f"{_rounded(value * 100, digits)} %",
    "s": _duration,
    "ms": lambda value, digits: _duration(value / 1000, digits),
    "dateTimeFromNow": _ago,
}


def pleasant_step(about: float, unit: str) -> float:
    """A distance between two ticks of at least ``about`` that reads well in ``unit``."""
    if unit == "bytes":
        return float(2 ** math.ceil(math.log2(about)))
    if unit == "s" and about > 1:
        for step in _SECONDS:
            if step >= about:
                return step
    size = 10.0 ** math.floor(math.log10(about))
    return next(step * size for step in (1, 2, 2.5, 5, 10) if step * size >= about * 0.999)
