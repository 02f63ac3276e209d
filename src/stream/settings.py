"""All settings in one typed object: from ``STREAM_*`` variables, then a TOML file, then defaults."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from pydantic_settings import SettingsError as SourceError

from stream.core.contracts.topics import Topics, TopicSpec, topic_specs
from stream.core.pipeline.ownership import SOURCE_HEADER, TakedownOwner, TakedownOwners
from stream.core.validation import Limits
from stream.errors import SettingsError
from stream.setting_mistakes import PREFIX, describe_unknown, explain_service_value, find_unknown_variables

ENV_PREFIX = PREFIX
CONFIG_VARIABLE = "STREAM_CONFIG"
DAY_MS = 24 * 3600 * 1000
MIB = 1024 * 1024
_PORT_MAX = 65_535

Stage = Literal["normalize", "deduplicate"]
STAGES: tuple[Stage, ...] = ("normalize", "deduplicate")
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["human", "json"]
SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


class Settings(BaseSettings):
    """All settings. Each field is the variable ``STREAM_<NAME>`` and the key ``<name>`` of the TOML file."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    # Kafka and topics.
    broker: Annotated[
        str,
        Field(
            description="Kafka bootstrap servers, host:port[,host:port…]; memory://name is a broker within the process."
        ),
    ] = "localhost:9092"
    group: Annotated[str, Field(min_length=1, description="Consumer group that all workers of one flow share.")] = (
        "article-stream"
    )
    topic_prefix: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9._-]*$", description="Prefix of all topic names, such as test- for a second flow."),
    ] = ""
    raw_partitions: Annotated[
        int,
        Field(
            ge=1,
            le=1000,
            description="Partitions of the raw topic. More partitions allow more workers to normalize in parallel, "
            "but articles of different partitions are processed in no fixed order.",
        ),
    ] = 1
    output_partitions: Annotated[
        int, Field(ge=1, le=1000, description="Partitions of the topics that consumers read.")
    ] = 4
    scope_partitions: Annotated[
        int,
        Field(
            ge=1,
            le=1000,
            description="Partitions of the normalized topic and of the changelog: how many workers can deduplicate at "
            "once. Never change it on existing topics.",
        ),
    ] = 4
    replication: Annotated[
        int, Field(ge=-1, le=10, description="Replicas of each new topic; -1 uses the default of the broker.")
    ] = -1
    retention_days: Annotated[
        float,
        Field(
            gt=0, description="Retention of new topics in days. The changelog is kept a little longer than the window."
        ),
    ] = 7

    # Decisions and the index.
    window_days: Annotated[
        float, Field(gt=0, le=366, description="Duplicate window in days: how far back duplicates are found.")
    ] = 7
    data_dir: Annotated[
        Path, Field(description="Folder of the duplicate index. Each worker needs a folder of its own.")
    ] = Path("data")
    index_cache_mib: Annotated[int, Field(ge=8, description="Block cache of the index in MiB, for each partition.")] = (
        64
    )
    restore_processes: Annotated[
        int,
        Field(
            ge=0,
            le=64,
            description="Processes that restore indexes from the changelog, one partition each; 0: the worker "
            "restores in its own process.",
        ),
    ] = 2

    # Batches and limits.
    batch_records: Annotated[int, Field(ge=1, le=10_000, description="Maximum number of records in a batch.")] = 500
    batch_mib: Annotated[
        int,
        Field(
            ge=1,
            le=1024,
            description="A batch ends with the record that reaches this size in MiB, which bounds its memory.",
        ),
    ] = 32
    max_message_bytes: Annotated[
        int,
        Field(ge=1024, le=24 * MIB, description="Maximum size of a raw message in bytes; larger ones are rejected."),
    ] = 8 * MIB
    max_text_chars: Annotated[
        int, Field(ge=100, description="Maximum length of a text field in characters; longer ones are rejected.")
    ] = 1_000_000
    max_html_chars: Annotated[
        int, Field(ge=100, description="Maximum length of an HTML page in characters; longer ones are rejected.")
    ] = 4_000_000

    # Takedowns.
    takedown_owners: Annotated[
        dict[str, TakedownOwner],
        Field(
            description="Which senders may withdraw which articles: a table of senders, each with optional lists "
            "`tenants` and `domains` (a domain includes its subdomains); as a variable, the same in JSON. If it is "
            "empty, every writer to the raw topic may withdraw everything; otherwise only senders in the table may "
            "withdraw anything."
        ),
    ] = {}
    takedown_owner_header: Annotated[
        str,
        Field(
            min_length=1,
            description="Header of a raw record that names the sender of a takedown. A producer can write any header, "
            "so this protects from mistakes; against abuse, name one that an interceptor at the broker sets.",
        ),
    ] = SOURCE_HEADER

    # The worker.
    session_timeout_s: Annotated[
        float,
        Field(
            ge=1,
            le=300,
            description="Seconds without a heartbeat after which the group gives a worker's partitions to others.",
        ),
    ] = 30
    start_timeout_s: Annotated[
        float,
        Field(
            ge=0,
            description="Seconds that a starting worker waits for the broker and its topics; 0 tries once.",
        ),
    ] = 300
    stop_timeout_s: Annotated[
        float,
        Field(
            ge=1,
            description="Seconds that running batches have to finish after SIGTERM. Keep it below the grace period of "
            "the supervisor.",
        ),
    ] = 25
    stall_s: Annotated[
        float,
        Field(
            ge=5,
            description="Seconds after which a worker without progress on a partition with lag is unhealthy.",
        ),
    ] = 120
    web_host: Annotated[
        str, Field(description="Address on which the worker serves /metrics, /healthz and /readyz.")
    ] = "127.0.0.1"
    web_port: Annotated[int, Field(ge=1, le=65535, description="Port of the HTTP endpoints.")] = 6066
    log_level: Annotated[LogLevel, Field(description="Minimum level of the log lines of this project.")] = "INFO"
    log_format: Annotated[
        LogFormat, Field(description="Format of a worker's log lines: text for people, or one JSON object per line.")
    ] = "human"

    # Access to the brokers; `stream.kafka.security` checks that these fit together.
    security_protocol: Annotated[
        SecurityProtocol,
        Field(
            description="Protocol of the broker's listener: SSL means TLS, SASL_ a log-in with a password or a token."
        ),
    ] = "PLAINTEXT"
    tls_ca_file: Annotated[
        Path | None,
        Field(description="PEM file with the CA certificates that sign those of the brokers. Default: the system's."),
    ] = None
    tls_cert_file: Annotated[
        Path | None,
        Field(description="PEM file with the client certificate and its chain, if the brokers require one."),
    ] = None
    tls_key_file: Annotated[
        Path | None,
        Field(description="PEM file with the key of the client certificate. Default: it is in tls_cert_file."),
    ] = None
    tls_key_password: Annotated[
        SecretStr | None, Field(description="Password of the key, if it is encrypted; a file is safer.")
    ] = None
    tls_key_password_file: Annotated[Path | None, Field(description="File with the password of the key.")] = None
    tls_check_hostname: Annotated[
        bool, Field(description="Whether the certificate of a broker must contain the host name in its address.")
    ] = True
    sasl_mechanism: Annotated[SaslMechanism | None, Field(description="SASL mechanism of the log-in.")] = None
    sasl_username: Annotated[
        str | None, Field(min_length=1, description="User name of the log-in, for PLAIN and SCRAM.")
    ] = None
    sasl_password: Annotated[
        SecretStr | None, Field(description="Password of the log-in, for PLAIN and SCRAM; a file is safer.")
    ] = None
    sasl_password_file: Annotated[
        Path | None, Field(description="File with the password of the log-in, such as a container secret.")
    ] = None
    sasl_token_hook: Annotated[
        str | None,
        Field(
            pattern=r"^[\w.]+:\w+$",
            description="Python function that returns a token for OAUTHBEARER, written as module:function.",
        ),
    ] = None

    @field_validator("broker")
    @classmethod
    def _normalize_broker(cls, value: str) -> str:
        if "@" in value:
            raise ValueError("cannot contain user and password; set STREAM_SASL_USERNAME and STREAM_SASL_PASSWORD_FILE")
        if value.startswith("memory://"):
            return value
        servers = [server.strip() for server in value.removeprefix("kafka://").split(",")]
        for server in servers:
            host, _, port = server.rpartition(":")
            if not host or not (port.isascii() and port.isdigit() and 0 < int(port) <= _PORT_MAX):
                raise ValueError("write host:port, several of them separated by commas, or memory://name")
        return ",".join(servers)

    @classmethod
    def settings_customise_sources(  # noqa: D102 - documented by pydantic-settings
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the interface
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the interface
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        file = os.environ.get(CONFIG_VARIABLE)
        sources = (init_settings, env_settings)
        return (*sources, TomlConfigSettingsSource(settings_cls, Path(file))) if file else sources

    @property
    def is_memory(self) -> bool:
        """Whether the broker, and with it the index, lives in this process."""
        return self.broker.startswith("memory://")

    @property
    def servers(self) -> list[str]:
        """Each host:port of the Kafka cluster."""
        return self.broker.split(",")

    @property
    def topics(self) -> Topics:
        """The names of the topics."""
        return Topics.with_prefix(self.topic_prefix)

    @property
    def index_dir(self) -> Path:
        """The folder of this group's indexes; one worker at a time uses it."""
        return self.data_dir / self.group

    @property
    def lock_file(self) -> Path:
        """The file that a worker locks while it uses `index_dir`; its text names the process and its host."""
        return self.index_dir / "worker.lock"

    @property
    def retention_ms(self) -> int:
        """How long topics keep records, in milliseconds."""
        return int(self.retention_days * DAY_MS)

    @property
    def window_ms(self) -> int:
        """The duplicate window in milliseconds."""
        return int(self.window_days * DAY_MS)

    @property
    def owners(self) -> TakedownOwners:
        """Which senders may withdraw which articles."""
        return TakedownOwners(self.takedown_owners, self.takedown_owner_header)

    @property
    def limits(self) -> Limits:
        """The size limits of a message."""
        return Limits(
            message_bytes=self.max_message_bytes, text_chars=self.max_text_chars, html_chars=self.max_html_chars
        )

    @property
    def topic_specs(self) -> list[TopicSpec]:
        """The required state of every topic."""
        return topic_specs(
            self.topics,
            raw_partitions=self.raw_partitions,
            output_partitions=self.output_partitions,
            scope_partitions=self.scope_partitions,
            retention_ms=self.retention_ms,
            window_ms=self.window_ms,
        )


def load_settings(**options: Any) -> Settings:
    """Load the settings; ``options`` that are not None take precedence.

    Raises:
        SettingsError: Some are invalid, or a variable is none of the settings; the message lists all of them, with
            what is expected.
    """
    file = os.environ.get(CONFIG_VARIABLE)
    if file and not Path(file).is_file():
        raise SettingsError(f"{CONFIG_VARIABLE}={file}: no such file; correct the path, or unset the variable")
    mistakes = list(find_unknown_variables(os.environ, _variables()))
    try:
        settings = Settings(**{name: value for name, value in options.items() if value is not None})
    except ValidationError as error:
        mistakes += map(_describe_mistake, error.errors())
    except SourceError as error:  # a variable is not JSON; its value may be secret
        mistakes += [_describe_malformed_json(error)]
    except ValueError as error:  # the file is not TOML
        mistakes += [f"{file}: not valid TOML ({error}); correct the file" if file else str(error)]
    if mistakes:
        raise SettingsError("\n  ".join(["invalid settings:", *mistakes]))
    return settings


def _variables() -> set[str]:
    return {CONFIG_VARIABLE, *(ENV_PREFIX + name.upper() for name in Settings.model_fields)}


def _describe_mistake(mistake: ErrorDetails) -> str:
    field, *path = map(str, mistake["loc"])
    variable, key = f"{ENV_PREFIX}{field.upper()}", ".".join((field, *path))
    label = f"{variable} ({key})"
    if mistake["type"] == "extra_forbidden":
        return describe_unknown(label, field, Settings.model_fields)
    if mistake["type"] == "unexpected_keyword_argument":  # in a table
        return describe_unknown(label, path[-1], [entry.name for entry in dataclasses.fields(TakedownOwner)])
    message = mistake["msg"].removeprefix("Value error, ")
    hint = explain_service_value(variable, mistake["input"])
    return f"{label}{_describe_value(mistake)}: {message}{hint}"


def _describe_malformed_json(error: SourceError) -> str:
    name = next((name for name in Settings.model_fields if f'"{name}"' in str(error)), "")
    return f"{ENV_PREFIX}{name.upper()} ({name}): not valid JSON ({error.__cause__}); see docs/reference/settings.md"


def _describe_value(mistake: ErrorDetails) -> str:
    """The invalid value, unless it may be a secret: under a mistyped name, or in an address."""
    field = Settings.model_fields.get(str(mistake["loc"][0]))
    value = repr(mistake["input"])
    is_secret = field is None or "SecretStr" in str(field.annotation) or "@" in value
    return "" if is_secret else f" = {value}"
