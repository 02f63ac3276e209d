"""Identities on a broker: forged ones, and raw offsets that an operator resets."""

from __future__ import annotations

from collections import Counter
from typing import Any

from stream.core.contracts.records import OutputRecord
from stream.dead_letters.parsed_dead_letter import read_dead_letter
from tests.support.articles import BRIDGE, HARVEST, article, dumps
from tests.support.flow import Site

VICTIMS = 199


def story(number: int) -> dict[str, Any]:
    """An article that shares nothing with those of other numbers."""
    return {"id": f"n{number}", "text": " ".join(f"w{number}x{letter}" for letter in "abcdefghijklmnopqrst")}


async def test_no_article_is_rejected_because_its_coordinates_were_forged(site: Site) -> None:
    forged = [
        OutputRecord(
            site.topics.raw,
            None,
            dumps(story(number)),
            (("ce_source", f"{site.topics.raw}/0".encode()), ("ce_id", str(VICTIMS + number).encode())),
        )
        for number in range(VICTIMS)
    ]
    await site.process(*forged, *(story(VICTIMS + number) for number in range(VICTIMS)))
    assert await site.records(site.topics.rejected) == []
    assert Counter((await site.relations()).values()) == {"new": 2 * VICTIMS}


async def test_raw_offsets_that_are_reset_beyond_the_window_change_no_verdict(site: Site) -> None:
    old = article(1, BRIDGE, fetched_at="2026-05-04T00:00:00Z")
    await site.process(old, article(2, HARVEST, fetched_at="2026-05-20T00:00:00Z"))
    before = await site.events()
    group = site.settings.group
    site.settings = site.settings.model_copy(update={"group": f"{group}-again"})
    normalizing = await site.start(steps=("normalize",))
    site.settings = site.settings.model_copy(update={"group": group})
    deciding = await site.start(steps=("deduplicate",))
    await site.settle(normalizing, deciding)
    rejected = [read_dead_letter(record).code for record in await site.records(site.topics.rejected)]
    assert rejected == ["outside_window"]
    by_id = {event["event_id"]: event for event in before}
    assert all(event == by_id[event["event_id"]] for event in await site.events())
