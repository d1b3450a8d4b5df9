"""Keys of the devkit: made once, private ones for their owner alone, and told to whom they concern."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from devkit import keys as keys_module
from devkit.keys import BANK, Keys
from runtime.sealing import PrivateKeys, write_key_pair


def test_keys_are_made_once(tmp_path: Path) -> None:
    first = Keys.of(tmp_path / "keys").bank.kid
    assert Keys.of(tmp_path / "keys").bank.kid == first


def test_of_many_that_make_them_at_once_all_get_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(private: Path, public: Path, recipient: str) -> None:
        Event().wait(0.1)
        write_key_pair(private, public, recipient)

    monkeypatch.setattr(keys_module, "write_key_pair", slowly)
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: Keys.of(tmp_path / "keys").subsidy.kid, range(8)))
    assert len(set(made)) == 1
    assert made[0] in PrivateKeys.read(Keys(tmp_path / "keys").subsidy_private).by_kid


def test_private_keys_are_read_by_their_owner_alone(tmp_path: Path) -> None:
    keys = Keys.of(tmp_path / "keys")
    assert {stat.S_IMODE(path.stat().st_mode) for path in (keys.subsidy_private, keys.bank_private)} == {0o600}


def test_only_subsidy_is_told_of_keys_and_never_the_banks_private_one(tmp_path: Path) -> None:
    keys = Keys.of(tmp_path / "keys")
    told = keys.environment("subsidy")
    assert told["BANKS"] == BANK
    assert str(keys.bank_private) not in told.values()
    assert keys.environment("tasks") == {}
