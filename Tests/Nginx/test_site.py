"""The site with the real API behind it."""

from __future__ import annotations

import gzip

import pytest
import web
from stack.client import RunningStack
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect


def test_the_api_is_reached(site: str) -> None:
    """What is under / is the API's."""
    answer = web.get(f"{site}/health/ready")
    assert answer.status == 200, answer.text


def test_the_admin_is_reached(site: str) -> None:
    """The admin answers with its login page, or leads to it."""
    assert web.get(f"{site}/admin").status in (200, 301, 302, 303)


def test_a_refusal_of_the_api_passes_unchanged(site: str) -> None:
    """Nginx does not put its own words over the API's."""
    answer = web.get(f"{site}/api/v1/products")
    assert answer.status == 401
    assert answer.json["error"]["code"] not in ("", "service_unavailable")
    assert web.get(f"{site}/api/v1/nothing-here").json["error"]["message"]


def test_a_large_body_is_refused_in_json(site: str) -> None:
    """Two MiB do not reach the API."""
    answer = web.request("POST", f"{site}/api/v1/jobs", raw=b" " * (2 * 1024 * 1024), headers={"Content-Type": "application/json"})
    assert answer.status == 413
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["error"]["code"] == "payload_too_large"


@pytest.mark.parametrize("path", ["/health/live", "/static/favicon.svg", "/docs", "/static/nothing", "/admin/login"])
def test_security_headers_stand_once(site: str, path: str) -> None:
    """Each header once, for pages, files and errors; and no version of nginx."""
    headers = web.get(f"{site}{path}").headers
    for name, value in {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"}.items():
        assert headers.get_all(name) == [value]
    assert headers["Server"] == "nginx"


def test_static_files_come_from_disk(site: str) -> None:
    """The icon, with its type and a time to keep it."""
    answer = web.get(f"{site}/static/favicon.svg")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert "max-age=" in answer.headers["Cache-Control"]
    assert web.get(f"{site}/robots.txt").text.startswith("User-agent")


def test_a_missing_file_is_refused_in_json(site: str) -> None:
    """Nginx's own 404 has the API's form."""
    answer = web.get(f"{site}/static/nothing.css")
    assert (answer.status, answer.json["error"]["code"]) == (404, "not_found")


def test_files_are_only_read(site: str) -> None:
    """Nobody writes to /static."""
    answer = web.post(f"{site}/static/favicon.svg", {})
    assert (answer.status, answer.json["error"]["code"]) == (403, "forbidden")


def test_media_comes_from_disk_and_runs_nothing(stack: RunningStack, site: str) -> None:
    """A file of the media folder is data: a page in it may do nothing."""
    (stack.folder.media / "chart.html").write_text("<script>alert(1)</script>")
    answer = web.get(f"{site}/media/chart.html")
    assert answer.status == 200
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers.get_all("X-Content-Type-Options") == ["nosniff"]


@pytest.mark.parametrize("path", ["/media/../secrets.env", "/media/%2e%2e/secrets.env", "/static/..%2f..%2fREADME.md", "/media../secrets.env"])
def test_no_path_leads_out_of_the_folders(site: str, path: str) -> None:
    """Dots in an address reach nothing."""
    answer = web.get(f"{site}{path}")
    assert answer.status in (400, 401, 403, 404)
    assert b"PASSWORD" not in answer.body


def test_answers_are_compressed(site: str) -> None:
    """The API's description is a large text."""
    answer = web.get(f"{site}/openapi.json", {"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b'"openapi"' in gzip.decompress(answer.body)


def test_metrics_are_for_this_machine(site: str) -> None:
    """A collector on the machine reads them."""
    assert web.get(f"{site}/metrics").status == 200


def test_a_socket_opens_with_the_service_token(stack: RunningStack, site: str) -> None:
    """The upgrade passes, and frames go both ways."""
    headers = {"Authorization": f"Bearer {stack.settings['PRICEWATCH_SERVICE_TOKEN']}"}
    with connect(site.replace("http", "ws") + "/ws", additional_headers=headers, proxy=None) as socket:
        socket.send('{"id":"r1","action":"get_user","chat_id":77}')
        assert '"r1"' in socket.recv(timeout=10)


@pytest.mark.parametrize("token", ["", "x" * 43])
def test_a_socket_is_refused_without_it(site: str, token: str) -> None:
    """401 in the handshake."""
    with pytest.raises(InvalidStatus) as refused:
        connect(site.replace("http", "ws") + "/ws", additional_headers={"Authorization": f"Bearer {token}"}, proxy=None)
    assert refused.value.response.status_code == 401


def test_attempts_to_log_in_are_limited(site: str) -> None:
    """Somebody who guesses passwords is slowed down; a refusal is JSON."""
    answers = [
        web.request("POST", f"{site}/admin/login", raw=b"user=a&password=b", headers={"Content-Type": "application/x-www-form-urlencoded"}) for _ in range(16)
    ]
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert refused[-1].json["error"]["code"] == "too_many_requests"
    assert web.get(f"{site}/health/live").status == 200
