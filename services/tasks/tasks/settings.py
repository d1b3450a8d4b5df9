"""All that the tasks service reads from its environment."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from qingdan.gate import DUPLICATE_WINDOW_DAYS
from qingdan.ids import DepartmentCode
from runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    """What every service reads, and what is this one's own."""

    duplicate_window_days: int = Field(
        DUPLICATE_WINDOW_DAYS,
        ge=0,
        le=366,
        description="within which another department's same ask is a duplicate",
    )
    departments: Annotated[tuple[DepartmentCode, ...], NoDecode, Field(max_length=100)] = ()
    """Those that may apply for access by event, separated by commas."""

    @field_validator("departments", mode="before")
    @classmethod
    def _split_departments(cls, departments: object) -> object:
        if isinstance(departments, str):
            return tuple(code for part in departments.split(",") if (code := part.strip()))
        return departments
