"""How to reach Kafka: one description, spoken to both clients (librdkafka publishes, aiokafka consumes)."""

from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from faststream.kafka.security import parse_security
from faststream.security import BaseSecurity, SASLScram512
from pydantic import BaseModel, ConfigDict, SecretStr

VARIABLES: Final = {
    name: f"KAFKA_{name.upper()}"
    for name in ("bootstrap_servers", "topic_prefix", "security_protocol", "username", "password", "ca_file")
}


class KafkaConnection(BaseModel):
    """Where Kafka is and as whom to talk to it."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    bootstrap_servers: str
    topic_prefix: str = ""  # lets two installations share a cluster; the registry's names stay without it
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    username: str = ""
    password: SecretStr = SecretStr("")
    ca_file: str | None = None

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> Self:
        """Out of the variables that services read. Raises KeyError without KAFKA_BOOTSTRAP_SERVERS, ValidationError."""
        return cls.model_validate(
            {"bootstrap_servers": environment["KAFKA_BOOTSTRAP_SERVERS"]}
            | {name: environment[variable] for name, variable in VARIABLES.items() if environment.get(variable)}
        )

    def environment(self) -> dict[str, str]:
        """The variables that say the same; empty ones for what is not set."""
        said = {name: getattr(self, name) or "" for name in VARIABLES}
        values = {n: v.get_secret_value() if isinstance(v, SecretStr) else str(v) for n, v in said.items()}
        return {variable: values[name] for name, variable in VARIABLES.items()}

    def for_librdkafka(self) -> dict[str, Any]:
        """Connection options in librdkafka's words."""
        options: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap_servers,
            "security.protocol": self.security_protocol,
        }
        if self.security_protocol.startswith("SASL"):
            options |= {
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": self.username,
                "sasl.password": self.password.get_secret_value(),
            }
        if self.ca_file is not None:
            options["ssl.ca.location"] = self.ca_file
        return options

    def for_aiokafka(self) -> dict[str, Any]:
        """The same as arguments of aiokafka's clients."""
        return {"bootstrap_servers": self.bootstrap_servers, **parse_security(self.for_faststream())}

    def for_faststream(self) -> BaseSecurity | None:
        """The same in FastStream's; None when Kafka asks for nothing."""
        if self.security_protocol == "PLAINTEXT":
            return None
        context = None
        if self.security_protocol.endswith("SSL"):
            import ssl  # noqa: PLC0415 - only with TLS

            context = ssl.create_default_context(cafile=self.ca_file)
        if self.security_protocol == "SSL":
            return BaseSecurity(ssl_context=context, use_ssl=True)
        return SASLScram512(self.username, self.password.get_secret_value(), ssl_context=context, use_ssl=bool(context))
