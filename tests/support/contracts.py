"""What the tests of the contracts share: articles, what the flow publishes of them, and validators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from scripts import generate_contracts

from stream.core.contracts.records import InputRecord, OutputRecord
from stream.core.contracts.topics import Topics
from stream.core.pipeline.normalize import Normalizer
from stream.core.pipeline.offline import OfflineFlow

Json = dict[str, Any]

NOW = "2026-01-01T00:00:00.000Z"
DAY_MS = 24 * 3600 * 1000
ARABIC = (
    "أعلنت بلدية مدينة الواحة اليوم افتتاح المكتبة العامة الجديدة في وسط المدينة بعد ثلاث سنوات من أعمال البناء. "
    "وقالت المديرة ليلى سالم إن الدخول سيكون مجانيا للجميع طوال أيام الأسبوع، وإن القاعة الكبرى تتسع لمئتي قارئ. "
    "وأضافت أن المكتبة تضم أربعين ألف كتاب بينها مخطوطات نادرة أهداها أبناء المدينة إلى خزانتها القديمة."
)
ENGLISH = (
    "The harbour town of Eastmere opened its rebuilt lighthouse to visitors on Monday after a restoration that took "
    "four years. The keeper, Ada Quill, said that the lamp had been carried up the stairs by hand, piece by piece. "
    "Schools in the region may visit without a ticket until the end of the summer, the town council added."
)
LATER = (
    "Ferries from the mainland were full before noon, and bakers along the quay sold bread in the shape of the tower. "
    "A second lamp, found in a cellar two winters ago, will be shown in the museum from June, where children can turn "
    "its lenses themselves. The council expects the costs to be covered by gifts from sailors within three years, and "
    "asks everyone who owns old photographs of the harbour to lend them for an exhibition in the former customs house."
)
HARVEST = (
    "Growers on the slopes of Mount Sorrel brought in the last chestnuts on Friday, two weeks later than in other "
    "years. The cooperative, which counts ninety families, will dry most of the harvest in the old tobacco sheds and "
    "sell the rest fresh at the market of Lower Aldersey, where stalls were sold out before midday."
)
FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


def validator(schema: Json) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=FORMATS)


def is_valid(name: str, event: Any) -> bool:
    return bool(validator(generate_contracts.load(name)).is_valid(event))


def article(site: str, text: str, **fields: Any) -> Json:
    return {"url": f"https://{site}.example/a", "text": text, "fetched_at": "2026-05-04T06:00:00Z", **fields}


def takedown(site: str) -> Json:
    return {"url": f"https://{site}.example/a", "status": "canceled", "fetched_at": "2026-05-04T07:00:00Z"}


def messages() -> list[bytes | None]:
    events = [
        article("one", ARABIC, title="افتتاح المكتبة", published_at="2026-05-04T08:30:00+03:00", unheard_of=1),
        article("two", ARABIC.replace("أ", "ا").replace("،", " ،"), title="افتتاح المكتبة", source="Two"),
        article("three", ARABIC[:150]),
        article("one", ARABIC, title="افتتاح المكتبة", status="usable"),
        article("four", ENGLISH, authors=["Ada Quill"], tags=["culture"], source={"name": "Four"}),
        [article("five", ENGLISH.replace("four years", "five years")), article("six", f"{ENGLISH} {LATER}")],
        article("four", LATER, published_at=1_777_800_000, modified_at="2026-05-04T05:00:00Z"),
        article("four", ENGLISH, modified_at="2026-05-04T04:00:00Z"),
        [article("seven", "short"), {"text": "of nobody"}],
        article("eight", HARVEST),
        article("nine", HARVEST),
        takedown("two"),  # one of a cluster
        takedown("eight"),
        takedown("nine"),  # the last one of a cluster
        takedown("nobody"),
        # The earlier cluster has left the window.
        *(article(site, ARABIC, fetched_at="2026-06-04T06:00:00Z") for site in ("ten", "eleven")),
    ]
    return [*(json.dumps(event).encode() for event in events), b"\xff", None]


@cache
def published_outputs() -> tuple[OutputRecord, ...]:
    """Return everything that the flow publishes for `messages`, the normalized records included."""
    values = messages()
    flow = OfflineFlow(window_ms=7 * DAY_MS).run(values, now=NOW)
    outputs = [output for outcomes in flow for outcome in outcomes for output in outcome.outputs]
    normalizer = Normalizer(Topics())
    for offset, value in enumerate(values):
        record = InputRecord(Topics().raw, 3, offset, 1_777_874_400_000 + offset, b"key", value)
        outputs += [output for outcome in normalizer(record, now=NOW) for output in outcome.outputs]
    return tuple(outputs)


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolve(root: Json, reference: str) -> Any:
    """Return what ``reference`` points to in ``root``; KeyError where that is nothing."""
    start, *names = reference.split("/")
    if start != "#":
        raise KeyError(reference)
    node: Any = root
    for name in names:
        node = node[name]
    return node


def unresolved_references(root: Json) -> list[str]:
    bad = []
    for reference in references(root):
        try:
            resolve(root, reference)
        except KeyError:
            bad.append(reference)
    return bad
