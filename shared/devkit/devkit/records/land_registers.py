"""Registers of land, farms, houses and forests: what rural households own, grow, rebuild and lose."""

from devkit.records.people import Household
from devkit.records.registrar import Registrar


def enter_land(book: Registrar) -> None:
    """Contracted farmland of most rural households; some lease in and grow grain or rape on a large scale."""
    rng = book.rng
    rural = rural_households(book)
    farmers = [home for home in rural if rng.random() < 0.7]
    for home in farmers:
        book.enter(home, "land_contract", contracted_farmland_mu_x100=rng.randrange(80, 900))
    for home in book.draw(farmers, 90):
        book.enter(home, "farm_subsidy", farmland_abandoned=True)
    for home in book.draw(farmers, 40):
        leased = rng.randrange(1_500, 20_000)
        book.enter(home, "land_contract", farmland_leased_in_mu_x100=leased)
        book.enter(home, "farm_subsidy", grain_area_mu_x100=leased)
    for home in book.draw(farmers, 60):
        book.enter(home, "farm_subsidy", early_rice_area_mu_x100=rng.randrange(50, 800))
    for home in book.draw(farmers, 60):
        book.enter(home, "farm_subsidy", rape_area_mu_x100=rng.randrange(200, 1_500))
    for home in book.draw(farmers, 250):
        book.enter(home, "farm_subsidy", insurance_premium_fen=rng.randrange(3_000, 60_000))


def enter_farms(book: Registrar) -> None:
    """Machines bought and scrapped, animals culled, white-tea gardens renewed."""
    rng = book.rng
    rural = rural_households(book)
    for home in book.draw(rural, 20):
        book.enter(home, "farm_machinery", machinery_subsidy_assessed_fen=rng.randrange(80_000, 3_000_000, 100))
    for home in book.draw(rural, 8):
        book.enter(home, "farm_machinery", machinery_scrap_assessed_fen=rng.randrange(50_000, 800_000, 100))
    for number, home in enumerate(book.draw(rural, 25)):
        culled = rng.randrange(100_000, 2_000_000, 100) if number % 4 == 0 or number < 3 else 0
        book.enter(
            home,
            "animal_health",
            breeding_stock_count=rng.randrange(5, 400),
            culling_compensation_assessed_fen=culled,
        )
    for home in book.draw(rural, 200):
        area, accepted = rng.randrange(60, 3_000), rng.random() < 0.15
        book.enter(home, "white_tea", tea_garden_area_mu_x100=area, tea_eco_upgrade_accepted=accepted)


def enter_forests(book: Registrar) -> None:
    """Forest that its owners may not fell; people who had to make room for a reservoir."""
    rng = book.rng
    rural = rural_households(book)
    for home in book.draw(rural, 300):
        book.enter(home, "forest_compensation", ecological_forest_mu_x100=rng.randrange(200, 6_000))
    for home in book.draw(rural, 120):
        book.enter(home, "forest_compensation", natural_commercial_forest_mu_x100=rng.randrange(200, 4_000))
    for home in book.draw(rural, 25):
        for person in home.living:
            book.enter(person, "reservoir_migrants", reservoir_migrant=True)


def enter_houses(book: Registrar) -> None:
    """Dangerous houses of needy households and whether they are rebuilt; toilets."""
    rng = book.rng
    rural = rural_households(book)
    for home in book.draw([home for home in rural if home.head.local], 60):
        book.enter(home, "toilet_revolution", toilet_retrofit_accepted=rng.random() < 0.9)
    needy = [
        home
        for home in book.households[1:]
        if book.says(home, "social_assistance", "dibao_household")
        or book.says(home, "poverty_monitor", "poverty_relieved_household")
        or book.says(home.head, "social_assistance", "is_tekun")
    ]
    for number, home in enumerate(book.draw(needy, 8)):
        rebuilt = number % 4 != 3
        book.enter(home, "rural_housing", house_danger_level="D", house_rebuild_accepted=rebuilt)
        book.enter(home, "real_estate", only_house=True, homestead_confirmed=True)
    for home in book.draw(
        rural, 60, but_not=lambda home: book.says(home, "rural_housing", "house_danger_level") is not None
    ):
        book.enter(home, "rural_housing", house_danger_level=rng.choice("ABC"))


def rural_households(book: Registrar) -> list[Household]:
    """All but the canary's, so that what she is entitled to stays what it is."""
    return [home for home in book.households[1:] if home.rural]
