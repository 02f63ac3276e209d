"""The group's offsets, asked for so that an error is never taken for a group that has none."""

from __future__ import annotations

from typing import Any

from aiokafka.errors import (  # type: ignore[import-untyped]  # it ships no types
    GroupCoordinatorNotAvailableError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest  # type: ignore[import-untyped]


def raise_on_offset_fetch_error(coordinator: Any) -> None:
    """Let ``coordinator`` raise what a response as a whole says about the group's offsets.

    aiokafka 0.14 looks at the errors of single partitions alone. A broker that is still loading the group answers
    with one error and no partitions; taken for a group that has never committed, everything is read again.
    """
    send = coordinator._send_req  # noqa: SLF001 - aiokafka has no public way to it

    async def send_heeding(request: Any) -> Any:
        response = await send(request)
        code: int = getattr(response, "error_code", 0)
        if isinstance(request, OffsetFetchRequest) and code:
            error = for_code(code)
            if error in (NotCoordinatorForGroupError, GroupCoordinatorNotAvailableError):
                coordinator.coordinator_dead()
            raise error(coordinator.group_id)
        return response

    coordinator._send_req = send_heeding  # noqa: SLF001 - as above
