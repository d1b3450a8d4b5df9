"""kubectl, as an operator would type it: every word goes through here, with a time limit and a clear error."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

CALL_S = 120.0


class KubectlError(RuntimeError):
    """kubectl said no; the message is what it said."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """One cluster, seen from one namespace."""

    program: str
    namespace: str

    @classmethod
    def found(cls, namespace: str) -> Self:
        """The kubectl of KUBECTL or of the path. Raises KubectlError when there is none, or no cluster to talk to."""
        program = os.environ.get("KUBECTL") or shutil.which("kubectl")
        if program is None:
            raise KubectlError("install kubectl, or name it in KUBECTL")
        kubectl = cls(program, namespace)
        try:
            kubectl.run("version", "--output=json", timeout_s=15.0)
        except KubectlError as error:
            raise KubectlError(f"no cluster answers; set KUBECONFIG to one: {error}") from None
        return kubectl

    def run(self, *words: str, given: str | None = None, timeout_s: float = CALL_S) -> str:
        """Its output. Raises KubectlError with what it said, also when it takes longer than `timeout_s`."""
        done = self.attempt(*words, given=given, timeout_s=timeout_s)
        if done.returncode != 0:
            raise KubectlError(f"kubectl {words[0]}: {(done.stderr or done.stdout).strip()[-3000:]}")
        return done.stdout

    def attempt(
        self, *words: str, given: str | None = None, timeout_s: float = CALL_S
    ) -> subprocess.CompletedProcess[str]:
        """What came of it, good or bad. Raises KubectlError only when it takes too long."""
        command = [self.program, "--namespace", self.namespace, *words]
        try:
            return subprocess.run(command, input=given, capture_output=True, text=True, check=False, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise KubectlError(f"kubectl {words[0]} did not answer within {timeout_s:g} s") from None

    def get(self, kind: str, name: str | None = None, *, selector: str | None = None) -> Any:
        """An object; without a name the list of all, or of those selected. Raises KubectlError for an absent one."""
        words = ["get", kind, *([name] if name else []), "--output=json"]
        found = json.loads(self.run(*words, *(["--selector", selector] if selector else [])))
        return found if name else found["items"]

    def exists(self, kind: str, name: str) -> bool:
        return self.attempt("get", kind, name, "--output=name").returncode == 0

    def apply(self, manifest: str | dict[str, Any] | Sequence[dict[str, Any]], *, manager: str = "qingdan") -> str:
        """Server-side; fields that `manager` applied before and leaves out now go. Raises KubectlError."""
        if not isinstance(manifest, str):
            items = [manifest] if isinstance(manifest, dict) else list(manifest)
            manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        return self.run("apply", "--server-side", f"--field-manager={manager}", "--filename=-", given=manifest)
