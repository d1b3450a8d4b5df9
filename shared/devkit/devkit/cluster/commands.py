"""`python -m devkit cluster …`: what an operator types, and what pods of the demo run."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

cluster = typer.Typer(no_args_is_help=True, help="Qingdan in a Kubernetes cluster.")
console = Console()


@cluster.command()
def demo(
    namespace: Annotated[str, typer.Option(help="Made, and removed at the end.")] = "qingdan-demo",
    keep: Annotated[bool, typer.Option(help="Leave the namespace as it is at the end.")] = False,
    story: Annotated[bool, typer.Option(help="Tell the whole story, too.")] = True,
) -> None:
    """Install into the cluster that KUBECONFIG names, tell the story there, disturb it, and print what came of it."""
    from devkit.cluster.demo import cluster_demo  # noqa: PLC0415

    raise typer.Exit(cluster_demo(console, namespace=namespace, keep=keep, with_story=story))


@cluster.command()
def secrets(
    namespace: Annotated[str, typer.Option(help="Where overlays/dev is to be applied.")] = "qingdan",
) -> None:
    """Make the Secrets that overlays/dev refers to, unless they are there; nothing is written to a file."""
    from devkit.cluster.installation import parties  # noqa: PLC0415
    from devkit.cluster.kubectl import Kubectl, KubectlError  # noqa: PLC0415
    from devkit.cluster.secrets import make_secrets  # noqa: PLC0415

    try:
        made = make_secrets(Kubectl.found(namespace), parties())
    except KubectlError as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    console.print(f"made {', '.join(made)}" if made else "all are there")


@cluster.command("story", hidden=True)
def tell_the_story() -> None:
    """In a pod: tell the story to the services of its namespace."""
    from devkit.cluster.story import tell_in_cluster  # noqa: PLC0415

    raise typer.Exit(tell_in_cluster(console))


@cluster.command(hidden=True)
def load(stop: Annotated[Path, typer.Option(help="Go on until this file is there.")]) -> None:
    """In a pod: send requests to every service, and look for each event afterwards."""
    from devkit.cluster.load import main  # noqa: PLC0415

    raise typer.Exit(main(stop))


@cluster.command(hidden=True)
def reach(addresses: Annotated[list[str], typer.Argument(help="host:port")]) -> None:
    """In a pod: which addresses can be reached from there."""
    from devkit.cluster.reach_trial import main  # noqa: PLC0415

    raise typer.Exit(main(addresses))


@cluster.command(hidden=True)
def access(parties: Annotated[str, typer.Option(help="Outside parties, separated by commas.")]) -> None:
    """In a pod: what Kafka lets each user do, held against the registry."""
    from devkit.cluster.access_trial import main  # noqa: PLC0415
    from runtime.kafka_settings import KafkaConnection  # noqa: PLC0415

    users = Path(os.environ["KAFKA_USERS_DIRECTORY"])
    raise typer.Exit(main(users, tuple(parties.split(",")), KafkaConnection.of_environment(os.environ)))
