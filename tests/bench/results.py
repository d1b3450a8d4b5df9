"""What a benchmark found, against its reference of the same run and its target; as a table and as var/bench.json."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Result:
    """One measured value. `ratio` is value / reference_value; `target` says in words what must hold, `met` whether."""

    name: str
    value: float
    unit: str
    reference: str
    reference_value: float | None
    ratio: float | None
    target: str
    met: bool


def at_least(
    name: str,
    value: float,
    unit: str,
    *,
    floor: float,
    reference: str = "",
    reference_value: float | None = None,
    ratio_floor: float | None = None,
) -> Result:
    """A value that must reach `floor`, and `ratio_floor` of its reference."""
    ratio = round(value / reference_value, 3) if reference_value else None
    target = f">= {floor:g} {unit}" + (f" and >= {ratio_floor:g} of the reference" if ratio_floor is not None else "")
    met = value >= floor and (ratio_floor is None or (ratio is not None and ratio >= ratio_floor))
    return Result(
        name, round(value, 1), unit, reference, reference_value and round(reference_value, 1), ratio, target, met
    )


def at_most(name: str, value: float, unit: str, *, ceiling: float) -> Result:
    """A value that must stay under `ceiling`."""
    return Result(name, round(value, 1), unit, "", None, None, f"< {ceiling:g} {unit}", value < ceiling)


def write(results: Sequence[Result], path: Path) -> None:
    """Keep the figures as JSON, a list of objects."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n", encoding="utf-8")


def show(results: Sequence[Result]) -> None:
    """Print the table."""
    table = Table(title="Qingdan bench", title_justify="left")
    for column in ("what", "value", "reference", "ratio", "target", ""):
        table.add_column(column, justify="right" if column in ("value", "ratio") else "left")
    for result in results:
        reference = f"{result.reference_value:g} ({result.reference})" if result.reference_value else ""
        table.add_row(
            result.name,
            f"{result.value:g} {result.unit}",
            reference,
            "" if result.ratio is None else f"{result.ratio:.2f}",
            result.target,
            "[green]met[/]" if result.met else "[red]missed[/]",
        )
    Console().print(table)
