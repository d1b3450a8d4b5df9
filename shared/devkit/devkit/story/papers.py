"""What a person can open when the story is told: files in `var/`, as the services gave them out."""

from pathlib import Path
from typing import Final

from devkit.paths import var_dir

CLAIM: Final = "demo-claim.html"
CALENDAR: Final = "demo-calendar.ics"
LIST: Final = "demo-list.xlsx"


def keep(name: str, content: bytes) -> Path:
    """Write the file anew and say where it is."""
    path = var_dir() / name
    path.write_bytes(content)
    return path
