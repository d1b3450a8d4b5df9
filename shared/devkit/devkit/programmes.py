"""The sample county's seventy programmes: the CSV files of `devkit/data`, as the subsidy service takes them."""

import json
from functools import cache
from typing import Any, Final

from devkit.story.county import rows

# What makes a one-off unique, as the file says it in words.
_ONCE_PER: Final = {
    "": "period",
    "household, year, serial (at most 2 a year)": "year_serial",
    "the deceased person": "deceased",
    "business_entity_code": "business_entity_code",
    "person, year of the award": "year",
    "household, machine": "year",  # the registers have one assessed amount per household and year
    "household, culling event": "year",
    "household": "ever",
    "household, garden, year": "year",
    "person": "ever",
    "household, disaster event": "year",
}

# Who would be known by what they receive: children, the sick and the disabled, the bereaved.
_NAMELESS: Final = {
    **dict.fromkeys(("B12", "B13", "B14", "B15", "B22", "B28", "B54", "B61", "B62", "B63", "B64"), "minors"),
    **dict.fromkeys(("B04", "B05", "B11", "B16", "B17", "B18", "B19", "B21", "B23", "B24"), "health"),
    **dict.fromkeys(("B27", "B30", "B31", "B32", "B35"), "health"),
    **dict.fromkeys(("B20", "B26", "B33"), "loss"),
}


@cache
def sample_programmes() -> tuple[dict[str, Any], ...]:
    """The programmes, as members of `POST /v1/programme-versions`. Raises KeyError for words that mean nothing here."""
    return tuple(
        {
            "code": row["code"],
            "title_zh": row["title_zh"],
            "title_en": row["title_en"],
            "department": row["department"],
            "beneficiary": row["beneficiary"],
            "person_facts_of": row["person_facts_of"] if row["person_facts_of"] not in ("", "self") else None,
            "eligibility": row["eligibility_cel"],
            "amount_fen": row["amount_fen_cel"],
            "priority": int(row["priority"]),
            "excludes": [code for code in row["excludes"].split(";") if code],
            "due_months": [int(month) for month in row["due_months"].split(";") if month.isdigit()],
            "once_per": _ONCE_PER[row["occurrence_key"]],
            "funding_source": row["funding_source"],
            "law": row["law"],
            "source": row["source"],
            "nameless": _NAMELESS.get(row["code"]),
        }
        for row in rows("subsidies")
    )


@cache
def sample_examples() -> tuple[dict[str, Any], ...]:
    """What the programmes must come to for made-up people: per programme one who gets it, and what takes it away."""
    return tuple(
        {
            "programme": row["code"],
            "facts": json.loads(row["facts_json"]),
            "eligible": row["expect_eligible"] == "true",
            "amount_fen": int(row["expect_amount_fen"]) if row["expect_amount_fen"] else None,
        }
        for row in rows("subsidy_test_vectors")
    )
