"""A change of payee over HTTP: roles, versions, repeated clicks and refusals."""

from pathlib import Path

from devkit.browser import Client
from devkit.issuer import Issuer
from tests.integration.subsidy.adjusted_month import PaidMonth
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import PERIOD, Scene
from tests.integration.subsidy.frozen_run import Payday

_THROUGH = (
    "INSERT INTO entitlement (run_id, programme, beneficiary, occurrence, kind, payee, division_id, department,"
    " amount_fen, status) SELECT r.id, 'B01', $2, r.period, 'household', $3, r.division_id, 'MZJ', 100, 'entitled'"
    " FROM run r WHERE r.id = $1 RETURNING beneficiary"
)


async def test_a_payee_is_changed_by_two(bare: Scene, tmp_path: Path, issuer: Issuer) -> None:
    payday = Payday(bare, tmp_path)
    await payday.open()
    family = await bare.family({}, {"relation_to_head": "spouse"})
    head, spouse = family.people
    run = await payday.previewed([])
    await bare.rows(_THROUGH, run, family.household, head)
    await payday.approve(run)
    body = {"beneficiary": str(family.household), "programme": "B01", "occurrence": PERIOD}
    body |= {"payee": str(spouse), "reason": "payee_died"}
    async with application_of_subsidy(bare.pool, issuer) as http:
        preparer, approver, other = (
            Client(http, issuer, each) for each in (bare.preparer, bare.approver, bare.other_preparer)
        )
        early = await preparer.post("/payee-changes", body)
        assert (early.status_code, "更新登记" in early.text) == (409, True)
        await PaidMonth(payday, run).corrected(head, is_alive=False)
        assert (await preparer.post("/payee-changes", body | {"reason": "他去世了"})).status_code == 422
        assert (await approver.post("/payee-changes", body)).status_code == 403
        assert (await other.post("/payee-changes", body)).status_code == 404
        clicks = [await preparer.post("/payee-changes", body, key="one-click") for _ in range(2)]
        assert [(each.status_code, each.headers["ETag"]) for each in clicks] == [(201, '"1"')] * 2
        assert clicks[0].json() == clicks[1].json()
        assert (await preparer.post("/payee-changes", body)).status_code == 409
        [listed] = (await preparer.get("/payee-changes", state="proposed", run=str(run))).json()["items"]
        assert (listed, listed["basis"]) == (clicks[0].json(), "died")
        assert (await other.get("/payee-changes")).json()["items"] == []
        path = f"/payee-changes/{listed['change']}/decide"
        assert (await preparer.post(path, {"confirmed": True}, version=1)).status_code == 403
        assert (await approver.post(path, {"confirmed": True})).status_code == 428
        assert (await approver.post(path, {"confirmed": True}, version=7)).status_code == 412
        clicks = [await approver.post(path, {"confirmed": True}, version=1, key="again") for _ in range(2)]
        assert [(each.status_code, each.headers["ETag"]) for each in clicks] == [(200, '"2"')] * 2
        assert (await approver.post(path, {"confirmed": False}, version=2)).status_code == 409
    [paid] = await bare.rows("SELECT payee FROM payment")
    assert paid["payee"] == spouse
