"""A user for every role, and a second approver, in Wuguanying Town of Jize County, which the sample data holds."""

from dataclasses import dataclass, replace

COUNTRY = "000000000000"
COUNTY = "130431000000"
TOWNSHIP = "130431105000"
VILLAGE = "130431105205"  # Jiazhuang


@dataclass(frozen=True, slots=True)
class DevUser:
    """Who asks the local issuer for a token; `department` binds departments' own people to their department."""

    name: str
    roles: tuple[str, ...]
    division: str
    department: str | None = None

    def at(self, division: str | None = None, department: str | None = None) -> "DevUser":
        """The colleague with the same roles elsewhere: another village's secretary, another department's clerk."""
        return replace(self, division=division or self.division, department=department or self.department)

    @property
    def subject(self) -> str:
        """Two colleagues are two people, also where the audit trail or a rule of four eyes looks."""
        place = f"{self.division}:{self.department}" if self.department else self.division
        return f"{self.name}@{place}"


USERS: dict[str, DevUser] = {
    user.name: user
    for user in (
        DevUser("village_cadre", ("village_cadre",), VILLAGE),
        DevUser("town_staff", ("town_staff",), TOWNSHIP),
        DevUser("department_staff", ("department_staff",), COUNTY, "MZJ"),
        DevUser("access_approver", ("access_approver",), COUNTY),
        DevUser("access_checker", ("access_approver",), COUNTY),  # nobody gives two opinions on one application
        DevUser("supervisor", ("supervisor",), TOWNSHIP),
        DevUser("finance_preparer", ("finance_preparer",), COUNTY),
        DevUser("finance_approver", ("finance_approver",), COUNTY),
        DevUser("sign_approver", ("sign_approver",), COUNTY),
        DevUser("auditor", ("auditor",), COUNTRY),
        DevUser("integrator", ("integrator",), COUNTY),
        DevUser("operator", ("operator",), COUNTRY),
    )
}
