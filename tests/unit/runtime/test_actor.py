"""An actor has roles and a place; what it is not is denied."""

import pytest

from qingdan.divisions import DivisionCode
from runtime.actor import SERVICE_ROOT, Actor, Role, service_actor
from runtime.problems import Forbidden

VILLAGE = DivisionCode("130431105201")


def actor(*roles: Role, department: str | None = None) -> Actor:
    return Actor("li.wei", frozenset(roles), VILLAGE, department)


def test_one_of_the_roles_needed_is_enough() -> None:
    staff = actor(Role.TOWN_STAFF)
    staff.require(Role.SUPERVISOR, Role.TOWN_STAFF)
    with pytest.raises(Forbidden):
        staff.require(Role.SUPERVISOR)


def test_without_the_role_it_is_forbidden_and_said_which_is_needed() -> None:
    with pytest.raises(Forbidden) as caught:
        actor(Role.VILLAGE_CADRE).require(Role.TOWN_STAFF, Role.OPERATOR)
    assert caught.value.details == {"roles_needed": ["operator", "town_staff"]}


@pytest.mark.parametrize(
    ("roles", "kind"),
    [
        ((Role.VILLAGE_CADRE,), "user"),
        ((Role.OPERATOR, Role.TOWN_STAFF), "operator"),
        ((Role.SERVICE,), "service"),
        ((Role.AUDITOR,), "auditor"),
        ((Role.AUDITOR, Role.OPERATOR, Role.TOWN_STAFF), "auditor"),
    ],
)
def test_an_auditor_is_an_auditor_whatever_else_it_is(roles: tuple[Role, ...], kind: str) -> None:
    assert actor(*roles).kind == kind


def test_only_who_has_a_department_is_bound_to_it() -> None:
    assert actor(Role.DEPARTMENT_STAFF, department="MZJ").app_department == "MZJ"
    assert actor(Role.TOWN_STAFF).app_department == "*"


def test_nobody_no_role_and_department_staff_of_nowhere_are_no_actors() -> None:
    for subject, roles, department in (
        ("", {Role.OPERATOR}, None),
        ("li.wei", set[Role](), None),
        ("li.wei", {Role.DEPARTMENT_STAFF}, None),
        ("li.wei", {Role.DEPARTMENT_STAFF}, ""),
    ):
        with pytest.raises(ValueError, match=r"subject|department"):
            Actor(subject, frozenset(roles), VILLAGE, department)


def test_a_service_sees_the_whole_tree() -> None:
    service = service_actor("tasks")
    assert (service.subject, service.kind, service.division) == ("service:tasks", "service", SERVICE_ROOT)
    assert service.app_department == "*"
