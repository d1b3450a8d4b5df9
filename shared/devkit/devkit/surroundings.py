"""What the environment says about a stack: Kafka and databases that exist already, and ports to use."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True, slots=True)
class GivenDatabase:
    """A database that somebody else runs. Without `owner_url` it is taken as migrated."""

    app_url: str
    owner_url: str | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Nothing given, no port fixed, unless read from the environment."""

    bootstrap: str | None = None
    databases: Mapping[str, GivenDatabase] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of_environment(cls, services: tuple[str, ...], environment: Mapping[str, str] = os.environ) -> Self:
        """Reads KAFKA_BOOTSTRAP_SERVERS, <SERVICE>_DATABASE_URL, <SERVICE>_MIGRATION_DATABASE_URL and <NAME>_PORT.

        Raises ValueError that names the variable when a port is no port, or when only the owner's address is given.
        """
        databases = {}
        for service in services:
            app_url = environment.get(f"{service.upper()}_DATABASE_URL")
            owner_url = environment.get(f"{service.upper()}_MIGRATION_DATABASE_URL")
            if app_url:
                databases[service] = GivenDatabase(app_url, owner_url or None)
            elif owner_url:
                raise ValueError(f"{service.upper()}_MIGRATION_DATABASE_URL needs {service.upper()}_DATABASE_URL too")
        ports = {}
        for name in (*services, "issuer", "kafka", "postgres"):
            variable = f"{name.upper()}_PORT"
            if environment.get(variable):
                ports[name] = _port(variable, environment[variable])
        return cls(environment.get("KAFKA_BOOTSTRAP_SERVERS") or None, databases, ports)


def _port(variable: str, value: str) -> int:
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise ValueError(f"{variable} must be a TCP port, and is {value!r}")
    return int(value)
