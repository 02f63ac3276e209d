"""The credentials for Faust's aiokafka driver."""

from __future__ import annotations

from faust.auth import Credentials, OAuthCredentials, SASLCredentials, SSLCredentials

from stream.kafka.security import Access


def faust_credentials(access: Access) -> Credentials | None:
    """Return Faust's ``broker_credentials``; None for plain text without authentication.

    The driver passes them to each of its clients: the consumer, the producer and the changelog's reader.
    """
    if tokens := access.async_tokens():
        return OAuthCredentials(oauth_cb=tokens, ssl_context=access.tls)
    if access.mechanism is not None:
        return SASLCredentials(
            username=access.username, password=access.password, ssl_context=access.tls, mechanism=access.mechanism
        )
    return None if access.tls is None else SSLCredentials(access.tls)
