"""Every command that reaches a Redis server, as MONITOR shows it."""

from __future__ import annotations

import codecs
import re
import socket
from collections.abc import Iterator

WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')


def words(line: bytes) -> list[bytes]:
    """The command and its arguments in one of MONITOR's lines; none when it is no command."""
    return [codecs.escape_decode(word)[0] for word in WORD.findall(line)]


def commands(host: str, port: int) -> Iterator[list[bytes]]:
    """Yields commands as they run, those inside scripts and transactions too, until the connection is closed. Begins with an empty one once it listens."""
    with socket.create_connection((host, port)) as connection, connection.makefile("rb") as lines:
        connection.sendall(b"MONITOR\r\n")
        if lines.readline() != b"+OK\r\n":
            raise ConnectionError("the server does not let its commands be watched")
        yield []
        for line in lines:
            yield words(line)
