"""The issuer as a small process: discovery, keys, and tokens for the development users."""

import json
import signal
import sys
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from devkit.dev_users import USERS
from devkit.issuer import TTL_S, Issuer

FORM_BYTES_MAX = 4096
FIELDS = frozenset({"grant_type", "username", "password", "division", "department"})


class IssuerServer(ThreadingHTTPServer):
    """Serves one issuer."""

    daemon_threads = True

    def __init__(self, issuer: Issuer, port: int, host: str = "127.0.0.1") -> None:
        super().__init__((host, port), IssuerHandler)
        self.issuer = issuer


class IssuerHandler(BaseHTTPRequestHandler):
    """GET /.well-known/openid-configuration, /jwks.json, /users; POST /token with `username` and where it serves."""

    server: IssuerServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        issuer = self.server.issuer
        pages: dict[str, Callable[[], dict[str, Any]]] = {
            "/.well-known/openid-configuration": issuer.discovery,
            "/jwks.json": issuer.jwks,
            "/users": lambda: {"users": [asdict(user) for user in USERS.values()]},
            "/readyz": lambda: {"ready": True},
        }
        page = pages.get(self.path.partition("?")[0])
        if page is None:
            self._answer(HTTPStatus.NOT_FOUND, {"error": "not_found", "known": sorted(pages)})
        else:
            self._answer(HTTPStatus.OK, page())

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/token" or length > FORM_BYTES_MAX:
            self.close_connection = True
            self._answer(HTTPStatus.NOT_FOUND, {"error": "not_found", "known": ["/token"]})
            return
        form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode(errors="replace")))
        user = USERS.get(form.get("username", ""))
        if user is None or not form.keys() <= FIELDS:
            reason = f"username is one of {', '.join(USERS)}; division and department may be given"
            self._answer(HTTPStatus.BAD_REQUEST, {"error": "invalid_request", "error_description": reason})
            return
        token = self.server.issuer.token_of(user.at(form.get("division"), form.get("department")))
        self._answer(HTTPStatus.OK, {"access_token": token, "token_type": "Bearer", "expires_in": TTL_S})

    def _answer(self, status: HTTPStatus, document: dict[str, Any]) -> None:
        body = json.dumps(document, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet: a line per request helps nobody."""


def serve(directory: Path, port: int, *, host: str = "127.0.0.1", url: str | None = None) -> None:
    """Serve the issuer of `directory` until SIGTERM. `url`: what stands in its tokens, if others call it otherwise."""
    server = IssuerServer(Issuer.open(directory, url or f"http://{host}:{port}"), port, host)
    # As the first process of a container it would ignore a signal that nobody takes; `shutdown` waits for this thread.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
