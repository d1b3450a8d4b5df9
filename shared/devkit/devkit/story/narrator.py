"""How the story is told: chapters, progress bars and tables on a terminal; plain lines in a pipe."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

INDENT: Final = (0, 0, 0, 3)
LABEL_WIDTH: Final = 34
PLAIN_WIDTH: Final = 100  # of lines in a pipe

Advance = Callable[[], None]


class _Seconds(ProgressColumn):
    """How long it has taken, to the tenth."""

    def render(self, task: Task) -> Text:
        elapsed = task.finished_time if task.finished else task.elapsed
        return Text(f"{elapsed or 0.0:5.1f} s", style="dim")


class _Counted(ProgressColumn):
    """How many of how many."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.completed:.0f}/{task.total:.0f}".rjust(9))


@dataclass(slots=True)
class Narrator:
    """Says everything twice, in Chinese and in English; `seconds` has what each chapter took."""

    console: Console
    seconds: dict[str, float] = field(default_factory=dict)
    _chapters: int = 0

    def __post_init__(self) -> None:
        if not self.console.is_terminal:
            self.console.width = PLAIN_WIDTH

    def open(self, title: str, *lines: str) -> None:
        """The title page."""
        body = Group(*(Text(line) for line in lines))
        self.console.print(
            Panel(body, title=f"[bold]{title}[/]", title_align="left", border_style="cyan", padding=(1, 2))
        )

    @contextmanager
    def chapter(self, name: str, zh: str, en: str) -> Iterator[None]:
        """A chapter with its heading; its seconds are kept under `name`."""
        self._chapters += 1
        self.console.print()
        self.console.print(Rule(Text(f"{self._chapters}  {zh}  {en}", style="bold cyan"), align="left", style="cyan"))
        with self.timed(name):
            yield

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - began, 2)

    @contextmanager
    def waiting(self, zh: str, en: str) -> Iterator[Callable[[str], None]]:
        """While something takes its time; call what it yields with what is going on."""
        label = f"{zh} {en}"
        if not self.console.is_terminal:
            said: list[str] = []

            def say_once(what: str) -> None:
                if (kind := what.partition(":")[0]) not in said:  # not a line for every file that is fetched
                    said.append(kind)
                    self.console.print(Padding(Text(f"· {what}"), INDENT), soft_wrap=True)

            yield say_once
            return
        with self.console.status(label) as status:
            yield lambda what: status.update(f"{label}: {what}")

    def say(self, zh: str, en: str) -> None:
        """One line of what is happening, in both languages."""
        self.console.print(Padding(Text.assemble(zh, "\n", (en, "dim")), INDENT))

    @contextmanager
    def step(self, zh: str, en: str, total: int) -> Iterator[Advance]:
        """A progress bar over `total` things; call what it yields for each of them."""
        done, began, label = 0, time.monotonic(), f"{zh} {en}"
        if not self.console.is_terminal:

            def count() -> None:
                nonlocal done
                done += 1

            yield count
            took_s = time.monotonic() - began
            self.console.print(Padding(Text(f"· {label}: {done}/{total}, {took_s:.1f} s"), INDENT), soft_wrap=True)
            return
        with self._bar() as progress:
            bar = progress.add_task(_padded(label), total=total)
            yield lambda: progress.advance(bar)

    def table(self, title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], *, bold_row: int = -1) -> None:
        """A table; columns whose cells are all numbers stand right."""
        table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", box=None)
        table.padding = (0, 2, 0, 0)
        table.show_header = any(headings)
        for at, heading in enumerate(headings):
            right = bool(rows) and all(_is_number(row[at]) for row in rows)
            table.add_column(heading, justify="right" if right else "left")
        for at, row in enumerate(rows):
            table.add_row(*row, style="bold" if at == bold_row else "")
        self.console.print()
        self.console.print(Padding(table, INDENT))

    def _bar(self) -> Progress:
        return Progress(
            TextColumn("  "),
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=18),
            _Counted(),
            _Seconds(),
            console=self.console,
        )


def _padded(label: str) -> str:
    text = Text(label)
    text.truncate(LABEL_WIDTH, overflow="ellipsis", pad=True)
    return text.plain


def _is_number(cell: str) -> bool:
    return cell.replace(".", "").replace(",", "").removeprefix("[bold]").isdecimal()
