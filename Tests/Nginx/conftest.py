"""nginx in front of the real API, and in front of a server that tells what reached it."""

from __future__ import annotations

import http.server
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import web
from stack import servers
from stack.client import RunningStack, wait_for
from stack.run_folder import RunFolder
from stack.settings import Ports


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """Everything that the API needs, and nginx in front."""
    with RunningStack(only=["redis", "postgres", "parser", "api", "nginx"]) as running:
        yield running


@pytest.fixture(scope="module")
def site(stack: RunningStack) -> str:
    """Nginx's address."""
    return stack.urls["site"]


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the request's headers."""

    def do_GET(self) -> None:
        """Tells what reached it."""
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Frame-Options", "SAMEORIGIN")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Stays silent."""


@pytest.fixture
def echo(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[str, http.server.ThreadingHTTPServer]]:
    """A site whose API tells what reached it, and that API; its parameter is the trusted proxy."""
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    folder = RunFolder(tmp_path)
    folder.make()
    port = Ports(folder).choose("site")
    command = servers.nginx_command(folder, f"127.0.0.1:{port}", f"127.0.0.1:{upstream.server_port}", getattr(request, "param", None))
    process = subprocess.Popen([*command, "-g", "daemon off;"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    site = f"http://127.0.0.1:{port}"
    try:
        wait_for("nginx to listen", lambda: listens(site))
        yield site, upstream
    finally:
        process.terminate()
        process.wait(10)
        upstream.shutdown()
        upstream.server_close()


def listens(site: str) -> bool:
    """Whether nginx answers."""
    try:
        return web.get(f"{site}/health/nginx").status == 200
    except OSError:
        return False
