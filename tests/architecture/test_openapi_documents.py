"""Every service can describe itself: a route that FastAPI cannot document would be found by an integrator."""

from importlib import import_module
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

SERVICES = sorted(
    each.name for each in (Path(__file__).parents[2] / "services").iterdir() if (each / each.name).is_dir()
)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_describes_every_route(service: str) -> None:
    router = import_module(f"{service}.http").router
    app = FastAPI()
    app.include_router(router)
    document = app.openapi()
    assert document["openapi"].startswith("3.1")
    routes = {
        (route.path, method.lower())
        for route in router.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods
    }
    assert {(path, method) for path, methods in document["paths"].items() for method in methods} == routes
    assert routes
