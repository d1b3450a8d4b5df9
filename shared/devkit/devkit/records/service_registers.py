"""Registers of service and office: veterans, the bereaved, conscripts, Party members, former village cadres."""

from devkit.records.people import Person
from devkit.records.registrar import Registrar


def enter_veterans(book: Registrar) -> None:
    """Veterans by what they are recognised as; a person is in one kind, as recognition is."""
    rng = book.rng
    known: set[Person] = set()

    def some(youngest: int, oldest: int, per_10_000: int) -> list[Person]:
        chosen = book.draw(book.aged(youngest, oldest), per_10_000, but_not=known.__contains__)
        known.update(chosen)
        return chosen

    for person in some(89, 110, 3):
        book.enter(person, "veterans", demobilised_before_1954_11=True)
    for person in some(55, 85, 14):
        book.enter(person, "veterans", sick_returned_veteran=True)
    for person in some(63, 73, 25):
        book.enter(person, "veterans", war_or_nuclear_veteran=True)
    for person in some(60, 88, 150):
        years = rng.choices((1, 2, 3, 4, 5, 6, 8), (4, 30, 30, 20, 8, 5, 3))[0]
        book.enter(person, "veterans", veteran_rural=True, conscript_service_years=years)
    for person in some(62, 92, 5):
        book.enter(person, "veterans", martyr_child=True)
    for person in some(40, 90, 8):
        book.enter(
            person,
            "veterans",
            bereaved_family_registered=True,
            bereaved_pension_standard_fen_year=rng.randrange(3_200_000, 4_200_000, 1_000),
        )
    for number, person in enumerate(some(30, 85, 20)):
        grade = 1 + number % 10
        nursing = (420_000, 340_000, 280_000, 210_000)[grade - 1] if grade <= 4 else 0
        book.enter(
            person,
            "veterans",
            veteran_disability_grade=grade,
            veteran_disability_standard_fen_year=13_000_000 - grade * 1_100_000,
            veteran_nursing_standard_fen_month=nursing,
        )
    for number, person in enumerate(some(19, 35, 8)):
        book.enter(person, "veterans", merit_award_class=3 if number % 4 else 2)


def enter_conscripts(book: Registrar) -> None:
    """Households with a conscript; those in their third year are no longer paid for."""
    rng = book.rng
    homes = [home for home in book.households[1:] if any(40 <= book.age(person) <= 58 for person in home.living)]
    for home in book.draw(homes, 20):
        year = rng.choices((1, 2, 3), (45, 45, 10))[0]
        book.enter(home, "conscription", serving_conscript_in_household=True, conscript_service_year=year)


def enter_party(book: Registrar) -> None:
    """Old members. Whoever joined before October 1949 has long been a member for fifty years too, and that allowance
    wins the exclusion by its smaller number. So the larger one goes to those who are registered in another county.
    """
    rng = book.rng
    enlisted = [person for person in book.local if book.says(person, "veterans", "demobilised_before_1954_11")]
    for person in book.draw(book.aged(95, 99), 3, but_not=enlisted.__contains__):
        person.local = False
        person.household.rural = True
        book.enter(person, "party_members", party_joined_on="1949-05-01", party_joined_before_1949_10=True)
        book.enter(person, "social_insurance", resident_pension_receiving=True, employee_pension_receiving=False)
    for person in book.draw(book.aged(70, 94), 110):
        joined: float = book.age(person) - rng.randrange(18, 24)
        book.enter(person, "party_members", party_joined_on=book.years_before(joined))
    for person in book.draw(book.aged(20, 69), 250):
        joined = rng.uniform(0.5, book.age(person) - 18.5)
        book.enter(person, "party_members", party_joined_on=book.years_before(joined))


def enter_village_cadres(book: Registrar) -> None:
    """Those who have left office; a few were sanctioned, or left otherwise."""
    rng = book.rng
    former = book.draw(book.aged(60, 90), 90)
    for person in former:
        book.enter(
            person,
            "village_cadres",
            left_village_post_normally=rng.random() < 0.95,
            village_post_rank="principal" if rng.random() < 0.7 else "member",
            village_post_years=rng.randrange(6, 31),
        )
    for person in former[::20]:
        book.enter(person, "village_funds_watch", discipline_sanction=True)
