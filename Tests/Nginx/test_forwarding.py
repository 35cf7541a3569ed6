"""What nginx tells the API, and what it says when there is none."""

from __future__ import annotations

import http.server

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
