"""The proxy does to bytes what it is told."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos.members import Proxy, free_ports
from chaos.proxy import Door, End, Link
from stack.client import wait_for


class Echo:
    """A server that gives back what it gets, and remembers it."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.got: list[bytes] = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        """One thread per connection."""
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.echo, args=(connection,), daemon=True).start()

    def echo(self, connection: socket.socket) -> None:
        """Until it ends."""
        try:
            while data := connection.recv(65536):
                self.got.append(data)
                connection.sendall(data)
        except OSError:
            return


@pytest.fixture
def echo() -> Echo:
    """A server."""
    return Echo()


@pytest.fixture
def door() -> int:
    """A port."""
    return free_ports(1)[0]


@pytest.fixture
def proxy(echo: Echo, door: int, tmp_path: Path) -> Iterator[Proxy]:
    """A proxy in front of it."""
    made = Proxy(echo.port, [door], tmp_path)
    yield made
    made.end()


def connect(door: int) -> socket.socket:
    """A connection through the door, known to pass bytes."""
    client = socket.create_connection(("127.0.0.1", door), timeout=20)
    client.sendall(b"hello")
    assert receive(client, 5) == b"hello"
    return client


def receive(client: socket.socket, count: int) -> bytes:
    """So many bytes, or what came before the end."""
    data = b""
    try:
        while len(data) < count and (part := client.recv(count - len(data))):
            data += part
    except ConnectionResetError:
        pass
    return data


def test_a_cut_ends_the_connections_and_new_ones_pass(proxy: Proxy, door: int) -> None:
    """Of the one door."""
    client = connect(door)
    proxy.tell("cut", door)
    assert receive(client, 1) == b""
    connect(door)


def test_a_torn_reply_has_its_first_bytes_and_the_request_has_arrived(proxy: Proxy, echo: Echo, door: int) -> None:
    """The server has done what was asked; the client cannot know."""
    client = connect(door)
    proxy.tell("tear-reply", door, 7)
    client.sendall(b"0123456789")
    assert receive(client, 10) == b"0123456"
    assert b"".join(echo.got) == b"hello0123456789"


def test_a_torn_request_arrives_in_part(proxy: Proxy, echo: Echo, door: int) -> None:
    """And the connection ends."""
    client = connect(door)
    proxy.tell("tear-request", door, 3)
    client.sendall(b"0123456789")
    assert receive(client, 10) in (b"012", b"")
    assert b"".join(echo.got) in (b"hello012", b"hello")


class Sink(asyncio.Transport):
    """Where an end writes to."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes) -> None:
        """Keeps it."""
        self.written += data

    def abort(self) -> None:
        """Nothing to end."""


@pytest.mark.parametrize(("torn", "whole"), [("request", "reply"), ("reply", "request")])
def test_nothing_follows_the_gap_of_a_torn_connection(torn: str, whole: str) -> None:
    """Until it has ended: a server must not take the next command for the rest of the one that was cut. The other direction goes on."""

    async def scene() -> Link:
        link = Link(Door(0))
        for direction in (torn, whole):
            end = link.ends[direction] = End(link, direction)
            end.transport = Sink()
        link.door.left[torn] = 3
        for data in (b"01234", b"56789", b"more"):
            link.ends[torn].data_received(data)
        link.ends[whole].data_received(b"back")
        return link

    link = asyncio.run(scene())
    assert [link.ends[direction].transport.written for direction in (whole, torn)] == [b"012", b"back"]


def test_a_held_connection_loses_nothing(proxy: Proxy, door: int) -> None:
    """It goes on where it stopped."""
    client = connect(door)
    proxy.tell("hold", door, 0.2)
    client.sendall(b"0123456789")
    assert receive(client, 10) == b"0123456789"


def test_a_deafened_client_gets_no_reply_and_then_the_end(proxy: Proxy, echo: Echo, door: int) -> None:
    """Its requests arrive."""
    client = connect(door)
    proxy.tell("deafen", door, 60)
    client.sendall(b"0123456789")
    wait_for("the request", lambda: b"".join(echo.got) == b"hello0123456789", 20)
    proxy.tell("free")
    assert receive(client, 1) == b""
