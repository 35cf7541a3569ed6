"""What nginx tells the API, and what it says when there is none."""

from __future__ import annotations

import http.server

import pytest
import web

Echo = tuple[str, http.server.ThreadingHTTPServer]


def test_the_client_is_named_by_nginx_alone(echo: Echo) -> None:
    """Forged headers are replaced."""
    site, _ = echo
    forged = {"X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1", "Forwarded": "for=10.0.0.1", "X-Forwarded-Proto": "https"}
    seen = web.get(f"{site}/anything", forged).json
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-real-ip"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert "forwarded" not in seen
    assert seen["host"] == site.removeprefix("http://")


def test_a_request_has_an_id(echo: Echo) -> None:
    """Each request its own."""
    site, _ = echo
    first, second = (web.get(f"{site}/anything", {"X-Request-ID": "mine"}).json["x-request-id"] for _ in range(2))
    assert len(first) == 32
    assert first != second


def test_headers_of_the_api_give_way(echo: Echo) -> None:
    """Where both set a header, nginx's stands."""
    site, _ = echo
    assert web.get(f"{site}/anything").headers.get_all("X-Frame-Options") == ["DENY"]


def test_an_api_that_is_down_is_told_in_json(echo: Echo) -> None:
    """502 with a code and a sentence; nginx itself stays up."""
    site, upstream = echo
    upstream.shutdown()
    upstream.server_close()
    answer = web.get(f"{site}/anything")
    assert (answer.status, answer.json["error"]["code"]) == (502, "bad_gateway")
    assert web.get(f"{site}/health/nginx").status == 200


@pytest.mark.parametrize("echo", ["127.0.0.1"], indirect=True)
def test_a_trusted_proxy_names_the_client(echo: Echo) -> None:
    """The last address that is not the proxy's own counts: what stands before it, the client wrote."""
    site, _ = echo
    seen = web.get(f"{site}/anything", {"X-Forwarded-For": "10.0.0.1, 203.0.113.9", "X-Forwarded-Proto": "https"}).json
    assert seen["x-forwarded-for"] == seen["x-real-ip"] == "203.0.113.9"
    assert seen["x-forwarded-proto"] == "https"


@pytest.mark.parametrize("echo", ["192.0.2.0/24"], indirect=True)
def test_a_strangers_claim_does_not_count(echo: Echo) -> None:
    """A proxy is trusted, but the request does not come from it."""
    site, _ = echo
    seen = web.get(f"{site}/anything", {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}).json
    assert seen["x-forwarded-for"] == seen["x-real-ip"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"


@pytest.mark.parametrize("echo", ["127.0.0.1"], indirect=True)
def test_clients_behind_a_proxy_are_limited_one_by_one(echo: Echo) -> None:
    """Who tries passwords locks nobody else out."""
    site, _ = echo
    assert 429 in {log_in(site, "/admin/login", "203.0.113.9") for _ in range(20)}
    assert log_in(site, "/admin/login", "203.0.113.10") != 429


@pytest.mark.parametrize("path", ["/admin/login", "/admin/login/", "/admin/login/x", "/admin/%6Cogin/x/y"])
def test_every_address_that_logs_in_is_limited(echo: Echo, path: str) -> None:
    """Nothing behind the page's address leads past the limit."""
    site, _ = echo
    assert 429 in {log_in(site, path) for _ in range(20)}


def test_metrics_are_not_forwarded(echo: Echo) -> None:
    """A proxy on the same machine comes from 127.0.0.1, its clients do not."""
    site, _ = echo
    assert web.get(f"{site}/metrics").status == 200
    assert web.get(f"{site}/metrics", {"X-Forwarded-For": "203.0.113.9"}).status == 403


def log_in(site: str, path: str, client: str = "") -> int:
    """The status of one attempt."""
    return web.request("POST", f"{site}{path}", raw=b"name=ann", headers={"X-Forwarded-For": client} if client else {}).status
