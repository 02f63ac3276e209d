"""Which senders may withdraw which articles; an optional restriction, since any writer to the raw topic may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from stream.core.contracts.cloudevents import Identity
from stream.core.contracts.records import Record
from stream.core.pipeline.rejections import not_owner

#: The header that names the sender, unless the operator chooses one that a broker-side interceptor sets.
SOURCE_HEADER: Final = "ce_source"


@dataclass(frozen=True, slots=True)
class TakedownOwner:
    """What one sender may withdraw.

    Attributes:
        tenants: Tenants whose articles it may withdraw; None for all.
        domains: Domains whose articles it may withdraw, including their subdomains; None for all.
    """

    tenants: tuple[str, ...] | None = None
    domains: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class TakedownOwners:
    """What each sender may withdraw.

    Attributes:
        owners: By the value of the header. If it is empty, every sender may withdraw everything.
        header: Name of the header; if a record has several, the last one counts.
    """

    owners: Mapping[str, TakedownOwner] = field(default_factory=dict)
    header: str = SOURCE_HEADER

    def allowed_domains(self, record: Record, identity: Identity, tenant: str) -> list[str] | None:
        """Return the domains whose articles the takedown in ``record`` may withdraw; None for all.

        Args:
            record: A record of the raw topic.
            identity: Its identity, whose source is that of a structured CloudEvent too.
            tenant: The tenant that the takedown names.

        Raises:
            Rejected: Its sender may not withdraw articles of ``tenant``.
        """
        if not self.owners:
            return None
        if self.header == SOURCE_HEADER and identity.is_claimed:
            sender = identity.source
        else:
            sender = (dict(record.headers).get(self.header) or b"").decode("utf-8", "backslashreplace")
        owner = self.owners.get(sender)
        if owner is None or (owner.tenants is not None and tenant not in owner.tenants):
            raise not_owner(sender, f"the tenant {tenant}")
        return None if owner.domains is None else list(owner.domains)
