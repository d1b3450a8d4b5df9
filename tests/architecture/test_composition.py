"""What a service's modules offer its composition root takes up: a work or a consumer that nobody runs is found here."""

from importlib import import_module

import pytest
from fastapi import APIRouter

from runtime.kafka import Subscription
from runtime.service import Service
from runtime.works import Work
from tests.architecture.conftest import SERVICES

NAMES = sorted(folder.parent.name for folder in SERVICES.glob("*/pyproject.toml"))


def _service(name: str) -> Service:
    service: Service = import_module(f"{name}.app").service
    return service


@pytest.mark.parametrize("name", NAMES)
def test_every_work_and_every_consumer_is_run(name: str) -> None:
    service = _service(name)
    for module, kind, taken in (("works", Work, service.works), ("consumers", Subscription, service.subscriptions)):
        if not (SERVICES / name / name / f"{module}.py").exists():
            continue
        offered = [value for value in vars(import_module(f"{name}.{module}")).values() if isinstance(value, kind)]
        assert [each for each in offered if each not in taken] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_route_of_every_noun_is_served(name: str) -> None:
    served = {id(route) for route in _service(name).router.routes}
    for file in (SERVICES / name / name).glob("*http.py"):
        router = getattr(import_module(f"{name}.{file.stem}"), "router", None)
        if isinstance(router, APIRouter):
            assert [route for route in router.routes if id(route) not in served] == [], file.name
