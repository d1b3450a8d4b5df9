"""A frozen run is taken back over HTTP: versions, repeated clicks and refusals."""

from pathlib import Path

from devkit.browser import Client
from devkit.issuer import Issuer
from tests.integration.subsidy.browser import application_of_subsidy
from tests.integration.subsidy.conftest import Scene
from tests.integration.subsidy.frozen_run import Payday


async def test_a_frozen_run_is_taken_back_once(bare: Scene, tmp_path: Path, issuer: Issuer) -> None:
    payday = Payday(bare, tmp_path)
    await payday.open()
    run = await payday.previewed(await payday.people(1))
    seen = (await payday.freeze(run)).frozen_hash
    body, path = {"frozen_hash": seen, "reason": "wrong_rule"}, f"/runs/{run}/return"
    async with application_of_subsidy(bare.pool, issuer) as http:
        preparer, approver, other = (
            Client(http, issuer, each) for each in (bare.preparer, bare.approver, bare.other_preparer)
        )
        assert (await approver.post(path, body)).status_code == 428
        assert (await approver.post(path, body, version=9)).status_code == 412
        assert (await approver.post(path, body | {"reason": "张三家多算了"}, version=2)).status_code == 422
        assert (await approver.post(path, body | {"frozen_hash": "0" * 64}, version=2)).status_code == 409
        assert (await other.post(path, body, version=2)).status_code == 404
        clicks = [await approver.post(path, body, version=2, key="one-click") for _ in range(2)]
        assert [(each.status_code, each.headers["ETag"]) for each in clicks] == [(200, '"3"')] * 2
        assert clicks[0].json() == clicks[1].json()
        assert clicks[0].json()["frozen_hash"] == seen
        late = await preparer.post(path, body, version=3)
        assert (late.status_code, late.json()["state"]) == (409, "previewed")
        shown = (await preparer.get(f"/runs/{run}")).json()
        assert (shown["state"], shown["returns"], shown["returned"][0]["reason"]) == ("previewed", 1, "wrong_rule")
        [listed] = (await preparer.get("/runs")).json()["items"]
        assert (listed["returns"], listed["frozen_hash"]) == (1, None)
