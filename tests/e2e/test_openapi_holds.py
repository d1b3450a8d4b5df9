"""Whatever fits or does not fit a service's OpenAPI document, no answer is a 5xx."""

from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error

from devkit.dev_users import USERS
from devkit.issuer import Issuer
from devkit.pytest_plugin import MakeService
from tests.e2e.test_bad_input import NOWHERE

ROLES = ("operator", "town_staff", "village_cadre", "supervisor")
CASES_PER_OPERATION = 12


@pytest.mark.parametrize("service", ["tasks", "inspection"])
def test_no_request_makes_the_service_fail(service: str, service_process: MakeService, issuer: Issuer) -> None:
    process = service_process(service, bootstrap=NOWHERE, extra={"PARTS": "http"})
    process.start()
    document = httpx2.get(f"{process.url}/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    schema = schemathesis.openapi.from_dict(document)
    tokens = [issuer.token_of(USERS[role]) for role in ROLES]
    asked = 0
    for operation in (result.ok() for result in schema.get_all_operations()):
        if operation.path.endswith(("/watch", "/changes")):
            continue  # a stream has no end to wait for; tests/broker drains one

        @given(case=operation.as_strategy())
        @settings(
            max_examples=CASES_PER_OPERATION,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            nonlocal asked
            asked += 1
            token = tokens[asked % len(tokens)]
            headers = {"Authorization": f"Bearer {token}"}
            answer = case.call(base_url=process.url, headers=headers, timeout=20)
            case.validate_response(answer, checks=[not_a_server_error])

        ask()
    assert asked > CASES_PER_OPERATION
    assert process.is_alive()
