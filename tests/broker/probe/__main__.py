"""`python -m probe`, with PROBE_FAULT naming what is broken on purpose."""

import os

from probe.app import service
from probe.planted import plant

plant(os.environ.get("PROBE_FAULT", ""))
service.command_line()
