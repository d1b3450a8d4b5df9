"""Events of the data hub: rows in from systems, facts and sealed identities inside, what became unnecessary outside."""

import re
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StrictBool, StrictInt, StringConstraints

from qingdan.event import ContractModel, EventBody
from qingdan.identity import BankAccount, PersonName, PhoneNumber, ResidentId
from qingdan.ids import CertificateCode, DatasetCode, DepartmentCode, FactName, FormCode, PersonId, SystemCode, Title
from qingdan.sealed import Sealed, WrappedKey


def _never_an_identity_number(key: str) -> str:
    if len(key) == 18 and re.fullmatch(ResidentId.PATTERN, key.upper()):
        try:
            ResidentId(key)
        except ValueError:
            return key
        raise ValueError("a source key is never an identity number")
    return key


SourceKey = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$"), AfterValidator(_never_an_identity_number)
]
"""A row's key in its system. It is opaque: a system whose key is the identity number sends a keyed hash of it."""

SubjectKey = Annotated[
    str, StringConstraints(pattern=r"^([ph]:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|c:[0-9]{12})$")
]
"""Whom facts are about: `p:` a person's id, `h:` a household's id, `c:` a county's division code (parameters)."""

FactText = Annotated[str, StringConstraints(strict=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
FactWhole = Annotated[StrictInt, Field(ge=-(2**53 - 1), le=2**53 - 1)]
FactValue = StrictBool | FactWhole | FactText | Annotated[tuple[FactText, ...], Field(max_length=100)] | None
"""Whole numbers in the unit that the fact names; dates as `2021-08-11` text; null when the source says so."""


class Fact(ContractModel):
    """One value about a subject."""

    name: FactName
    value: FactValue


Facts = Annotated[tuple[Fact, ...], Field(max_length=200)]


class RowReported(EventBody):
    """A system reports a row's full state as of its source time; whom it is about is sealed to the data hub."""

    KEY: ClassVar[str] = "source_key"

    type: Literal["row.reported.v1"] = "row.reported.v1"
    system: SystemCode
    dataset: DatasetCode
    source_key: SourceKey
    source_time: AwareDatetime
    removed: bool
    facts: Facts
    identity_keys: Annotated[tuple[WrappedKey, ...], Field(max_length=10)]
    identity: Sealed | None = Field(description="a sealed RowIdentity; null when the row is about no person")


class RowIdentity(ContractModel):
    """The clear payload of a row's `identity`. Never on a topic as it is."""

    resident_id: ResidentId
    name: PersonName | None


class FactsRecorded(EventBody):
    """The full state of one dataset for one subject; a tombstone under the same key says that it is gone."""

    KEY: ClassVar[str] = "subject"

    type: Literal["facts.recorded.v1"] = "facts.recorded.v1"
    subject: SubjectKey
    dataset: DatasetCode
    system: SystemCode
    source_time: AwareDatetime
    facts: Facts

    @property
    def event_key(self) -> str:
        """`p:<id>/<dataset>`: compaction keeps the last state of each dataset."""
        return f"{self.subject}/{self.dataset}"

    @property
    def order_key(self) -> str:
        """The subject: all datasets of one subject are in one partition."""
        return self.subject


class IdentityRecorded(EventBody):
    """A person's identity, sealed with the person's own key; destroying that key forgets the person."""

    KEY: ClassVar[str] = "person"

    type: Literal["identity.recorded.v1"] = "identity.recorded.v1"
    person: PersonId
    keys: Annotated[tuple[WrappedKey, ...], Field(min_length=1, max_length=10)]
    sealed: Sealed = Field(description="a sealed Identity")


class Identity(ContractModel):
    """The clear payload of `identity.recorded`. Never on a topic as it is."""

    person: PersonId
    name: PersonName
    resident_id: ResidentId
    account: BankAccount | None
    phone: PhoneNumber | None


class FormCancelled(EventBody):
    """A form became unnecessary: all its fields are facts already."""

    KEY: ClassVar[str] = "form"

    type: Literal["form.cancelled.v1"] = "form.cancelled.v1"
    form: FormCode
    department: DepartmentCode
    title_zh: Title
    title_en: Title
    replaced_by_system: SystemCode
    cancelled_on: date


class CertificateCancelled(EventBody):
    """A certificate became unnecessary: the department asks the data instead of the village."""

    KEY: ClassVar[str] = "certificate"

    type: Literal["certificate.cancelled.v1"] = "certificate.cancelled.v1"
    certificate: CertificateCode
    department: DepartmentCode
    title_zh: Title
    title_en: Title
    replaced_by_system: SystemCode | None = Field(description="null when a commitment or the department's check does")
    cancelled_on: date


class VolumeCounted(EventBody):
    """How many records a system has brought in so far."""

    KEY: ClassVar[str] = "system"

    type: Literal["volume.counted.v1"] = "volume.counted.v1"
    system: SystemCode
    department: DepartmentCode
    records: Annotated[int, Field(ge=0, le=2**53 - 1)]
    counted_at: AwareDatetime


RecordsInEvent = RowReported
RecordsFactsEvent = FactsRecorded
RecordsIdentitiesEvent = IdentityRecorded
RecordsEvent = Annotated[FormCancelled | CertificateCancelled | VolumeCounted, Field(discriminator="type")]
