"""Names of settings that do not exist: which variables count as one, and which name was probably meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

PREFIX: Final = "STREAM_"
#: Kubernetes describes every Service of a namespace to its pods, and one may be called ``stream-…``.
_SERVICE_NAME: Final = re.compile(PREFIX + r"(\w+_)?SERVICE_(HOST|PORT(_\w+)?)|" + PREFIX + r"(\w+_)?PORT_\d+_\w+")
_SERVICE_PORT: Final = re.compile(PREFIX + r"(\w+_)?PORT")
_SERVICE_URL: Final = re.compile(r"(tcp|udp|sctp)://\S*")
#: Of names, by difflib: high enough that a name that resembles none suggests none.
_SIMILARITY_MIN: Final = 0.5
#: The variables of the project's own tests.
_OF_TESTS: Final = re.compile(PREFIX + r"(REQUIRE|TEST)_\w+|" + PREFIX + "HYPOTHESIS_PROFILE")


def find_unknown_variables(environment: Mapping[str, str], valid: Collection[str]) -> Iterator[str]:
    """Describe the variables that look like settings and are none, each with the nearest one of ``valid``.

    Variables of Kubernetes and of the tests are left out. Upper and lower case are the same, as for settings.

    >>> list(find_unknown_variables({"STREAM_BROKR": "kafka:9092", "HOME": "/root"}, ["STREAM_BROKER"]))
    ['STREAM_BROKR: there is no such setting; did you mean STREAM_BROKER?']
    """
    for name, value in sorted(environment.items()):
        upper = name.upper()
        if upper.startswith(PREFIX) and upper not in valid and not _is_foreign(upper, value):
            yield describe_unknown(name, upper, valid)


def describe_unknown(label: str, name: str, valid: Collection[str]) -> str:
    """Say that there is no setting ``name``, and which one was probably meant, if one of ``valid`` is similar."""
    # All variables have the prefix in common, which says nothing.
    by_name = {candidate.removeprefix(PREFIX): candidate for candidate in sorted(valid)}
    nearest = get_close_matches(name.removeprefix(PREFIX), by_name, n=1, cutoff=_SIMILARITY_MIN)
    hint = f"did you mean {by_name[nearest[0]]}?" if nearest else "correct or remove it (docs/reference/settings.md)"
    return f"{label}: there is no such setting; {hint}"


def explain_service_value(variable: str, value: object) -> str:
    """What to do if Kubernetes has set the variable of a setting for a Service of the same name; else "".

    >>> explain_service_value("STREAM_WEB_PORT", "tcp://10.0.0.7:6066")
    '; Kubernetes sets it for a Service named stream-web: set enableServiceLinks: false in the pod'
    """
    if not (_SERVICE_PORT.fullmatch(variable) and isinstance(value, str) and _SERVICE_URL.fullmatch(value)):
        return ""
    service = variable.removesuffix("_PORT").lower().replace("_", "-")
    return f"; Kubernetes sets it for a Service named {service}: set enableServiceLinks: false in the pod"


def _is_foreign(name: str, value: str) -> bool:
    is_service_port = _SERVICE_PORT.fullmatch(name) and _SERVICE_URL.fullmatch(value)
    return bool(_SERVICE_NAME.fullmatch(name) or is_service_port or _OF_TESTS.fullmatch(name))
