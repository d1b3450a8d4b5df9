"""The vocabulary: what each fact is, which register it comes from, and what no row in a complete register means."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

Entity = Literal["person", "household", "county"]
FactType = Literal["bool", "int", "string", "list", "date"]
Absent = bool | int | str | tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class FactDefinition:
    """One fact.

    values: what a text, or an entry of a list, can be; empty: anything. absent: what it means that a complete register
    has no row; None: nothing, the fact is unknown. derived_from: a date, or our own payments; such a fact is computed
    for each run and never comes in.
    """

    name: str
    entity: Entity
    type: FactType
    unit: str = ""
    values: tuple[str, ...] = ()
    register: str = ""
    department: str = ""
    absent: Absent = None
    derived_from: str = ""


def _person(
    name: str,
    kind: FactType,
    *,
    unit: str = "",
    values: tuple[str, ...] = (),
    absent: Absent = None,
    derived_from: str = "",
) -> FactDefinition:
    return FactDefinition(name, "person", kind, unit, values, absent=absent, derived_from=derived_from)


def _household(
    name: str,
    kind: FactType,
    *,
    unit: str = "",
    values: tuple[str, ...] = (),
    absent: Absent = None,
    derived_from: str = "",
) -> FactDefinition:
    return FactDefinition(name, "household", kind, unit, values, absent=absent, derived_from=derived_from)


def _county(name: str, kind: FactType, *, unit: str = "") -> FactDefinition:
    return FactDefinition(name, "county", kind, unit)


def _register(register: str, department: str, *facts: FactDefinition) -> tuple[FactDefinition, ...]:
    return tuple(replace(fact, register=register, department=department) for fact in facts)


# A register lists who is registered: once it is complete, no row means no. What it measures or describes of everybody
# (the population register, incomes, scores) stays unknown without a row.
FACTS: Final[tuple[FactDefinition, ...]] = (
    *_register(
        "pop_registry",
        "GAJ",
        _household("household_code", "string"),
        _person("age_years", "int", unit="years", derived_from="birth_date"),
        _person("age_months", "int", unit="months", derived_from="birth_date"),
        _person("birth_date", "date", unit="ISO date"),
        _person("gender", "string", values=("male", "female")),
        _person("is_alive", "bool"),
        _person("hukou_local", "bool"),
        _person("hukou_village_code", "string", unit="12-digit code"),
        _person("hukou_rural", "bool"),
        _person("relation_to_head", "string", values=("head", "spouse", "child", "parent", "other")),
        _household("household_size", "int", unit="persons"),
        _person("member_of_household", "string", unit="household code"),
    ),
    *_register(
        "death_cause",
        "WJJ",
        _person("death_date", "date", unit="ISO date"),
    ),
    *_register(
        "residence_permit",
        "GAJ",
        _person("residence_months", "int", unit="months", absent=0, derived_from="residence_since"),
        _person("residence_since", "date", unit="ISO date"),
    ),
    *_register(
        "crime_record",
        "GAJ",
        _person("serving_sentence", "bool", absent=False),
    ),
    *_register(
        "budget_execution",
        "CZJ",
        _person("public_payroll", "bool", absent=False),
    ),
    *_register(
        "marriage_reg",
        "MZJ",
        _person("marital_status", "string", values=("single", "married", "divorced", "widowed")),
    ),
    *_register(
        "child_welfare",
        "MZJ",
        _person("guardian_registered", "bool", absent=False),
        _person("is_orphan", "bool", absent=False),
        _person("orphan_care", "string", values=("none", "dispersed", "institution"), absent="none"),
        _person("de_facto_unattended_child", "bool", absent=False),
        _person("left_behind_child", "bool", absent=False),
    ),
    *_register(
        "social_card",
        "RSJ",
        _person("bank_card_active", "bool", absent=False),
    ),
    *_register(
        "student_status",
        "JYJ",
        _person(
            "school_stage",
            "string",
            values=(
                "none",
                "preschool",
                "primary",
                "junior",
                "senior",
                "vocational",
                "junior_college",
                "undergraduate",
            ),
            absent="none",
        ),
        _person("fulltime_enrolled", "bool", absent=False),
        _person("boarding_student", "bool", absent=False),
        _person("admitted_undergraduate_this_year", "bool", absent=False),
        _person("graduation_years_ago", "int", unit="years", absent=-1, derived_from="graduated_on"),
        _person("private_teacher_years", "int", unit="years", absent=0),
        _person("graduated_on", "date", unit="ISO date"),
    ),
    *_register(
        "employment",
        "RSJ",
        _person(
            "employment_status",
            "string",
            values=("none", "employed", "flexible", "registered_unemployed", "student", "retired"),
            absent="none",
        ),
        _person("public_welfare_job", "bool", absent=False),
        _person("public_welfare_job_months", "int", unit="months", absent=0, derived_from="public_welfare_job_since"),
        _person("outside_work_months_year", "int", unit="months", absent=0),
        _county("local_min_wage_fen_month", "int", unit="fen/month"),
        _person("public_welfare_job_since", "date", unit="ISO date"),
    ),
    *_register(
        "market_entities",
        "SCJ",
        _person("first_business_registration", "bool", absent=False),
        _person("business_running_months", "int", unit="months", absent=0, derived_from="business_registered_on"),
        _person("business_entity_code", "string", unit="18 characters"),
        _person("business_registered_on", "date", unit="ISO date"),
    ),
    *_register(
        "skills_cert",
        "RSJ",
        _person("skill_cert_level", "int", unit="0-5", absent=0),
    ),
    *_register(
        "family_economy_check",
        "MZJ",
        _person("monthly_income_fen", "int", unit="fen/month"),
        _household("household_income_per_capita_fen_month", "int", unit="fen/month"),
        _household("household_property_ok", "bool"),
    ),
    *_register(
        "social_insurance",
        "RSJ",
        _person("resident_pension_receiving", "bool", absent=False),
        _person("employee_pension_receiving", "bool", absent=False),
        _person("resident_pension_insured", "bool", absent=False),
        _person("work_injury_nursing_receiving", "bool", absent=False),
        _person("has_work_unit", "bool", absent=False),
    ),
    *_register(
        "medical_insurance",
        "YBJ",
        _person("medical_insured", "bool", absent=False),
        _person("medical_premium_personal_fen", "int", unit="fen/year", absent=0),
        _person("medical_self_pay_fen_year", "int", unit="fen/year", absent=0),
    ),
    *_register(
        "disability",
        "CLH",
        _person("disability_level", "int", unit="0-4", absent=0),
        _person(
            "disability_types",
            "list",
            values=("vision", "hearing", "speech", "physical", "intellectual", "mental"),
            absent=(),
        ),
        _person("disability_cert_valid", "bool", absent=False),
        _person("wheelchair_vehicle_registered", "bool", absent=False),
        _person("rehab_service_months_year", "int", unit="months", absent=0),
    ),
    *_register(
        "elderly_service",
        "MZJ",
        _person("care_dependency", "string", values=("self", "partial", "full"), absent="none"),
    ),
    *_register(
        "social_assistance",
        "MZJ",
        _household("dibao_household", "bool", absent=False),
        _household("dibao_edge_household", "bool", absent=False),
        _person(
            "dibao_paid_per_capita_fen_month",
            "int",
            unit="fen/month",
            derived_from="payments of B01 in the period before",
        ),
        _person(
            "hardship_disability_paid_fen_month",
            "int",
            unit="fen/month",
            derived_from="payments of B17 in the period before",
        ),
        _person("is_tekun", "bool", absent=False),
        _person("tekun_mode", "string", values=("none", "dispersed", "centralised"), absent="none"),
        _county("local_dibao_line_fen_month", "int", unit="fen/month"),
        _household("temporary_aid_count_year", "int", unit="times", derived_from="payments of B07 in the year"),
    ),
    *_register(
        "funeral",
        "MZJ",
        _person("ecological_burial", "bool", absent=False),
        _person("cremated", "bool", absent=False),
        _person("months_since_death", "int", unit="months", derived_from="death_date"),
    ),
    *_register(
        "price_monitor",
        "FGJ",
        _county("price_linkage_triggered", "bool"),
    ),
    *_register(
        "poverty_monitor",
        "NYJ",
        _household("low_income_farm_household", "bool", absent=False),
        _household("poverty_relieved_household", "bool", absent=False),
    ),
    *_register(
        "emergency_mgmt",
        "YJJ",
        _household(
            "emergency_cause",
            "string",
            values=("none", "fire", "accident", "illness", "education", "other"),
            absent="none",
        ),
        _household("disaster_affected", "bool", absent=False),
        _household("disaster_house_destroyed_rooms", "int", unit="rooms", absent=0),
        _household("winter_hardship_confirmed", "bool", absent=False),
    ),
    *_register(
        "fire_rescue",
        "XFD",
        _household("fire_loss_confirmed", "bool", absent=False),
    ),
    *_register(
        "power_usage",
        "FGJ",
        _household("electricity_kwh_month", "int", unit="kWh/month"),
    ),
    *_register(
        "birth_family",
        "WJJ",
        _person("child_count", "int", unit="children", absent=0),
        _person("only_child_certificate", "bool", absent=False),
        _person("rural_one_child_or_two_girls", "bool", absent=False),
        _person("only_child_deceased", "bool", absent=False),
        _person("only_child_disabled_grade", "int", unit="0-4", absent=0),
        _person("birth_order", "int", unit="1.."),
    ),
    *_register(
        "health_records",
        "WJJ",
        _person("village_doctor_years", "int", unit="years", absent=0),
        _person("guardian_of_severe_mental_patient", "bool", absent=False),
        _person("mental_patient_followup", "bool", absent=False),
        _person("last_health_check_date", "date", unit="ISO date"),
        _household("vaccinated_children_complete", "bool"),
    ),
    *_register(
        "alarm_110",
        "GAJ",
        _person("guardian_duty_incident_year", "bool", absent=False),
    ),
    *_register(
        "veterans",
        "TYJ",
        _person("veteran_rural", "bool", absent=False),
        _person("conscript_service_years", "int", unit="years", absent=0),
        _person("veteran_disability_grade", "int", unit="0-10", absent=0),
        _person("veteran_disability_standard_fen_year", "int", unit="fen/year", absent=0),
        _person("veteran_nursing_standard_fen_month", "int", unit="fen/month", absent=0),
        _person("bereaved_family_registered", "bool", absent=False),
        _person("bereaved_pension_standard_fen_year", "int", unit="fen/year", absent=0),
        _person("demobilised_before_1954_11", "bool", absent=False),
        _person("sick_returned_veteran", "bool", absent=False),
        _person("war_or_nuclear_veteran", "bool", absent=False),
        _person("martyr_child", "bool", absent=False),
        _person("merit_award_class", "int", unit="0-3", absent=0),
    ),
    *_register(
        "conscription",
        "RWB",
        _household("serving_conscript_in_household", "bool", absent=False),
        _household("conscript_service_year", "int", unit="1-2", absent=0),
        _person("military_age_registered", "bool", absent=False),
    ),
    *_register(
        "party_members",
        "ZZB",
        _person("party_years", "int", unit="years", absent=0, derived_from="party_joined_on"),
        _person("party_joined_before_1949_10", "bool", absent=False),
        _person("party_joined_on", "date", unit="ISO date"),
    ),
    *_register(
        "village_cadres",
        "ZZB",
        _person("left_village_post_normally", "bool", absent=False),
        _person("village_post_rank", "string", values=("none", "principal", "member"), absent="none"),
        _person("village_post_years", "int", unit="years", absent=0),
    ),
    *_register(
        "village_funds_watch",
        "JWJ",
        _person("discipline_sanction", "bool", absent=False),
    ),
    *_register(
        "culture_tourism",
        "WLJ",
        _person("film_projectionist_years", "int", unit="years", absent=0),
    ),
    *_register(
        "animal_health",
        "NYJ",
        _person("animal_epidemic_worker_years", "int", unit="years", absent=0),
        _household("culling_compensation_assessed_fen", "int", unit="fen", absent=0),
        _household("breeding_stock_count", "int", unit="head", absent=0),
    ),
    *_register(
        "collective_assets",
        "NYJ",
        _person("collective_member", "bool", absent=False),
    ),
    *_register(
        "land_contract",
        "NYJ",
        _household("contracted_farmland_mu_x100", "int", unit="0.01 mu", absent=0),
        _household("farmland_leased_in_mu_x100", "int", unit="0.01 mu", absent=0),
    ),
    *_register(
        "farm_subsidy",
        "NYJ",
        _household("farmland_abandoned", "bool", absent=False),
        _household("grain_area_mu_x100", "int", unit="0.01 mu", absent=0),
        _household("early_rice_area_mu_x100", "int", unit="0.01 mu", absent=0),
        _household("rape_area_mu_x100", "int", unit="0.01 mu", absent=0),
        _household("insurance_premium_fen", "int", unit="fen/year", absent=0),
    ),
    *_register(
        "white_tea",
        "NYJ",
        _household("tea_garden_area_mu_x100", "int", unit="0.01 mu", absent=0),
        _household("tea_eco_upgrade_accepted", "bool", absent=False),
    ),
    *_register(
        "farm_machinery",
        "NYJ",
        _household("machinery_subsidy_assessed_fen", "int", unit="fen", absent=0),
        _household("machinery_scrap_assessed_fen", "int", unit="fen", absent=0),
    ),
    *_register(
        "finance_credit",
        "ZFB",
        _household("microloan_interest_paid_fen_quarter", "int", unit="fen/quarter", absent=0),
        _household("microloan_overdue", "bool", absent=False),
    ),
    *_register(
        "toilet_revolution",
        "NYJ",
        _household("toilet_retrofit_accepted", "bool", absent=False),
    ),
    *_register(
        "forest_compensation",
        "LYJ",
        _household("ecological_forest_mu_x100", "int", unit="0.01 mu", absent=0),
        _household("natural_commercial_forest_mu_x100", "int", unit="0.01 mu", absent=0),
    ),
    *_register(
        "forest_rights",
        "LYJ",
        _household("returned_farmland_mu_x100", "int", unit="0.01 mu", absent=0),
    ),
    *_register(
        "forest_fire",
        "LYJ",
        _person("ecological_ranger", "bool", absent=False),
    ),
    *_register(
        "reservoir_migrants",
        "SLJ",
        _person("reservoir_migrant", "bool", absent=False),
        _person("migrant_support_years_used", "int", unit="years", derived_from="payments of B60 so far"),
    ),
    *_register(
        "rural_housing",
        "ZJJ",
        _household("house_danger_level", "string", values=("none", "A", "B", "C", "D"), absent="none"),
        _household("house_rebuild_accepted", "bool", absent=False),
    ),
    *_register(
        "real_estate",
        "ZRJ",
        _household("only_house", "bool"),
        _household("homestead_confirmed", "bool", absent=False),
    ),
    *_register(
        "geohazard",
        "ZRJ",
        _household("geohazard_relocation_done", "bool", absent=False),
    ),
    *_register(
        "waste_sorting",
        "ZFJ",
        _household("waste_sorting_score", "int", unit="0-100"),
    ),
    *_register(
        "social_orgs_work",
        "SGB",
        _person("volunteer_hours_year", "int", unit="hours", absent=0),
    ),
    *_register(
        "vehicle_driver",
        "GAJ",
        _household("vehicle_count", "int", unit="vehicles", absent=0),
    ),
)

BY_NAME: Final[Mapping[str, FactDefinition]] = {fact.name: fact for fact in FACTS}

IDENTITY_FACTS: Final = frozenset({"person_name", "id_number", "bank_account_no", "phone_number"})
"""What identifies somebody travels sealed and is never a fact; it is dropped wherever it turns up as one."""

REGISTER_SUBJECTS: Final = "register_subjects"
"""In an event about a county: its register is complete with so many subjects."""
EFFECTIVE_ON: Final = "effective_on"
"""In an event about a county: the day from which the parameters beside it hold."""


def _recorded() -> dict[tuple[Entity, str], dict[str, FactDefinition]]:
    found: dict[tuple[Entity, str], dict[str, FactDefinition]] = {}
    for fact in FACTS:
        if not fact.derived_from:
            found.setdefault((fact.entity, fact.register), {})[fact.name] = fact
    return found


RECORDED: Final[Mapping[tuple[Entity, str], Mapping[str, FactDefinition]]] = _recorded()
"""By kind of subject and register: the facts that come in, by name; derived ones are not among them."""

REGISTERS: Final[Mapping[str, str]] = {fact.register: fact.department for fact in FACTS}
"""The department that keeps each register."""
