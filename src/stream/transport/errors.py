"""The errors of the transports. Each has a stable ``code`` for scripts, metrics and dead letters."""

from __future__ import annotations

from typing import ClassVar

from stream.errors import BrokerError


class TransportError(BrokerError):
    """Base class of all; ``code`` says which one it is."""

    code: ClassVar[str] = "transport"


class UnknownTopicError(TransportError):
    """A topic or one of its partitions does not exist. Topics are never created by use."""

    code = "unknown_topic"

    def __init__(self, *names: str) -> None:
        super().__init__(f"does not exist: {', '.join(names)} (create the topics first: stream topics)")
        self.names = names


class TopicExistsError(TransportError):
    """A topic of that name already exists."""

    code = "topic_exists"


class RecordTooLargeError(TransportError):
    """A record is larger than the producer or the topic allows. Sizes are in bytes."""

    code = "record_too_large"

    def __init__(self, topic: str, size: int | None, limit: int | None, index: int | None = None) -> None:
        what = "a record" if size is None else f"a record of {size} bytes"
        than = "the broker allows" if limit is None else f"{limit} bytes"
        super().__init__(f"{topic}: {what} is larger than {than}")
        self.topic = topic
        #: Its index in the outputs that were to be stored, if known.
        self.index = index


class DeliveryError(TransportError):
    """An output could not be confirmed as stored; it may or may not be in the log."""

    code = "delivery_failed"


class RevokedError(TransportError):
    """The partition that the outputs were made from now belongs to another worker; some may be stored, some not."""

    code = "revoked"


class OutOfOrderError(TransportError):
    """A batch was finished before an earlier batch: the agent lost the earlier one."""

    code = "out_of_order"


class NotAMemberError(TransportError):
    """The member was removed from its group, or never was in it."""

    code = "unknown_member"


class StaleGenerationError(TransportError):
    """The group has rebalanced since."""

    code = "stale_generation"
