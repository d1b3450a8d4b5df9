"""All that a service reads from its environment."""

from typing import Annotated, Literal

from pydantic import Field, PostgresDsn, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from runtime.kafka_settings import KafkaConnection

Part = Literal["http", "consume", "relay"]


class KafkaSettings(BaseSettings):
    """Where Kafka is, and as whom to talk to it. One field per environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(env_file=None, frozen=True, extra="ignore", hide_input_in_errors=True)

    kafka_bootstrap_servers: str
    kafka_topic_prefix: str = Field("", pattern=r"^[a-z0-9._-]*$", max_length=60)
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_username: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_ca_file: str | None = None

    @property
    def kafka(self) -> KafkaConnection:
        return KafkaConnection(
            bootstrap_servers=self.kafka_bootstrap_servers,
            topic_prefix=self.kafka_topic_prefix,
            security_protocol=self.kafka_security_protocol,
            username=self.kafka_username,
            password=self.kafka_password,
            ca_file=self.kafka_ca_file,
        )


class ServiceSettings(KafkaSettings):
    """What every service reads."""

    database_url: PostgresDsn = Field(description="as the application role: no superuser, no BYPASSRLS, owns nothing")
    migration_database_url: PostgresDsn | None = Field(None, description="as the owner of the tables; only to migrate")
    database_connections_max: int = Field(16, ge=4, le=200)

    oidc_issuer: str
    oidc_audience: str = "qingdan"
    oidc_jwks_url: str

    http_host: str = "127.0.0.1"
    http_port: int = Field(8000, ge=0, le=65535)
    http_body_bytes_max: int = Field(1024 * 1024, ge=1024)
    http_in_flight_max: int = Field(256, ge=1)
    streams_max: int = Field(200, ge=1, le=10_000, description="streams of changes open at once in this process")
    streams_per_actor_max: int = Field(10, ge=1, le=1_000, description="of these, of one subject")
    changes_kept_max: int = Field(5_000, ge=400, le=100_000, description="newest changes kept for listeners")
    drain_s_max: int = Field(8, ge=1, le=15, description="for requests and open streams, once told to stop")

    parts: Annotated[frozenset[Part], NoDecode] = frozenset({"http", "consume", "relay"})
    failpoints: str = Field("", description="tests only: runtime/failpoints.py")
    otel_exporter_otlp_endpoint: str | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("parts", mode="before")
    @classmethod
    def _split(cls, parts: object) -> object:
        return frozenset(part.strip() for part in parts.split(",")) if isinstance(parts, str) else parts
