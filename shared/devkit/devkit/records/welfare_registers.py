"""Registers of need: assistance, poverty, disability, care, children, families, sudden hardship."""

from devkit.records.people import Household, Person
from devkit.records.registrar import Registrar

_TYPES = ("vision", "hearing", "speech", "physical", "intellectual", "mental")


def enter_assistance(book: Registrar) -> None:
    """Subsistence and edge households, with their checked incomes; persons in extreme difficulty, who live alone."""
    rng = book.rng
    alone = [home for home in book.households if len(home.members) == 1 and home.head.local]
    old_alone = [home for home in alone if 60 <= book.age(home.head) < 95 and home is not book.households[0]]
    chosen: set[Household] = set()
    for number, home in enumerate(book.draw(old_alone, 35, at_least=15)):
        chosen.add(home)
        _recognise_extreme_difficulty(book, home.head, number)
    free = [home for home in book.households[1:] if home not in chosen and home.head.local]
    dibao = {
        *book.draw(with_somebody_aged(book, free, 15, 17), 8, at_least=9),
        *book.draw(with_somebody_aged(book, free, 18, 19), 5),
        *book.draw(free, 85),
    }
    for home in sorted(dibao, key=lambda home: home.code):
        book.enter(home, "social_assistance", dibao_household=True)
        income = None if rng.random() < 0.03 else rng.randrange(20_000, 108_000)
        _check_economy(book, home, income, property_ok=rng.random() < 0.97)
    for home in book.draw(free, 50, but_not=dibao.__contains__):
        book.enter(home, "social_assistance", dibao_edge_household=True)
        _check_economy(book, home, rng.randrange(117_000, 160_000), property_ok=True)


def with_somebody_aged(book: Registrar, homes: list[Household], youngest: int, oldest: int) -> list[Household]:
    """Those of the households in which a local of that age lives."""
    return [home for home in homes if book.aged(youngest, oldest, among=[p for p in home.living if p.local])]


def _recognise_extreme_difficulty(book: Registrar, person: Person, number: int) -> None:
    mode = "centralised" if number % 3 == 0 else "dispersed"
    book.enter(person, "social_assistance", is_tekun=True, tekun_mode=mode)
    care = ("full", "partial", "self", "partial", "self")[number % 5]
    book.enter(person, "elderly_service", care_dependency=care)


def _check_economy(book: Registrar, home: Household, income_fen: int | None, *, property_ok: bool) -> None:
    """An income of None is still being checked: the register says that it does not know."""
    book.enter(
        home,
        "family_economy_check",
        household_income_per_capita_fen_month=income_fen,
        household_property_ok=property_ok,
    )


def enter_poverty(book: Registrar) -> None:
    """Low-income farm households and those relieved from poverty; some have pupils, loans, a forest to watch."""
    rng = book.rng
    free = [home for home in book.households[1:] if home.head.local]
    not_assisted = [home for home in free if not book.says(home, "social_assistance", "dibao_household")]
    with_pupils = with_somebody_aged(book, not_assisted, 15, 17)
    low = {*book.draw(with_pupils, 10), *book.draw(free, 80)}
    relieved = {*book.draw(with_pupils, 10, but_not=low.__contains__), *book.draw(free, 40, but_not=low.__contains__)}
    for home in sorted(low | relieved, key=lambda home: home.code):
        fact = "low_income_farm_household" if home in low else "poverty_relieved_household"
        book.enter(home, "poverty_monitor", **{fact: True})
    poor = sorted(low | relieved, key=lambda home: home.code)
    for home in book.draw(poor, 25):
        paid = rng.randrange(20_000, 90_000)
        book.enter(
            home,
            "finance_credit",
            microloan_interest_paid_fen_quarter=paid,
            microloan_overdue=rng.random() < 0.1,
        )
    grown = [person for home in poor for person in home.living if 20 <= book.age(person) <= 62]
    for person in book.draw(grown, 25):
        book.enter(person, "forest_fire", ecological_ranger=True)


def enter_disability(book: Registrar) -> None:
    """Three in a hundred, more in assisted households; a few cards have run out."""
    rng = book.rng
    assisted = [person for person in book.local if book.says(person.household, "social_assistance", "dibao_household")]
    children = book.aged(3, 15)
    disabled = {
        person.id: person
        for person in (
            *book.draw(book.local, 200),
            *book.draw(assisted, 45),
            *book.draw(book.aged(0, 15, among=assisted), 4),
            *book.draw(children, 15),
        )
    }
    for number, person in enumerate(disabled.values()):
        kind = rng.choice(_TYPES)
        book.enter(
            person,
            "disability",
            disability_level=(1, 2, 3, 4, 2, 3, 4)[number % 7],
            disability_types=(kind,) if rng.random() < 0.9 else (kind, rng.choice(_TYPES)),
            disability_cert_valid=rng.random() < 0.97,
            wheelchair_vehicle_registered=kind == "physical" and rng.random() < 0.5,
            rehab_service_months_year=rng.randrange(1, 13) if book.age(person) < 18 and rng.random() < 0.7 else 0,
        )
    carded = [person for person in disabled.values() if book.says(person, "disability", "disability_cert_valid")]
    for person in book.draw(book.aged(20, 55, among=carded), 5):
        since = book.years_before(rng.uniform(0.8, 3))
        code = f"92330523MB{rng.randrange(10**8):08}"
        book.enter(
            person,
            "market_entities",
            first_business_registration=True,
            business_registered_on=since,
            business_entity_code=code,
        )
        book.enter(person, "student_status", graduated_on=book.years_before(rng.uniform(8, 20)))
    severe = [person for person in carded if book.says(person, "disability", "disability_level") in {1, 2}]
    for person in book.draw(book.aged(20, 55, among=severe), 25):
        book.enter(person, "social_insurance", resident_pension_insured=True)
    for person in book.draw(carded, 2):
        book.enter(person, "social_insurance", work_injury_nursing_receiving=True)


