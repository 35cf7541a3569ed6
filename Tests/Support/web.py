"""HTTP for tests: one request, one answer, no exceptions for statuses."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Shows redirects as they are."""

    def redirect_request(self, *arguments: object) -> None:
        """Follows none."""
        return


DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirects())


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> dict:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


def request(method: str, url: str, body: object = None, headers: dict[str, str] | None = None, raw: bytes | None = None, timeout: float = 40.0) -> Answer:
    """Sends a request; `body` goes as JSON, `raw` as it is. Redirects are not followed."""
    data = raw if raw is not None else None if body is None else json.dumps(body).encode()
    sent = dict(headers or {})
    if body is not None:
        sent.setdefault("Content-Type", "application/json")
    message = urllib.request.Request(url, data=data, method=method, headers=sent)
    try:
        with DIRECT.open(message, timeout=timeout) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


def get(url: str, headers: dict[str, str] | None = None) -> Answer:
    """Sends a GET."""
    return request("GET", url, headers=headers)


def post(url: str, body: object = None, headers: dict[str, str] | None = None) -> Answer:
    """Sends a POST with JSON."""
    return request("POST", url, body=body, headers=headers)
