"""A minimal HTTP/1.1 client on connections that stay open: what a general client costs would be measured as ours."""

import asyncio
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


class RefusedError(RuntimeError):
    """The service did not say yes."""


@dataclass(slots=True)
class KeepAlive:
    """At most `connections_max` requests at once to one service."""

    url: str
    connections_max: int
    _idle: asyncio.LifoQueue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = field(init=False)

    def __post_init__(self) -> None:
        self._idle = asyncio.LifoQueue()
        for _ in range(self.connections_max):
            self._idle.put_nowait(None)

    async def post(self, path: str, body: Any, token: str, *, version: int | None = None) -> Any:
        """The answer's document. Raises RefusedError for anything but a success."""
        content = orjson.dumps(body)
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json"}
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return await self._ask("POST", path, content, token, headers)

    async def get(self, path: str, token: str) -> Any:
        """The answer's document. Raises RefusedError for anything but a success."""
        return await self._ask("GET", path, b"", token, {})

    async def close(self) -> None:
        while not self._idle.empty():
            if (connection := self._idle.get_nowait()) is not None:
                connection[1].close()

    async def _ask(self, method: str, path: str, content: bytes, token: str, headers: Mapping[str, str]) -> Any:
        connection = await self._idle.get()
        address = urlsplit(self.url)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {address.netloc}", f"Authorization: Bearer {token}"]
        lines += [f"{name}: {value}" for name, value in headers.items()] + [f"Content-Length: {len(content)}", "", ""]
        request = "\r\n".join(lines).encode() + content
        while True:
            reader, writer = connection or await asyncio.open_connection(address.hostname, address.port)
            try:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                break
            except (asyncio.IncompleteReadError, ConnectionError):
                if connection is None:
                    raise
                connection = None  # the service closes what was idle for long
        length = _LENGTH.search(head)
        document = await reader.readexactly(int(length[1])) if length else b""
        self._idle.put_nowait((reader, writer))
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            status = head.partition(b"\r\n")[0].decode()
            said = document[:500].decode(errors="replace")
            raise RefusedError(f"{method} {path}: {status} {said}")
        return orjson.loads(document)
