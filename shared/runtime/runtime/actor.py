"""Who acts: a subject with roles and a place in the tree of divisions."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from qingdan.divisions import DivisionCode
from runtime.problems import Forbidden

ANY_DEPARTMENT: Final = "*"
SERVICE_SUBJECT: Final = "service:"
SERVICE_ROOT: Final = DivisionCode("000000000000")

ActorKind = Literal["user", "service", "operator", "auditor"]


class Role(StrEnum):
    """What a person or a program may do; its name is the word in a token's `roles`."""

    VILLAGE_CADRE = "village_cadre"
    TOWN_STAFF = "town_staff"
    DEPARTMENT_STAFF = "department_staff"
    ACCESS_APPROVER = "access_approver"
    SUPERVISOR = "supervisor"
    FINANCE_PREPARER = "finance_preparer"
    FINANCE_APPROVER = "finance_approver"
    SIGN_APPROVER = "sign_approver"
    AUDITOR = "auditor"
    INTEGRATOR = "integrator"
    OPERATOR = "operator"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody on whose behalf a transaction runs.

    division: the root of the subtree this actor sees. department: the only department whose rows it sees; None is
    all of them. Raises ValueError for nobody, for no role, and for department staff without a department.
    """

    subject: str
    roles: frozenset[Role]
    division: DivisionCode
    department: str | None = None

    def __post_init__(self) -> None:
        if not self.subject or not self.roles:
            raise ValueError("an actor has a subject and at least one role")
        if Role.DEPARTMENT_STAFF in self.roles and not self.department:
            raise ValueError("department staff is bound to a department: name it")

    def require(self, *roles: Role) -> None:
        """Raise Forbidden unless this actor has at least one of the roles."""
        if self.roles.isdisjoint(roles):
            raise Forbidden(roles_needed=sorted(roles))

    @property
    def kind(self) -> ActorKind:
        """How row-level security treats this actor. An auditor writes nothing, whatever other roles it has."""
        if Role.AUDITOR in self.roles:
            return "auditor"
        if Role.SERVICE in self.roles:
            return "service"
        return "operator" if Role.OPERATOR in self.roles else "user"

    @property
    def app_department(self) -> str:
        """The department that row-level security binds this actor to; '*' when it is not bound to one."""
        return self.department or ANY_DEPARTMENT


def service_actor(name: str) -> Actor:
    """The Actor as which a service's consumers, relay and runs act: it sees the whole tree."""
    return Actor(subject=SERVICE_SUBJECT + name, roles=frozenset({Role.SERVICE}), division=SERVICE_ROOT)
