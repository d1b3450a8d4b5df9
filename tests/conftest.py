"""For all tests: plain log lines, since structlog's own default draws every traceback, for seconds each."""

import structlog

structlog.configure(processors=[structlog.processors.KeyValueRenderer(key_order=["event"], repr_native_str=False)])
