"""Registers that most people are in: the population, school, work, insurance, and who has died."""

from typing import Final

from devkit.records.people import Person
from devkit.records.registrar import Registrar
from qingdan.ids import PersonId

DIBAO: Final = "dibao_household"
EDGE: Final = "dibao_edge_household"
LOW_INCOME: Final = "low_income_farm_household"
RELIEVED: Final = "poverty_relieved_household"
NEEDY: Final = (DIBAO, EDGE, LOW_INCOME, RELIEVED)


def enter_population(book: Registrar) -> None:
    """The police's register has everybody; a household's size counts the living."""
    for household in book.households:
        book.enter(household, "pop_registry", household_code=household.code, household_size=len(household.living))
        for person in household.members:
            book.enter(
                person,
                "pop_registry",
                birth_date=person.born.isoformat(),
                gender="male" if person.male else "female",
                is_alive=person.died is None,
                hukou_local=person.local,
                hukou_village_code=str(household.village),
                hukou_rural=household.rural,
                relation_to_head=person.relation,
                member_of_household=household.code,
            )


def enter_deaths(book: Registrar) -> None:
    """Most of the dead are cremated, and most of these buried under a tree."""
    for person in book.everybody:
        if person.died is not None:
            book.enter(person, "death_cause", death_date=person.died.isoformat())
            cremated = book.rng.random() < 0.9
            book.enter(person, "funeral", cremated=cremated, ecological_burial=cremated and book.rng.random() < 0.7)


def enter_schools(book: Registrar) -> None:
    """Pupils and students by age; some of those in need are placed where a grant is meant for them."""
    rng = book.rng
    placed = _place_the_needy(book)
    for person in book.aged(3, 21, among=book.living):
        years = book.age(person)
        stage = placed.get(person.id) or _stage(years, rng.random())
        if stage == "none":
            continue
        book.enter(
            person,
            "student_status",
            school_stage=stage,
            fulltime_enrolled=stage != "preschool" and (person.id in placed or rng.random() < 0.98),
            boarding_student=stage in {"primary", "junior"} and (person.id in placed or rng.random() < 0.1),
            admitted_undergraduate_this_year=stage == "undergraduate" and (person.id in placed or years == 18),
        )


def _place_the_needy(book: Registrar) -> dict[PersonId, str]:
    """Pupils and students of needy households by the stage of their school; the younger ones board."""
    placed: dict[PersonId, str] = {}

    def place(stage: str, youngest: int, oldest: int, homes: tuple[str, ...], per_10_000: int) -> None:
        those = [person for person in book.local if any(_is(book, person, kind) for kind in homes)]
        for person in book.draw(book.aged(youngest, oldest, among=those), per_10_000, but_not=lambda p: p.id in placed):
            placed[person.id] = stage

    place("primary", 6, 11, NEEDY, 30)
    place("junior", 12, 14, NEEDY, 15)
    place("vocational", 15, 17, (RELIEVED,), 5)
    place("senior", 15, 17, (DIBAO,), 5)
    place("undergraduate", 18, 19, (DIBAO, RELIEVED), 4)
    return placed


def _is(book: Registrar, person: Person, kind: str) -> bool:
    register = "social_assistance" if kind in {DIBAO, EDGE} else "poverty_monitor"
    return book.says(person.household, register, kind) is True


def _stage(years: int, lot: float) -> str:
    if years < 6:
        return "preschool"
    if years < 12:
        return "primary"
    if years < 15:
        return "junior"
    if years < 18:
        return "senior" if lot < 0.55 else "vocational"
    if lot < 0.4:
        return "undergraduate"
    return "junior_college" if lot < 0.7 and years < 21 else "none"


def enter_work(book: Registrar) -> None:
    """Who works, who looks for work, who works far away; public-welfare jobs; first businesses."""
    rng = book.rng
    of_age = book.aged(18, 57)
    for person in of_age:
        if book.says(person, "student_status", "fulltime_enrolled") or rng.random() > 0.55:
            continue
        status = rng.choices(("employed", "flexible", "registered_unemployed"), (70, 25, 5))[0]
        away = (
            rng.randrange(1, 12)
            if rng.random() < (0.5 if _is(book, person, LOW_INCOME) or _is(book, person, RELIEVED) else 0.1)
            else 0
        )
        book.enter(person, "employment", employment_status=status, outside_work_months_year=away)
        if status == "employed" and rng.random() < 0.8:
            book.enter(person, "social_insurance", has_work_unit=True)
    for person in book.draw(of_age, 40):
        since = book.years_before(rng.uniform(0.2, 1.8))
        book.enter(
            person,
            "employment",
            employment_status="flexible",
            public_welfare_job=True,
            public_welfare_job_since=since,
        )
    for person in book.draw(book.aged(22, 55), 30):
        _open_business(book, person)


def _open_business(book: Registrar, person: Person) -> None:
    """A first business; its owner has left school lately, or was out of work."""
    rng = book.rng
    since = book.years_before(rng.uniform(0.6, 3))
    code = f"92330523MA{rng.randrange(10**8):08}"
    book.enter(
        person,
        "market_entities",
        first_business_registration=True,
        business_registered_on=since,
        business_entity_code=code,
    )
    graduate = rng.random() < 0.5
    graduated = book.years_before(rng.uniform(1, 4) if graduate else rng.uniform(8, 20))
    book.enter(person, "student_status", graduated_on=graduated)
    if not graduate:
        book.enter(person, "employment", employment_status="registered_unemployed")


def enter_insurance(book: Registrar) -> None:
    """Pensions of the old, insurance of the others; nearly everybody is insured for illness."""
    rng = book.rng
    for person in book.aged(60):
        employee = rng.random() < 0.15
        book.enter(
            person,
            "social_insurance",
            employee_pension_receiving=employee,
            resident_pension_receiving=not employee,
        )
    for person in book.draw(book.aged(18, 59), 800):
        book.enter(person, "social_insurance", resident_pension_insured=True)
    for person in book.living:
        if rng.random() < 0.9:
            book.enter(person, "medical_insurance", medical_insured=True, medical_premium_personal_fen=40_000)


def enter_payroll_and_sentences(book: Registrar) -> None:
    """Who is paid by the state, and who is in prison."""
    for person in book.draw(book.aged(25, 75), 120):
        book.enter(person, "budget_execution", public_payroll=True)
    for person in book.draw(book.aged(20, 75), 8):
        book.enter(person, "crime_record", serving_sentence=True)
