"""The exceptions of the project and the codes of rejected events.

    StreamError
    ├── Rejected         an event is invalid; it becomes a dead letter and the flow continues
    ├── SettingsError    settings are invalid; one message lists all mistakes
    ├── BrokerError      the broker or its topics cannot be used
    │   ├── BrokerNotReady   waiting may help: the broker does not answer, or topics are missing
    │   └── LogWentBack      a log is not the one that was read: its topic was recreated, or its end was lost
    └── IndexFault       the duplicate index cannot be read or written
        └── IndexDamaged its content is corrupt or of another version; it is rebuilt at the next start

The flow handles `Rejected` only. Any other exception stops the worker before the offsets of the batch are committed.
"""

from __future__ import annotations

from typing import Final, Literal


class StreamError(Exception):
    """Base class; the message says what happened and what to do next."""


class SettingsError(StreamError):
    """One or more settings are invalid."""


class BrokerError(StreamError):
    """The broker cannot be reached or refuses the connection, or its topics are missing or not as required."""


class BrokerNotReady(BrokerError):
    """The broker does not answer, or topics are missing. A starting worker waits for them."""


class LogWentBack(BrokerError):
    """A log is no longer the one that was read. Nothing is decided or committed from it.

    Args:
        topic: The topic.
        partition: The partition; None where the whole topic is concerned.
        kind: Whether the topic was deleted and created again, or deleted, or the log has lost its end.
        what: What was read, and what the log is now.
    """

    def __init__(
        self, topic: str, partition: int | None, kind: Literal["recreated", "truncated", "deleted"], what: str
    ) -> None:
        log = topic if partition is None else f"{topic}-{partition}"
        super().__init__(
            f"{log}: {what}; run `stream recover` (it only reports unless --yes is given), see the run book"
        )
        self.topic = topic
        self.partition = partition
        self.kind = kind


class IndexFault(StreamError):
    """The index is locked by another process, or its disk cannot be used."""


class IndexDamaged(IndexFault):
    """The content of the index is corrupt. It is marked as such and rebuilt from the changelog when it is opened."""


#: Rejection code -> what it means to the author of the scraper. The codes are part of the contract.
REJECTION_CODES: Final[dict[str, str]] = {
    "null_value": "the message has no value",
    "empty_value": "the message is empty",
    "message_too_large": "the message is larger than the limit",
    "invalid_utf8": "the message is not valid UTF-8",
    "invalid_json": "the message is not valid JSON",
    "lone_surrogate": "the JSON contains one half of a surrogate pair",
    "too_deep": "the JSON is nested more deeply than the limit",
    "not_an_object": "the JSON is neither an object nor an array of objects",
    "wrong_type": "a field does not have the type that the contract requires",
    "missing_identity": "both url and id are missing",
    "missing_content": "both text and html are missing, or contain nothing readable",
    "unknown_status": "status has a value that the contract does not define",
    "invalid_id": "id is empty, too long, or contains control characters",
    "invalid_url": "url is not an absolute http or https URL",
    "invalid_tenant": "tenant is not 1 to 64 ASCII letters, digits, . - or _ that start with a letter or digit",
    "text_too_large": "a text field is longer than the limit",
    "html_too_large": "html is longer, or has more tags, than the limit",
    "too_many_items": "a list has more items than the limit",
    "undecodable_batch": "a compressed record batch is too large when decompressed, or damaged; it was not unpacked",
    "event_id_reused": "the CloudEvents id was already used for different content",
    "outside_window": "the raw record was read again after its decision had left the duplicate window",
    "decision_lost": "the raw record was read again after the changelog had lost its decision",
    "not_owner": "the sender of the takedown may not withdraw articles of this tenant or domain",
    "invalid_normalized": "the record in the normalized topic was not written by this project",
}


class Rejected(StreamError):
    """An event that is not processed.

    ``code`` is one of `REJECTION_CODES`. ``field`` is the JSON path of what is wrong (``$.tags[3]``), or None for the
    message as a whole.
    """

    def __init__(self, code: str, message: str, *, field: str | None = None) -> None:
        if code not in REJECTION_CODES:
            raise ValueError(f"unknown rejection code {code!r}")
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
