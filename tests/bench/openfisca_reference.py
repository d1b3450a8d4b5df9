"""The reference of `eligibility`: OpenFisca-core computes the same rules of the same people, read by ADBC.

Runs in an environment of its own (`tests/bench/openfisca.txt`): OpenFisca is AGPL and no part of the product. It knows
no unknowns (what is missing has its default) and no exclusions. `python openfisca_reference.py PLAN.json` prints a line
of JSON: seconds to read, seconds to compute, how many are entitled.
"""

import json
import sys
import time
from pathlib import Path

import adbc_driver_postgresql.dbapi as adbc
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from openfisca_core.entities import build_entity
from openfisca_core.periods import DateUnit
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

PLAN = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
PERIOD = PLAN["period"]
PERSON = build_entity(key="person", plural="persons", label="", is_person=True)
HOUSEHOLD = build_entity(
    key="household",
    plural="households",
    label="",
    roles=[{"key": "head", "plural": "heads", "max": 1}, {"key": "member", "plural": "members"}],
)
KINDS = {"bool": bool, "int": int}


def read() -> dict[str, pa.Table]:
    """People and households with every fact that a rule names, as they rest."""
    tables = {}
    with adbc.connect(PLAN["url"]) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.kind', 'service', false), set_config('app.actor', 'bench', false)")
        cursor.fetchall()
        cursor.execute("SELECT set_config('app.department', '*', false), set_config('app.division', '1', false)")
        cursor.fetchall()
        for entity, query in PLAN["queries"].items():
            cursor.execute(query)
            tables[entity] = cursor.fetch_arrow_table()
    return tables


def column(table: pa.Table, fact: dict) -> np.ndarray:
    """A fact as OpenFisca takes it: numbers, and texts by their place among the words; missing: the default."""
    values = table[fact["name"]]
    if fact["type"] == "date":
        return pc.fill_null(values.cast(pa.int32()), 0).to_numpy().astype("datetime64[D]")
    if fact["type"] == "list":
        chunk = values.combine_chunks()
        places = pc.index_in(chunk.flatten(), pa.array(fact["words"])).to_numpy(zero_copy_only=False).astype(np.int64)
        bits = np.zeros(len(chunk), np.int32)
        np.bitwise_or.at(bits, chunk.value_parent_indices().to_numpy(), (1 << places).astype(np.int32))
        return bits
    if fact["type"] == "string":
        places = pc.index_in(values, pa.array(fact["words"]))
        return pc.fill_null(places, fact["default"]).to_numpy().astype(np.int32)
    return pc.fill_null(values, fact["default"]).to_numpy()


def tables_null(table: pa.Table, fact: dict) -> np.ndarray:
    """Where the date that a fact counts from is missing."""
    return pc.is_null(table[fact["derived_from"]]).to_numpy()


def months(dates: np.ndarray, on: str) -> np.ndarray:
    """Whole months from each date to the day."""
    day = np.datetime64(on)
    of_month = dates.astype("datetime64[M]")
    passed = (day.astype("datetime64[M]") - of_month).astype(np.int32)
    return passed - ((dates - of_month).astype(np.int32) >= int(str(day)[8:10]))


def variable(name: str, entity: object, kind: type, formula: object = None) -> type[Variable]:
    """A variable of one month."""
    said = {"value_type": kind, "entity": entity, "definition_period": DateUnit.MONTH, "label": name}
    if formula is not None:
        said["formula"] = formula
    return type(name, (Variable,), said)


def of_people(rule: dict) -> object:
    """The amount of each person, 0 for who is not eligible."""
    code = compile(f"({rule['eligibility']}) * ({rule['amount']})", rule["code"], "eval")

    def formula(person, period):
        def fact(name: str) -> np.ndarray:
            return person(name, period) if name in PLAN["of_people"] else person.household(name, period)

        return eval(code, {"f": fact, "np": np})  # our own translation of our own rules

    return formula


def of_homes(rule: dict) -> object:
    """The amount of each household."""
    code = compile(f"({rule['eligibility']}) * ({rule['amount']})", rule["code"], "eval")

    def own(household, period):
        return eval(code, {"f": lambda name: household(name, period), "np": np})

    def by_members(household, period):
        amounts = household.members(f"{rule['code']}_member", period)
        if rule["source"] == "head":
            return household.sum(amounts, role=household.entity.HEAD)
        return household.max(amounts) if rule["source"] == "any" else household.sum(amounts)

    return own if rule["source"] == "household" else by_members


def system() -> TaxBenefitSystem:
    """The variables: facts, ages, and for each programme its amount."""
    country = TaxBenefitSystem([PERSON, HOUSEHOLD])
    for fact in PLAN["facts"]:
        entity = PERSON if fact["name"] in PLAN["of_people"] else HOUSEHOLD
        country.add_variable(variable(fact["name"], entity, KINDS.get(fact["type"], int)))
    for rule in PLAN["rules"]:
        if rule["source"] == "person":
            country.add_variable(variable(rule["code"], PERSON, int, of_people(rule)))
            continue
        if rule["source"] != "household":
            country.add_variable(variable(f"{rule['code']}_member", PERSON, int, of_people(rule)))
        country.add_variable(variable(rule["code"], HOUSEHOLD, int, of_homes(rule)))
    return country


def main() -> None:
    """Read, compute, tell."""
    country = system()
    began = time.perf_counter()
    tables = read()
    builder = SimulationBuilder()
    builder.create_entities(country)
    people, homes = tables["person"], tables["household"]
    builder.declare_person_entity("person", np.arange(len(people)))
    home = builder.declare_entity("household", np.arange(len(homes)))
    places = pc.fill_null(pc.index_in(people["member_of_household"], homes["household_code"].combine_chunks()), 0)
    is_head = pc.fill_null(pc.equal(people["relation_to_head"], "head"), False).to_numpy()
    builder.join_with_persons(home, places.to_numpy(), np.where(is_head, "head", "member"))
    simulation = builder.build(country)
    for fact in PLAN["facts"]:
        table = people if fact["name"] in PLAN["of_people"] else homes
        if fact["derived_from"] in PLAN["dates"]:
            dates = column(table, {"name": fact["derived_from"], "type": "date"})
            passed = months(dates, PLAN["reference_on"])
            values = np.where(tables_null(table, fact), fact["default"], passed // 12 if fact["years"] else passed)
        elif fact["derived_from"] or fact["entity"] == "county":
            values = np.full(len(table), fact["default"])
        else:
            values = column(table, fact)
        simulation.set_input(fact["name"], PERIOD, values)
    read_s = time.perf_counter() - began
    began = time.perf_counter()
    entitled = {rule["code"]: int((simulation.calculate(rule["code"], PERIOD) > 0).sum()) for rule in PLAN["rules"]}
    print(json.dumps({"read_s": read_s, "compute_s": time.perf_counter() - began, "entitled": entitled}))


main()