def enter_care(book: Registrar) -> None:
    """Assessments of the old; of a few the result is not known yet."""
    rng = book.rng
    others = [person for person in book.local if not book.says(person, "elderly_service", "care_dependency")]
    old = book.aged(62, among=others)
    assisted = [
        person
        for person in old
        if book.says(person.household, "social_assistance", "dibao_household")
        or book.says(person.household, "social_assistance", "dibao_edge_household")
    ]
    for person in book.draw(old, 60):
        book.enter(person, "elderly_service", care_dependency=rng.choice(("self", "partial", "full")))
    unable = book.draw(assisted, 12)
    for person in unable:
        book.enter(person, "elderly_service", care_dependency="full")
    for person in book.draw(assisted, 3, but_not=unable.__contains__)[:3]:
        book.enter(person, "elderly_service", care_dependency=None)


def enter_children(book: Registrar) -> None:
    """Orphans, children whom nobody looks after, children left behind by parents who work far away."""
    rng = book.rng

    def is_assisted(person: Person) -> bool:
        return bool(book.says(person.household, "social_assistance", "dibao_household"))

    def is_child_of_another(person: Person) -> bool:
        return person.relation == "other"

    children = book.aged(1, 15)
    raised_by_others = [child for child in children if is_child_of_another(child)]
    orphans = book.draw(raised_by_others, 12, but_not=is_assisted)
    for number, child in enumerate(orphans):
        care = "institution" if number % 2 == 0 else "dispersed"
        book.enter(child, "child_welfare", is_orphan=True, orphan_care=care, guardian_registered=True)
    unattended = book.draw(raised_by_others, 8, but_not=orphans.__contains__)
    for child in unattended:
        book.enter(child, "child_welfare", de_facto_unattended_child=True, guardian_registered=True)
    known = {child.id for child in (*orphans, *unattended)}
    needy = [child for child in children if is_assisted(child) and child.id not in known]
    for child in (*book.draw(needy, 12), *rng.sample(raised_by_others, len(raised_by_others) // 2)):
        book.enter(child, "child_welfare", left_behind_child=True)


def enter_families(book: Registrar) -> None:
    """Parents of an only child or two daughters, and of an only child that died or is disabled."""
    rng = book.rng
    for person in book.draw(book.aged(50), 400):
        book.enter(person, "birth_family", rural_one_child_or_two_girls=True, child_count=rng.choice((1, 2)))
    parents = book.aged(50, 78, among=(p for p in book.local if not book.says(p, "birth_family", "child_count")))
    bereft = book.draw(parents, 15)
    for person in bereft:
        book.enter(person, "birth_family", only_child_certificate=True, only_child_deceased=True)
    for number, person in enumerate(book.draw(parents, 15, but_not=bereft.__contains__)):
        grade = 1 + number % 4
        book.enter(person, "birth_family", only_child_certificate=True, only_child_disabled_grade=grade, child_count=1)


def enter_health(book: Registrar) -> None:
    """Old village doctors, and those who look after somebody with a severe mental disorder."""
    rng = book.rng
    for person in book.draw(book.aged(60), 35):
        book.enter(person, "health_records", village_doctor_years=rng.randrange(1, 41))
    guardians = book.draw(book.aged(30, 75), 30)
    for person in guardians:
        book.enter(person, "health_records", guardian_of_severe_mental_patient=True)
    for person in guardians[::15]:
        book.enter(person, "alarm_110", guardian_duty_incident_year=True)


def enter_sudden_hardship(book: Registrar) -> None:
    """Fires, accidents, illness, the cost of school; houses that a storm destroyed."""
    rng = book.rng
    homes = [home for home in book.households[1:] if home.head.local]
    for home in book.draw(homes, 35):
        cause = rng.choice(("fire", "accident", "illness", "education", "other"))
        book.enter(home, "emergency_mgmt", emergency_cause=cause)
        if book.says(home, "family_economy_check", "household_income_per_capita_fen_month") is None:
            _check_economy(book, home, rng.randrange(60_000, 220_000), property_ok=True)
    for number, home in enumerate(book.draw(homes, 15)):
        rooms = (1, 0, 2, 1, 3, 6, 0, 4)[number % 8]
        book.enter(home, "emergency_mgmt", disaster_affected=True, disaster_house_destroyed_rooms=rooms)
        book.enter(home, "real_estate", only_house=rng.random() < 0.85, homestead_confirmed=True)
