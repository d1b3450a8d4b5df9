"""`make bench`: every benchmark beside its reference, each in a process of its own."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from tests.bench.results import Result, show, write

BENCHES = ("commands", "relay", "events", "loop", "lifecycles", "spike", "eligibility", "freeze")
ON_REQUEST = ("producers", "payments")
OUTPUT = Path("var/bench.json")
BENCH_S_MAX = 300.0


def main() -> int:
    """Run what is asked for; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", default=",".join(BENCHES), help=f"which, separated by commas: {', '.join(BENCHES)}")
    chosen = [name.strip() for name in parser.parse_args().only.split(",") if name.strip()]
    if unknown := sorted(set(chosen) - {*BENCHES, *ON_REQUEST}):
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(BENCHES + ON_REQUEST)}")
    results: list[Result] = []
    for name in chosen:
        print(f"{name} …", flush=True)
        results += _in_own_process(name)
    show(results)
    write(results, OUTPUT)
    print(f"figures in {OUTPUT}")
    return 0 if all(result.met for result in results) else 1


def _in_own_process(name: str) -> list[Result]:
    """A fresh interpreter per bench: what one leaves in memory does not slow the next."""
    output = OUTPUT.with_name(f"bench-{name}.json")
    output.unlink(missing_ok=True)
    subprocess.run([sys.executable, "-m", f"tests.bench.{name}_bench", str(output)], check=True, timeout=BENCH_S_MAX)
    return [Result(**entry) for entry in json.loads(output.read_text(encoding="utf-8"))]


if __name__ == "__main__":
    sys.exit(main())
