"""All settings in one typed object: ``STREAM_*`` variables, then a TOML file, then the defaults."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from stream.core.contracts.topics import Topics, TopicSpec, topic_specs
from stream.core.validation import Limits
from stream.errors import SettingsError

ENV_PREFIX = "STREAM_"
CONFIG_VARIABLE = "STREAM_CONFIG"
DAY_MS = 24 * 3600 * 1000
MIB = 1024 * 1024

Stage = Literal["normalize", "deduplicate"]
STAGES: tuple[Stage, ...] = ("normalize", "deduplicate")
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["human", "json"]
SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
SaslMechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]


class Settings(BaseSettings):
    """What can be set. Each field is the variable ``STREAM_<NAME>`` and the key ``<name>`` of the file."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True)

    broker: Annotated[str, Field(description="host:port[,host:port…] of Kafka, or memory://name")] = "localhost:9092"
    group: Annotated[str, Field(min_length=1, description="consumer group of the workers")] = "article-stream"
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]*$", description="before every topic's name")] = ""
    data_dir: Annotated[Path, Field(description="folder of the index, one for each worker")] = Path("data")
    window_days: Annotated[float, Field(gt=0, le=366, description="how far back duplicates are found")] = 7
    raw_partitions: Annotated[
        int, Field(ge=1, le=1000, description="of the raw topic; more of them share the work, and mix their orders")
    ] = 1
    output_partitions: Annotated[int, Field(ge=1, le=1000, description="of the topics that others read")] = 4
    scope_partitions: Annotated[
        int, Field(ge=1, le=1000, description="of the normalized topic and the changelog; never change it")
    ] = 4
    replication: Annotated[int, Field(ge=-1, le=10, description="copies of each topic; -1: the broker's default")] = -1
    retention_days: Annotated[float, Field(gt=0, description="how long topics are kept, the changelog apart")] = 7
    batch_records: Annotated[int, Field(ge=1, le=10_000, description="most records in one batch")] = 500
    batch_mib: Annotated[
        int, Field(ge=1, le=1024, description="a batch ends with the record that reaches this; it bounds memory")
    ] = 32
    max_message_bytes: Annotated[int, Field(ge=1024, le=24 * MIB, description="larger raw messages are rejected")] = (
        8 * MIB
    )
    max_text_chars: Annotated[int, Field(ge=100, description="longer texts are rejected")] = 1_000_000
    max_html_chars: Annotated[int, Field(ge=100, description="longer pages are rejected")] = 4_000_000
    index_cache_mib: Annotated[int, Field(ge=8, description="memory for each partition's index cache")] = 64
    restore_processes: Annotated[
        int, Field(ge=0, le=64, description="so many long restores go on at once, each in a process; 0: in the worker")
    ] = 2
    session_timeout_s: Annotated[
        float, Field(ge=1, le=300, description="a worker unheard of for so long loses its partitions")
    ] = 30
    start_timeout_s: Annotated[
        float, Field(ge=0, description="a worker waits so long for the broker and its topics; 0: it asks once")
    ] = 300
    stop_timeout_s: Annotated[
        float, Field(ge=1, description="after SIGTERM batches get so long; less than the supervisor's patience")
    ] = 25
    web_host: Annotated[str, Field(description="address of /metrics, /healthz and /readyz")] = "127.0.0.1"
    web_port: Annotated[int, Field(ge=1, le=65535, description="their port")] = 6066
    stall_s: Annotated[
        float, Field(ge=5, description="unhealthy when a partition with a lag has not moved for so long")
    ] = 120
    log_level: LogLevel = "INFO"
    log_format: Annotated[LogFormat, Field(description="of a worker's lines: for people, or one JSON object each")] = (
        "human"
    )
    # How brokers are reached; `stream.kafka.security` checks that these fit together.
    security_protocol: Annotated[
        SecurityProtocol, Field(description="SSL: TLS; SASL_: with a user or a token; as the broker's listener says")
    ] = "PLAINTEXT"
    tls_ca_file: Annotated[
        Path | None, Field(description="certificates (PEM) that brokers' must be signed by; unset: the system's")
    ] = None
    tls_cert_file: Annotated[
        Path | None, Field(description="our certificate (PEM) and its chain, where brokers ask for one")
    ] = None
    tls_key_file: Annotated[Path | None, Field(description="its key (PEM); unset: it is in tls_cert_file")] = None
    tls_key_password: Annotated[SecretStr | None, Field(description="what the key is encrypted with")] = None
    tls_key_password_file: Annotated[Path | None, Field(description="a file that holds it")] = None
    tls_check_hostname: Annotated[bool, Field(description="the broker's certificate must name its host")] = True
    sasl_mechanism: Annotated[SaslMechanism | None, Field(description="how we log in")] = None
    sasl_username: Annotated[str | None, Field(min_length=1, description="who we are, for PLAIN and SCRAM")] = None
    sasl_password: Annotated[SecretStr | None, Field(description="the password; a file is safer")] = None
    sasl_password_file: Annotated[Path | None, Field(description="a file that holds it, as container secrets")] = None
    sasl_token_hook: Annotated[
        str | None, Field(pattern=r"^[\w.]+:\w+$", description="module:function that returns a token, for OAUTHBEARER")
    ] = None

    @field_validator("broker")
    @classmethod
    def _broker(cls, value: str) -> str:
        if "@" in value:
            raise ValueError("user and password do not belong here; set STREAM_SASL_USERNAME and _PASSWORD_FILE")
        if value.startswith("memory://"):
            return value
        servers = [server.strip() for server in value.removeprefix("kafka://").split(",")]
        for server in servers:
            host, _, port = server.rpartition(":")
            if not host or not port.isdigit():
                raise ValueError("write host:port, several separated by commas, or memory://name")
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
        """The broker lives in this process, and so does the index."""
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
        """Where this group's indexes are; one worker at a time has it."""
        return self.data_dir / self.group

    @property
    def window_ms(self) -> int:
        """The duplicate window in milliseconds."""
        return int(self.window_days * DAY_MS)

    @property
    def limits(self) -> Limits:
        """What one message may hold."""
        return Limits(
            message_bytes=self.max_message_bytes, text_chars=self.max_text_chars, html_chars=self.max_html_chars
        )

    @property
    def topic_specs(self) -> list[TopicSpec]:
        """Every topic as it has to be."""
        return topic_specs(
            self.topics,
            raw_partitions=self.raw_partitions,
            output_partitions=self.output_partitions,
            scope_partitions=self.scope_partitions,
            retention_ms=int(self.retention_days * DAY_MS),
            window_ms=self.window_ms,
        )


def load_settings(**given: Any) -> Settings:
    """The settings, those in ``given`` before all others.

    Raises:
        SettingsError: some are wrong; the message names every one, and what is expected.
    """
    file = os.environ.get(CONFIG_VARIABLE)
    if file and not Path(file).is_file():
        raise SettingsError(f"{CONFIG_VARIABLE}={file}: no such file; correct the path or unset it")
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError(_mistakes(error)) from None
    except ValueError as error:  # the file is not TOML
        raise SettingsError(f"{file}: {error}") from None


def _mistakes(error: ValidationError) -> str:
    lines = ["these settings cannot be used:"]
    for mistake in error.errors():
        name = ".".join(map(str, mistake["loc"]))
        lines.append(f"  {ENV_PREFIX}{name.upper()} ({name}){_shown(mistake)}: {mistake['msg']}")
    return "\n".join(lines)


def _shown(mistake: ErrorDetails) -> str:
    """What was given, unless it may be a secret: one under a mistyped name, or in an address."""
    field = Settings.model_fields.get(str(mistake["loc"][0]))
    given = repr(mistake["input"])
    is_secret = field is None or "SecretStr" in str(field.annotation) or "@" in given
    return "" if is_secret else f" = {given}"
