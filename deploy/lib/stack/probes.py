"""Health checks: each asks the part itself."""

from __future__ import annotations

import socket
import urllib.request
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

Probe = Callable[[], bool]
TIMEOUT = 2.0
# The checks speak to loopback: a proxy of the environment is not asked.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def http(url: str) -> Probe:
    """Ready when a GET answers 200."""

    def probe() -> bool:
        try:
            with OPENER.open(url, timeout=TIMEOUT) as response:
                return response.status == 200
        except OSError:
            return False

    return probe


def redis(url: str) -> Probe:
    """Ready when PING is answered with PONG: not while the append-only file is being read."""
    parts = urlsplit(url)
    words = [["AUTH", unquote(parts.password)]] if parts.password else []
    request = b"".join(encode(command) for command in [*words, ["PING"]])

    def probe() -> bool:
        try:
            with socket.create_connection((parts.hostname, parts.port), timeout=TIMEOUT) as connection:
                connection.sendall(request)
                return read_until(connection, b"+PONG\r\n")
        except OSError:
            return False

    return probe


def encode(words: list[str]) -> bytes:
    """A Redis command as an array of bulk strings."""
    bulks = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return f"*{len(words)}\r\n{''.join(bulks)}".encode()


def read_until(connection: socket.socket, wanted: bytes) -> bool:
    """Reads until the wanted bytes came, an error or the end."""
    received = b""
    while wanted not in received:
        chunk = connection.recv(4096)
        received += chunk
        if not chunk or b"-" in received[:1] or len(received) > 4096:
            return False
    return True


# PostgreSQL's SSLRequest: length 8, code 80877103.
SSL_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])


def postgres(host: str, port: int, command: Callable[[str], bool]) -> Probe:
    """Ready when the server accepts connections and answers a query.

    The cheap question comes first, so that no psql is started for a server that is down.
    """

    def probe() -> bool:
        try:
            with socket.create_connection((host, port), timeout=TIMEOUT) as connection:
                connection.sendall(SSL_REQUEST)
                answer = connection.recv(1)
        except OSError:
            return False
        return answer in (b"S", b"N") and command("select 1")

    return probe
