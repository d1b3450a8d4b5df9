"""The Secrets that overlays/dev refers to: random, made once in the cluster, and never written to a file."""

import base64
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from devkit.cluster.kubectl import Kubectl
from devkit.issuer import Issuer
from devkit.keys import Keys
from devkit.stack import SERVICES
from qingdan.kafka_access import principals

ISSUER_URL = "http://issuer"


def make_secrets(kubectl: Kubectl, parties: Iterable[str]) -> list[str]:
    """Create those that are missing, and change none that is there; returns the names of the new ones.

    parties: outside parties that have a user of Kafka. Raises KubectlError.
    """
    there = {each["metadata"]["name"] for each in kubectl.get("secrets")}
    new = [manifest for manifest in _all(parties) if manifest["metadata"]["name"] not in there]
    if new:
        kubectl.apply(new)
    return [manifest["metadata"]["name"] for manifest in new]


def _all(parties: Iterable[str]) -> list[dict[str, Any]]:
    """Passwords of users belong together in two Secrets each: made in one go, or not at all."""
    users = {who.user: _password() for who in principals(parties)}
    made = [_secret("kafka-admin", {"password": _password()}), _secret("kafka-users", users)]
    for service in SERVICES:
        made += [
            _secret(f"{service}-kafka", {"password": users[service]}),
            _secret(f"{service}-database", _database(service)),
        ]
    with TemporaryDirectory() as directory:
        keys, issuer = Keys.of(Path(directory) / "keys"), Path(directory) / "issuer"
        Issuer.open(issuer, ISSUER_URL)
        made += [
            _secret("issuer-keys", {"keys.json": (issuer / "keys.json").read_text()}),
            _secret(
                "subsidy-keys",
                {
                    "service.json": keys.subsidy_private.read_text(),
                    "banks.json": keys.bank_public.read_text(),
                    "accounts.json": keys.account_hashes.read_text(),
                },
            ),
            _secret(
                "parties",
                {
                    "subsidy-public.json": keys.subsidy_public.read_text(),
                    "bank-private.json": keys.bank_private.read_text(),
                    "bank-public.json": keys.bank_public.read_text(),
                },
            ),
        ]
    return made


def _database(service: str) -> dict[str, str]:
    owner, app = _password(), _password()
    where = f"postgres-{service}:5432/{service}"
    return {
        "postgres-password": _password(),
        "owner-password": owner,
        "app-password": app,
        "owner-url": f"postgresql://{service}_owner:{owner}@{where}",
        "app-url": f"postgresql://{service}_app:{app}@{where}",
    }


def _password() -> str:
    return secrets.token_hex(16)


def _secret(name: str, values: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "qingdan"}},
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


def passwords(kubectl: Kubectl) -> dict[str, str]:
    """Of Kafka's users, as the cluster has them. Raises KubectlError."""
    data = kubectl.get("secret", "kafka-users")["data"]
    return {user: base64.b64decode(value).decode() for user, value in data.items()}
