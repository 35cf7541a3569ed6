"""A proxy that breaks connections as networks do: bytes vanish, and neither end hears of it."""

from __future__ import annotations

import contextlib
import socket
import threading


class Proxy:
    """Stands between workers and Redis. Connections that are there when `swallow` is called are dead from then on; new ones work."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.generation = 0
        self.swallowed = 0
        self.sockets: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self) -> str:
        """The address as Celery writes it."""
        return f"redis://127.0.0.1:{self.listener.getsockname()[1]}/0"

    def accept(self) -> None:
        """Takes connections until the end."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    client.close()
                    continue
                self.sockets += [client, server]
                for source, sink in ((client, server), (server, client)):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    threading.Thread(target=self.pump, args=(source, sink, self.generation), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket, born: int) -> None:
        """Hands on what comes from one end, while its connection lives; the end of a dead one is not handed on either."""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if born < self.generation:
                    self.swallowed += len(data)
                else:
                    sink.sendall(data)
            if born >= self.generation:
                sink.close()

    def swallow(self) -> None:
        """From now on what is sent over the present connections vanishes, both ways."""
        self.generation += 1

    def end(self) -> None:
        """Closes everything."""
        for each in [self.listener, *self.sockets]:
            with contextlib.suppress(OSError):
                each.close()
