"""The story's place inside a cluster: services by their names, Kafka as each party, a bank beside the story itself."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from devkit.bank.settings import Behaviour
from devkit.bank_process import BankProcess
from devkit.dev_users import USERS
from devkit.issuer import TTL_S, Issuer
from devkit.keys import BANK, Keys
from devkit.run_directory import RunDirectory
from devkit.stack import SERVICES
from qingdan.kafka_access import Principal
from runtime.kafka_settings import KafkaConnection

if TYPE_CHECKING:
    from devkit.story.answers import BankBook


@dataclass(frozen=True)
class ClusterPlace:
    """What a running Stack is on one machine. `kafka`: how to reach it, as nobody yet."""

    kafka: KafkaConnection
    issuer: Issuer
    keys: Keys
    users: Path
    """A file for each user of Kafka, with the password."""
    directory: Path
    run: RunDirectory
    behaviour: Behaviour
    services: tuple[str, ...] = SERVICES

    @classmethod
    def of_environment(cls, behaviour: Behaviour, environment: Mapping[str, str] = os.environ) -> Self:
        """KAFKA_*, OIDC_ISSUER, and the folders that Secrets are mounted to. Raises KeyError for what is missing."""
        return cls(
            kafka=KafkaConnection.of_environment(environment),
            issuer=Issuer.open(Path(environment["ISSUER_KEYS"]), environment["OIDC_ISSUER"]),
            keys=Keys(Path(environment["PARTIES"])),
            users=Path(environment["KAFKA_USERS_DIRECTORY"]),
            directory=Path(environment.get("STORY_DIRECTORY", "/tmp/story")),
            run=RunDirectory.own("story"),
            behaviour=behaviour,
        )

    def url(self, service: str) -> str:
        return f"http://{service}"

    def token(
        self, role: str, division: str | None = None, department: str | None = None, *, ttl_s: float = TTL_S
    ) -> str:
        return self.issuer.token_of(USERS[role].at(division, department), ttl_s=ttl_s)

    def kafka_as(self, principal: str) -> KafkaConnection:
        """Raises FileNotFoundError for a user who has no password here."""
        user = Principal(principal).user
        password = (self.users / user).read_text(encoding="utf-8").strip()
        return KafkaConnection.model_validate(self.kafka.model_dump() | {"username": user, "password": password})

    @cached_property
    def bank(self) -> BankProcess:
        return BankProcess(
            self.directory / "bank",
            self.run,
            code=BANK,
            key_file=self.keys.bank_private,
            connection=self.kafka_as(f"bank:{BANK.lower()}"),
            behaviour=self.behaviour,
        )

    def bank_book(self) -> "BankBook":
        from devkit.bank.statement import totals  # noqa: PLC0415
        from devkit.story.answers import BankBook  # noqa: PLC0415

        said = totals(self.bank.directory)
        return BankBook(settled=said.payments.get("settled", 0), paid_fen=said.paid_fen, paid_twice=said.paid_twice)
