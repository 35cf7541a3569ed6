"""A Redis for one measurement, and what it says of itself."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

from redis import Redis
from redis.exceptions import RedisError


class PrivateRedis:
    """A server on a free loopback port with a folder of its own, with or without an append-only file."""

    def __init__(self, aof: bool) -> None:
        self.aof = aof
        self.folder = Path(tempfile.mkdtemp(prefix="apium-bench-"))

    def __enter__(self) -> PrivateRedis:
        """Starts it, and waits until it answers."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = port = free.getsockname()[1]
        persistence = ["--appendonly", "yes", "--appendfsync", "everysec"] if self.aof else ["--appendonly", "no"]
        words = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder), *persistence]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        self.url = f"redis://127.0.0.1:{port}/0"
        # A blocking read waits for as long as it says.
        self.client = Redis.from_url(self.url, socket_timeout=None)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.client.ping()
                return self
            except RedisError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stops it, and removes the folder."""
        self.client.close()
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cpu_seconds(self) -> float:
        """CPU time of the server's main thread: the one that runs commands."""
        info = self.client.info("cpu")
        return info["used_cpu_sys_main_thread"] + info["used_cpu_user_main_thread"]
