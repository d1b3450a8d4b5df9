"""Fixtures of the chaos tests: those of the broker tests."""

import pytest

pytest.register_assert_rewrite("tests.broker.stage", "tests.broker.broker")

from tests.broker.stage import make_stage, operator_token, probe_can_be_imported, stage  # noqa: E402

__all__ = ["make_stage", "operator_token", "probe_can_be_imported", "stage"]
