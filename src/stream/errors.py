"""Every error the project raises on purpose.

    StreamError
    ├── Rejected         a bad event: it becomes a dead letter, the flow goes on
    ├── SettingsError    settings that cannot be used; all mistakes in one message
    ├── BrokerError      broker or topics are not as the worker needs them
    │   └── BrokerNotReady   waiting may mend it: nobody answers, or topics are yet to be made
    └── IndexFault       the duplicate index cannot be read or written
        └── IndexDamaged it holds what it never wrote, or was written by other code: it is rebuilt at the next start

`Rejected` alone is handled inside the flow. Anything else that reaches an agent stops the worker
before the offsets of the batch are committed.
"""

from __future__ import annotations

from typing import Final


class StreamError(Exception):
    """Base of all; its message says what happened and what to do next."""


class SettingsError(StreamError):
    """One or more settings are wrong."""


class BrokerError(StreamError):
    """The broker cannot be reached, or its topics are missing or differ from what is needed."""


class BrokerNotReady(BrokerError):
    """The broker does not answer, or its topics are missing: a worker that starts waits for them."""


class IndexFault(StreamError):
    """The index is locked, or its disk cannot be used."""


class IndexDamaged(IndexFault):
    """The index cannot be trusted. The store is marked, and rebuilt from the changelog when it is opened again."""


# Code -> what it tells the author of the scraper. The codes are part of the contract.
REJECTION_CODES: Final[dict[str, str]] = {
    "null_value": "the message has no value",
    "empty_value": "the message is empty",
    "message_too_large": "the message is larger than the limit",
    "invalid_utf8": "the message is not UTF-8",
    "invalid_json": "the message is not JSON",
    "lone_surrogate": "the JSON holds half of a surrogate pair",
    "too_deep": "the JSON is nested deeper than the limit",
    "not_an_object": "the JSON is neither an object nor an array of objects",
    "wrong_type": "a field has another type than the contract says",
    "missing_identity": "neither url nor id is given",
    "missing_content": "neither text nor html is given, or nothing readable is left of it",
    "unknown_status": "status is not one that the contract names",
    "invalid_id": "id is empty, too long or holds control characters",
    "invalid_url": "url is not an absolute http or https address",
    "invalid_tenant": "tenant is not a short name",
    "text_too_large": "a text field is longer than the limit",
    "html_too_large": "html is longer, or has more tags, than the limit",
    "too_many_items": "a list has more items than the limit",
    "event_id_reused": "the CloudEvents id was already used for another content",
    "invalid_normalized": "the record in the normalized topic was not made by this project",
}


class Rejected(StreamError):
    """An event that is not processed, with a code from `REJECTION_CODES`.

    ``field`` is the JSON path of what is wrong (``$.tags[3]``), or None for the message as a whole.
    """

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        if code not in REJECTION_CODES:
            raise ValueError(f"unknown rejection code {code!r}")
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
