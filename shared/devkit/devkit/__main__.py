"""`python -m devkit`: start everything on this machine, tell the story, end what was left behind, check the pins."""

import fcntl
import os
import signal
import time
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from devkit import kafka_jars, reaper
from devkit.bank_process import BankProcess
from devkit.cluster.commands import cluster
from devkit.demo import demo
from devkit.images.build import BASE, build
from devkit.images.catalogue import IMAGES, image_named
from devkit.images.context import ContextError
from devkit.images.engine import Engine, EngineError
from devkit.issuer_server import serve
from devkit.lock_check import unlocked
from devkit.paths import var_dir, workspace
from devkit.processes import ServiceProcess
from devkit.run_directory import ProcessFailedError, end_abandoned_runs
from devkit.stack import SERVICES, Stack

UP = "up"
DOWN_TIMEOUT_S = 60.0

command_line = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
command_line.add_typer(cluster, name="cluster")
console = Console()


@command_line.command()
def up(
    fresh: Annotated[bool, typer.Option(help="Begin with empty data that goes when it stops.")] = False,
    service: Annotated[list[str], typer.Option(help="Start this one; may be repeated.")] = list(SERVICES),  # noqa: B006
) -> None:
    """Start Kafka, PostgreSQL, the token issuer and the services; Ctrl-C stops all."""
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    code = 0
    with console.status("starting") as status:
        stack = Stack(service, name=UP, fresh=fresh, progress=status.update)
        try:
            stack.start()
        except KeyboardInterrupt:
            console.print("stopped while starting")
            raise typer.Exit(130) from None
        except (ProcessFailedError, kafka_jars.JarMismatchError, RuntimeError, ValueError) as error:
            console.print(str(error), style="red", markup=False)
            raise typer.Exit(1) from None
    try:
        _show(stack)
        code = _watch(stack)
    except KeyboardInterrupt:
        console.print("stopping")
    finally:
        with console.status("stopping") as status:
            stack.progress = status.update
            stack.stop()
    console.print("everything is stopped")
    raise typer.Exit(code)


@command_line.command()
def down() -> None:
    """End a running `up`, and what crashed runs left behind."""
    lock = var_dir() / f"run-{UP}" / reaper.LOCK
    if lock.exists():
        with lock.open("r+") as file:
            _interrupt_owner(file.fileno(), file.read().strip())
    for path in end_abandoned_runs():
        console.print(f"ended what {path.name} had left behind")
    console.print("nothing of `up` is running")


@command_line.command("demo")
def tell_the_story() -> None:
    """Tell the story of Wuguanying on a fresh Qingdan; figures and invariants go to var/demo.json."""
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        code = demo(console)
    except KeyboardInterrupt:
        console.print("stopped, and everything with it")
        raise typer.Exit(130) from None
    raise typer.Exit(code)


@command_line.command()
def issuer(
    directory: Annotated[Path, typer.Option(help="Where keys.json is, made there the first time.")],
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    url: Annotated[str | None, typer.Option(help="How others call it; stands in its tokens.")] = None,
) -> None:
    """Give tokens to development users. Whoever reaches it may be anybody: for development only."""
    serve(directory, port, host=host, url=url)


@command_line.command()
def images(
    only: Annotated[str, typer.Option(help="Names of images, separated by commas; all unless given.")] = "",
    engine: Annotated[str | None, typer.Option(help="buildah or docker; the first there is unless given.")] = None,
    base: Annotated[str, typer.Option(help="A Debian 12 with Python 3.11; ours is made by debootstrap.")] = BASE,
) -> None:
    """Build the images, without a network, and write them as archives to var/images."""
    try:
        wanted = [image_named(name) for name in only.split(",")] if only else list(IMAGES)
        with console.status("building") as status:
            built = build(wanted, Engine.found(engine), base=base, progress=status.update)
    except (KeyError, ContextError, EngineError) as error:
        console.print(str(error.args[0]), style="red", markup=False)
        raise typer.Exit(1) from None
    for each in built:
        line = f"{each.reference:48} {each.megabytes:5} MB  {each.identity}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


@command_line.command("lock-check")
def check_lock() -> None:
    """Whether requirements.lock pins everything that the pyprojects ask for."""
    found = unlocked(workspace())
    for line in found:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if found else 0)


@command_line.command("kafka-jars")
def pin_kafka_jars(
    write: Annotated[bool, typer.Option("--write", help="Pin what is resolved now.")] = False,
) -> None:
    """Fetch Kafka's jars and check them against their pins, or pin anew."""
    if write:
        console.print(f"pinned {kafka_jars.write_pins()} jars in {kafka_jars.PINS.name}")
    try:
        with console.status("fetching") as status:
            found = kafka_jars.jars(status.update)
    except kafka_jars.JarMismatchError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    console.print(f"{len(found)} jars are as pinned")


def _show(stack: Stack) -> None:
    addresses = [
        *((process.name, f"{process.url}/openapi.json") for process in stack.processes),
        ("token issuer", f"{stack.issuer.url}/users"),
        ("Kafka", stack.bootstrap),
        *((f"database of {service}", stack.database(service).app_url) for service in stack.services),
        *([("bank's book", str(stack.bank.directory))] if stack.has_bank else []),
        ("logs", str(stack.run.logs)),
    ]
    width = max(len(what) for what, _ in addresses)
    console.print("Qingdan 轻担 is running", style="bold")
    for what, where in addresses:  # a line each, never folded: they are there to be copied
        console.print(f"  {what:{width}}  {where}", markup=False, highlight=False, soft_wrap=True)
    console.print("a token, and a request with it:")
    token = f'$(curl -s -d username=operator {stack.issuer.url}/token | sed \'s/.*access_token": "\\([^"]*\\).*/\\1/\')'
    console.print(f"  TOKEN={token}", markup=False, highlight=False, soft_wrap=True)
    first = stack.processes[0].url
    console.print(
        f'  curl -H "Authorization: Bearer $TOKEN" {first}/v1/invariants', markup=False, highlight=False, soft_wrap=True
    )
    console.print("Ctrl-C stops everything")


def _watch(stack: Stack) -> int:
    """Stay until interrupted; 1 when a service or the bank ends by itself."""
    watched: list[ServiceProcess | BankProcess] = [*stack.processes]
    if stack.has_bank:
        watched.append(stack.bank)
    while True:
        for process in watched:
            if not process.is_alive():
                console.print(f"{process.name} ended; the end of its log:\n{process.log_tail()}", markup=False)
                return 1
        time.sleep(0.5)


def _as_ctrl_c(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _interrupt_owner(lock: int, owner: str) -> None:
    """Ask a living owner to stop, and wait until it has let go of its run."""
    deadline = time.monotonic() + DOWN_TIMEOUT_S
    asked = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(lock, fcntl.LOCK_UN)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                console.print(f"process {owner} still holds the run after {DOWN_TIMEOUT_S:g} s", style="red")
                raise typer.Exit(1) from None
            if not asked and owner and reaper.start_mark(int(owner)) is not None:
                console.print(f"stopping `up`, process {owner}")
                os.kill(int(owner), signal.SIGINT)
                asked = True
            time.sleep(0.1)


if __name__ == "__main__":
    command_line()
