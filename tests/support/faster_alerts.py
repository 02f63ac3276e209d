"""The alerting rules with a faster clock, so that tests see alerts fire within seconds rather than minutes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = re.compile(r"(?<=\[|\s)(\d+)([smhd])(?=\]|\s|\))")
#: Compared numbers, and horizons of predictions. From 60 on they are seconds; shares and counts are smaller.
_SECONDS: Final = re.compile(r"(?<=[<>,] )(\d{2,})\b(?!\.)")
_LAG_AGE: Final = re.compile(r"(lag_checked_timestamp_seconds\{[^}]*\}\)? [<>] )[\d.]+")
#: Workers measure the lag every 10 s and wait up to 20 s for the answer, however fast the clock of the alerts.
_LAG_AGE_MIN_S: Final = 45


def faster_duration(duration: str, factor: float) -> str:
    """Divide a Prometheus duration of one unit, such as ``5m``."""
    milliseconds = round(int(duration[:-1]) * _UNITS[duration[-1]] * 1000 / factor)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def faster_expr(expr: str, factor: float) -> str:
    """Divide every duration and every threshold in seconds of an expression."""
    expr = _DURATION.sub(lambda match: faster_duration(match[0], factor), expr)
    expr = _SECONDS.sub(lambda match: f"{int(match[0]) / factor:g}" if int(match[0]) >= 60 else match[0], expr)
    return _LAG_AGE.sub(rf"\g<1>{max(300 / factor, _LAG_AGE_MIN_S):g}", expr)


def faster_alerts(alerts: Path, factor: float, *, keep: str = "") -> dict[str, Any]:
    """Return the rule file ``alerts`` with all times divided by ``factor``.

    Alerts whose names contain ``keep`` stay as they are.
    """
    rules: dict[str, Any] = yaml.safe_load(alerts.read_text(encoding="utf-8"))
    for group in rules["groups"]:
        group["interval"] = faster_duration(group["interval"], factor)
        for rule in group["rules"]:
            if not keep or keep not in rule["alert"]:
                rule["for"] = faster_duration(rule["for"], factor)
                rule["expr"] = faster_expr(rule["expr"], factor)
    return rules
