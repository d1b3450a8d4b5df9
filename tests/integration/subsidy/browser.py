"""The subsidy service before its people: nothing in its application instructs payments, so that no key is read."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx2

from devkit.browser import application
from devkit.issuer import Issuer
from runtime.db import Pool
from subsidy.app import service


def application_of_subsidy(
    pool: Pool, issuer: Issuer, service_key_file: Path = Path("unused")
) -> AbstractAsyncContextManager[httpx2.AsyncClient]:
    """The application on `pool`, with a bank that it never talks to; the key opens what bank files hold."""
    unused = Path("unused")
    keys = {"service_key_file": service_key_file, "bank_keys_file": unused, "account_key_file": unused}
    return application(service, pool, issuer, banks=("ABC",), **keys)
