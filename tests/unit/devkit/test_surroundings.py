"""What the environment gives is used as it says, and a mistake in it is named."""

import pytest

from devkit.surroundings import GivenDatabase, Surroundings

SERVICES = ("tasks", "inspection")


def test_an_empty_environment_gives_nothing() -> None:
    assert Surroundings.of_environment(SERVICES, {}) == Surroundings()


def test_kafka_databases_and_ports_are_read() -> None:
    seen = Surroundings.of_environment(
        SERVICES,
        {
            "KAFKA_BOOTSTRAP_SERVERS": "kafka:9092",
            "TASKS_DATABASE_URL": "postgresql://app@db/tasks",
            "TASKS_MIGRATION_DATABASE_URL": "postgresql://owner@db/tasks",
            "INSPECTION_DATABASE_URL": "postgresql://app@db/inspection",
            "TASKS_PORT": "8001",
            "ISSUER_PORT": "8002",
            "KAFKA_PORT": "9092",
            "POSTGRES_PORT": "5432",
        },
    )
    assert seen.bootstrap == "kafka:9092"
    assert seen.databases == {
        "tasks": GivenDatabase("postgresql://app@db/tasks", "postgresql://owner@db/tasks"),
        "inspection": GivenDatabase("postgresql://app@db/inspection", None),
    }
    assert seen.ports == {"tasks": 8001, "issuer": 8002, "kafka": 9092, "postgres": 5432}


@pytest.mark.parametrize("value", ["0", "65536", "http", "-1", "80.5"])
def test_a_port_that_is_none_is_named(value: str) -> None:
    with pytest.raises(ValueError, match=f"TASKS_PORT must be a TCP port, and is '{value}'"):
        Surroundings.of_environment(SERVICES, {"TASKS_PORT": value})


def test_the_owners_address_alone_is_not_enough() -> None:
    with pytest.raises(ValueError, match="TASKS_MIGRATION_DATABASE_URL needs TASKS_DATABASE_URL too"):
        Surroundings.of_environment(SERVICES, {"TASKS_MIGRATION_DATABASE_URL": "postgresql://owner@db/tasks"})
