"""A proxy that can cut, swallow and hold bytes: one listening port (a door) per process behind it.

    python -m chaos.proxy PORT DOOR...

Commands come as lines on standard input: `cut DOOR`, `tear-reply DOOR BYTES`, `tear-request DOOR BYTES`, `deafen DOOR SECONDS` (replies are
swallowed, then cut), `mute DOOR SECONDS` (requests are), `hold DOOR SECONDS` (nothing passes, nothing is lost), `free` (ends all of that).
Each is answered by a line with the number of connections that there were, once it is in force.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import cast


class Door:
    """One listening port and what is being done to its connections."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.links: set[Link] = set()
        self.swallowed: set[str] = set()
        self.left: dict[str, int] = {}
        self.held = False

    def passing(self, direction: str, data: bytes) -> tuple[bytes, bool]:
        """What of the bytes passes, and whether the connection is torn behind them."""
        if direction in self.swallowed:
            return b"", False
        if direction in self.left:
            left = self.left[direction] - len(data)
            if left <= 0:
                passing = data[: self.left.pop(direction)]
                return passing, True
            self.left[direction] = left
        return data, False

    def cut(self) -> None:
        """Ends all connections."""
        for link in list(self.links):
            link.abort()

    def swallow(self, direction: str, seconds: float) -> None:
        """Drops the bytes of one direction, then the connections, which have holes."""
        self.swallowed.add(direction)
        asyncio.get_running_loop().call_later(seconds, self.stop_swallowing, direction)

    def stop_swallowing(self, direction: str) -> None:
        """The end of `swallow`."""
        if direction in self.swallowed:
            self.swallowed.discard(direction)
            self.cut()

    def hold(self, seconds: float) -> None:
        """Reads nothing for a while."""
        self.held = True
        for link in self.links:
            link.pause()
        asyncio.get_running_loop().call_later(seconds, self.go_on)

    def go_on(self) -> None:
        """The end of `hold`."""
        self.held = False
        for link in self.links:
            link.resume()

    def free(self) -> None:
        """Ends everything that is being done."""
        self.left.clear()
        for direction in list(self.swallowed):
            self.stop_swallowing(direction)
        if self.held:
            self.go_on()


class Link:
    """One connection through a door: two ends."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.ends: dict[str, End] = {}
        self.torn: set[str] = set()
        """Directions that have ended in the middle: whatever comes after the gap must not pass, for no connection loses bytes and goes on."""
        door.links.add(self)

    def other(self, direction: str) -> End | None:
        """The end that bytes of this direction go to."""
        return self.ends.get("reply" if direction == "request" else "request")

    def abort(self) -> None:
        """Resets both ends."""
        self.door.links.discard(self)
        for end in self.ends.values():
            end.transport.abort()

    def pause(self) -> None:
        """Reads from neither end."""
        for end in self.ends.values():
            end.read(False)

    def resume(self) -> None:
        """Reads again."""
        for end in self.ends.values():
            end.read(True)


class End(asyncio.Protocol):
    """One end of a link: `request` is the client's, `reply` the server's, by what is read there."""

    def __init__(self, link: Link, direction: str) -> None:
        self.link = link
        self.direction = direction
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """An end is there; the client's waits for the server's."""
        self.transport = cast(asyncio.Transport, transport)
        self.link.ends[self.direction] = self
        if self.direction == "request":
            self.read(False)
            asyncio.get_running_loop().create_task(self.connect())
        else:
            self.link.other("reply").read(not self.link.door.held)
            self.read(not self.link.door.held)

    async def connect(self) -> None:
        """Connects to the server, or gives the client up."""
        try:
            await asyncio.get_running_loop().create_connection(lambda: End(self.link, "reply"), "127.0.0.1", self.link.door.target)
        except OSError:
            self.link.abort()
            return
        if self.transport.is_closing():
            self.link.abort()

    def read(self, on: bool) -> None:
        """Whether bytes are taken from this end."""
        with contextlib.suppress(RuntimeError):
            if on and not self.link.door.held:
                self.transport.resume_reading()
            elif not on:
                self.transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        """Bytes go to the other end, if they may."""
        if self.direction in self.link.torn:
            return
        other = self.link.other(self.direction)
        passing, torn = self.link.door.passing(self.direction, data)
        if other and passing:
            other.transport.write(passing)
        if torn:
            self.link.torn.add(self.direction)
            asyncio.get_running_loop().call_later(0.001, self.link.abort)

    def pause_writing(self) -> None:
        """No more can be written here: the other end is not read."""
        if other := self.link.other("request" if self.direction == "reply" else "reply"):
            other.read(False)

    def resume_writing(self) -> None:
        """It takes bytes again."""
        if other := self.link.other("request" if self.direction == "reply" else "reply"):
            other.read(True)

    def connection_lost(self, error: Exception | None) -> None:
        """With one end goes the other, after what is still to be written there."""
        self.link.door.links.discard(self.link)
        if (other := self.link.other(self.direction)) and not other.transport.is_closing():
            other.transport.close()


async def main(target: int, doors: list[int]) -> None:
    """Serves until standard input ends."""
    loop = asyncio.get_running_loop()
    by_port = {port: Door(target) for port in doors}
    for port, door in by_port.items():
        await loop.create_server(lambda door=door: End(Link(door), "request"), "127.0.0.1", port)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    print("ready", flush=True)
    while line := await reader.readline():
        print(obey(line.decode().split(), by_port), flush=True)


def obey(words: list[str], doors: dict[int, Door]) -> int:
    """Carries out a command; the number of connections there were."""
    if words[0] == "free":
        for door in doors.values():
            door.free()
        return 0
    door = doors[int(words[1])]
    connections = len(door.links)
    if words[0] == "cut":
        door.cut()
    elif words[0].startswith("tear-"):
        door.left[words[0].partition("-")[2]] = int(words[2])
    elif words[0] in ("deafen", "mute"):
        door.swallow("reply" if words[0] == "deafen" else "request", float(words[2]))
    elif words[0] == "hold":
        door.hold(float(words[2]))
    return connections


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), [int(port) for port in sys.argv[2:]]))
