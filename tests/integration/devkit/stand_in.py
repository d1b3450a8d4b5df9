"""A program with a service's outside and nothing inside; STAND_IN makes it misbehave. Run as `python -m stand_in`."""

import http.server
import json
import os
import signal
import subprocess
import sys

BEHAVIOUR = os.environ.get("STAND_IN", "")


class Handler(http.server.BaseHTTPRequestHandler):
    """Probes, and what it sees of its environment at /environment."""

    def do_GET(self) -> None:
        ready = self.path != "/readyz" or BEHAVIOUR != "never-ready"
        body = b"consumer has not joined"
        if self.path == "/environment":
            body = json.dumps(dict(os.environ)).encode()
        self.send_response(200 if ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def main() -> None:
    if sys.argv[1:] == ["migrate"]:
        print("migrating" if BEHAVIOUR != "cannot-migrate" else "relation share does not exist")
        sys.exit(BEHAVIOUR == "cannot-migrate")
    if BEHAVIOUR == "ends":
        print("cannot read the responsibility list")
        sys.exit(3)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if BEHAVIOUR == "stubborn" else lambda *_: sys.exit(0))
    if BEHAVIOUR == "with-child":
        child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        print(f"child={child.pid}", flush=True)
    http.server.ThreadingHTTPServer((os.environ["HTTP_HOST"], int(os.environ["HTTP_PORT"])), Handler).serve_forever()


if __name__ == "__main__":
    main()
