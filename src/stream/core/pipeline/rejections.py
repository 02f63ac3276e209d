"""Why the steps reject events that are valid: their identity, their age, or their sender."""

from __future__ import annotations

from stream.core.contracts.events import Origin
from stream.errors import Rejected


def event_id_reused(name: str, origin: Origin | None, difference: str) -> Rejected:
    """An event whose id is that of ``name`` from ``origin``, and that differs from it: ``difference``."""
    position = f" at {origin.topic}/{origin.partition}/{origin.offset}" if origin else ""
    return Rejected(
        "event_id_reused",
        f"the event id is that of {name}{position}, {difference}; give every event a ce_id of its own",
    )


def outside_window(origin: Origin) -> Rejected:
    """An event from ``origin`` that was decided before the window."""
    return Rejected(
        "outside_window",
        f"{origin.topic}/{origin.partition}/{origin.offset} was read again, and its decision is older than the "
        "duplicate window; it stays as published. To have it decided again, send it as a new message",
    )


def decision_lost(origin: Origin) -> Rejected:
    """An event from ``origin`` whose decision was in a part of the changelog that is lost."""
    return Rejected(
        "decision_lost",
        f"{origin.topic}/{origin.partition}/{origin.offset} was read again, and the changelog has lost its decision; "
        "it stays as published. To have it decided again, send it as a new message",
    )


def not_owner(sender: str, target: str) -> Rejected:
    """A takedown by a sender that may not withdraw articles of ``target``; the sender is "" where it is not known."""
    name = f"the sender {sender}" if sender else "the sender"
    return Rejected(
        "not_owner", f"{name} may not withdraw articles of {target}; if it may, add it in STREAM_TAKEDOWN_OWNERS"
    )
