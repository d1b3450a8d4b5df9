"""For all tests: plain log lines, since structlog's own default draws every traceback, for seconds each; and no example
is late: how fast something is says the bench, not a test beside others on a busy machine."""

import structlog
from hypothesis import settings

structlog.configure(processors=[structlog.processors.KeyValueRenderer(key_order=["event"], repr_native_str=False)])
settings.register_profile("tests", deadline=None)
settings.load_profile("tests")
