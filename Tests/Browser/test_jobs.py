"""The jobs' pages of the admin panel in a browser, beside a worker that runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import redis
import web
from playwright.sync_api import Browser, Locator, Page, expect
from stack.client import RunningStack, wait_for
from test_admin import log_in
from test_schedule import picture

TASK = "pricewatch.check_price"
NOBODY = 987654321


def enqueue(stack: RunningStack, kwargs: dict[str, object], **options: object) -> str:
    """Enqueues a check by the API, and answers its id."""
    token = {"Authorization": f"Bearer {stack.settings['PRICEWATCH_SERVICE_TOKEN']}"}
    answer = web.request("POST", f"{stack.urls['site']}/api/v1/jobs", {"task": TASK, "kwargs": kwargs, "options": options}, token)
    assert answer.status == 202, answer.text
    return answer.json["id"]


def fail(stack: RunningStack) -> str:
    """A job that has failed for good: no product has such an id."""
    job = enqueue(stack, {"product_id": "seven"})
    token = {"Authorization": f"Bearer {stack.settings['PRICEWATCH_SERVICE_TOKEN']}"}
    wait_for("the job to fail", lambda: web.get(f"{stack.urls['site']}/api/v1/jobs/{job}", token).json["state"] == "FAILURE")
    return job


def open_board(page: Page, stack: RunningStack, query: str = "") -> None:
    """Logs in and opens the board; waits until its stream runs."""
    log_in(page, stack)
    look_at_board(page, stack, query)


def look_at_board(page: Page, stack: RunningStack, query: str = "") -> None:
    """Opens the board; waits until its stream runs."""
    page.goto(f"{stack.urls['site']}/admin/jobs{query}")
    expect(page.locator("#live-state")).to_have_attribute("data-state", "liveOn")


def total(chart: Locator) -> float:
    """The sum of everything that a chart shows."""
    return float(chart.get_attribute("data-total") or "0")


def shown(page: Page, name: str) -> Locator:
    """A chart."""
    return page.locator(f'[data-chart="{name}"]')


def test_charts_and_numbers_move_while_jobs_run(page: Page, stack: RunningStack) -> None:
    """Without a new page: the stream brings them, and rows of new names come by themselves."""
    open_board(page, stack, f"?task={TASK}")
    chart = shown(page, "ended")
    before = total(chart)
    page.evaluate("window.isTheSamePage = true")
    for _ in range(25):
        enqueue(stack, {"product_id": NOBODY})
    wait_for("the chart to move", lambda: page.wait_for_timeout(200) or total(chart) >= before + 25)
    assert chart.locator("rect.bar-succeeded").count() >= 1
    expect(shown(page, "runs").locator(".stage svg").locator("polyline, circle").first).to_be_attached()
    expect(page.locator(f'[data-live="j.checks.{TASK}.ended"]')).to_be_visible()
    expect(page.locator('[data-region="workers"]')).to_contain_text("interactive, checks")
    assert page.evaluate("window.isTheSamePage") is True
    picture(page, "jobs-board")


def test_values_are_read_by_pointer_keyboard_and_table(page: Page, stack: RunningStack) -> None:
    """Three ways to one number."""
    open_board(page, stack)
    chart = shown(page, "ended")
    stage = chart.locator(".stage")
    stage.hover(position={"x": 200, "y": 60})
    expect(chart.locator(".tip")).to_contain_text("succeeded:")
    stage.focus()
    page.keyboard.press("End")
    last = chart.locator(".tip b").inner_text()
    page.keyboard.press("ArrowLeft")
    assert chart.locator(".tip b").inner_text() != last
    page.keyboard.press("Escape")
    expect(chart.locator(".tip")).to_be_hidden()
    chart.get_by_text("As a table").click()
    expect(chart.locator("table tbody tr")).to_have_count(90)


def test_updates_are_stopped_and_go_on(page: Page, stack: RunningStack) -> None:
    """Whoever reads is not disturbed."""
    open_board(page, stack)
    page.get_by_role("button", name="Stop updates").click()
    expect(page.locator("#live-state")).to_have_attribute("data-state", "livePaused")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#live-state")).to_have_attribute("data-state", "liveOn")


def test_a_failed_job_is_read_edited_and_runs_again(page: Page, stack: RunningStack) -> None:
    """From the list of the dead to its story, its form, and its good end."""
    job = fail(stack)
    log_in(page, stack)
    page.goto(f"{stack.urls['site']}/admin/jobs/list?state=dead&name=check_price")
    picture(page, "jobs-dead")
    page.locator("tr", has_text=job).get_by_role("link").click()
    expect(page.locator("main")).to_contain_text("dead since")
    expect(page.locator('[data-part="kwargs"]')).to_contain_text('"product_id": "seven"')
    expect(page.locator("main")).to_contain_text("Failed for good")
    picture(page, "jobs-story")
    page.get_by_role("link", name="Edit and run again").click()
    page.get_by_label("By name").fill('{"product_id": ')
    page.get_by_role("button", name="Save and run again").click()
    expect(page.get_by_role("alert")).to_contain_text("no JSON object")
    picture(page, "jobs-edit")
    page.get_by_label("By name").fill(f'{{"product_id": {NOBODY}}}')
    page.get_by_role("button", name="Save and run again").click()
    expect(page.get_by_role("status").first).to_contain_text("on its queue again")

    def has_succeeded() -> bool:
        page.reload()
        return page.locator("main", has_text="ended as SUCCESS").count() == 1

    wait_for("the edited job to succeed", has_succeeded)
    expect(page.get_by_role("button", name="Run again")).to_have_count(0)


def test_a_failed_job_runs_again_as_it_is_and_is_deleted(page: Page, stack: RunningStack) -> None:
    """It fails again, and comes back to the same shelf."""
    job = fail(stack)
    log_in(page, stack)
    address = f"{stack.urls['site']}/admin/jobs/job/{job}"
    page.goto(address)
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_role("status").first).to_contain_text("on its queue again")

    def is_dead_again() -> bool:
        page.goto(address)
        return page.get_by_role("button", name="Run again").count() == 1

    wait_for("the job to fail again", is_dead_again)
    page.get_by_role("link", name="Discard").click()
    expect(page.locator("main")).to_contain_text("for good?")
    picture(page, "jobs-confirm")
    page.get_by_role("button", name="Discard").click()
    expect(page.locator("main")).not_to_contain_text(job)


def test_a_queue_is_paused_a_job_in_it_cancelled_and_the_queue_resumed(page: Page, stack: RunningStack) -> None:
    """What a pause holds back says so; a cancelled job never runs."""
    open_board(page, stack)
    page.get_by_role("link", name="Pause checks").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status").first).to_contain_text("Paused")
    expect(page.locator('[data-region="queues"]')).to_contain_text("paused")
    job = enqueue(stack, {"product_id": NOBODY})
    page.goto(f"{stack.urls['site']}/admin/jobs/job/{job}")
    expect(page.locator("main")).to_contain_text("queue:checks")
    page.get_by_role("link", name="Cancel the job").click()
    page.get_by_role("button", name="Cancel the job").click()
    expect(page.get_by_role("status").first).to_contain_text("cancelled")
    expect(page.locator("main")).to_contain_text("revoked")
    page.goto(f"{stack.urls['site']}/admin/jobs")
    page.get_by_role("button", name="Resume checks").click()
    expect(page.get_by_role("status").first).to_contain_text("Resumed")
    page.goto(f"{stack.urls['site']}/admin/jobs/job/{job}")

    def is_revoked() -> bool:
        page.reload()
        return page.locator("main", has_text="ended as REVOKED").count() == 1

    wait_for("the cancelled job to end", is_revoked)


def test_jobs_that_wait_are_edited_and_requeued(page: Page, stack: RunningStack) -> None:
    """One that a pause holds back is edited where it waits; one that waits for its time runs at once with what was written."""
    later = enqueue(stack, {"product_id": "seven"}, countdown=3600)
    log_in(page, stack)
    page.goto(f"{stack.urls['site']}/admin/jobs/job/{later}")
    expect(page.get_by_role("button", name="Run now")).to_be_visible()
    picture(page, "jobs-story-waiting")
    page.get_by_role("link", name="Edit", exact=True).click()
    expect(page.locator("main")).to_contain_text("It stays where it waits")
    page.get_by_label("By name").fill('{"product_id": "eight"}')
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Saved")
    expect(page.locator('[data-part="kwargs"]')).to_contain_text('"eight"')
    expect(page.locator("main")).to_contain_text("scheduled for")
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("By name").fill(f'{{"product_id": {NOBODY}}}')
    picture(page, "jobs-edit-waiting")
    page.get_by_role("button", name="Save and run now").click()
    expect(page.get_by_role("status").first).to_contain_text("on its queue again")

    def has_succeeded() -> bool:
        page.reload()
        return page.locator("main", has_text="ended as SUCCESS").count() == 1

    wait_for("the edited job to succeed", has_succeeded)
    page.goto(f"{stack.urls['site']}/admin/audit")
    expect(page.locator("table")).to_contain_text("edit_and_requeue")


@pytest.fixture
def foreign_queue(stack: RunningStack) -> Iterator[str]:
    """A queue of somebody else on the same server, which the API's Redis user may not read."""
    with redis.Redis.from_url(stack.settings["APIUM_BROKER_URL"]) as server:
        server.lpush("payroll", "a message")
        yield "payroll"
        server.delete("payroll")


def test_a_queue_that_may_not_be_read_hides_nothing_else(page: Page, stack: RunningStack, foreign_queue: str) -> None:
    """The board, the list, a job's page and the doctor show the rest, and name the queue."""
    job = enqueue(stack, {"product_id": NOBODY}, countdown=3600)
    open_board(page, stack)
    # Queues are looked for once a minute.
    row = page.locator('[data-region="queues"] tr', has_text=foreign_queue)
    expect(row).to_contain_text("may not be read", timeout=90_000)
    expect(page.locator('[data-region="queues"] tr', has_text="checks")).to_be_visible()
    picture(page, "jobs-not-readable")
    page.goto(f"{stack.urls['site']}/admin/jobs/list?state=ready")
    expect(page.locator("main")).to_contain_text(f"Not looked at: queue {foreign_queue}")
    page.goto(f"{stack.urls['site']}/admin/jobs/job/{job}")
    expect(page.locator("main")).to_contain_text("scheduled for")
    expect(page.locator("main")).to_contain_text(f"not looked at: queue {foreign_queue}")
    page.goto(f"{stack.urls['site']}/admin/jobs/doctor")
    expect(page.locator("main")).to_contain_text("not-readable")


def test_all_jobs_of_a_filter_run_again_after_they_were_counted(page: Page, stack: RunningStack) -> None:
    """The number is shown before anything is done."""
    job = fail(stack)
    log_in(page, stack)
    page.goto(f"{stack.urls['site']}/admin/jobs/list?state=dead&name=check_price&queue=checks")
    expect(page.locator("table")).to_contain_text(job)
    page.get_by_role("link", name="Run all again").click()
    expect(page.locator(".fact").first).to_contain_text(re.compile(r"\d"))
    page.get_by_role("button", name="Run all again").click()
    expect(page.get_by_role("status").first).to_contain_text("on its queue again")


def test_the_doctor_says_how_the_system_is(page: Page, stack: RunningStack) -> None:
    """The same findings as on the command line."""
    log_in(page, stack)
    page.goto(f"{stack.urls['site']}/admin/jobs/doctor")
    expect(page.get_by_role("status").first).to_contain_text("in order")
    picture(page, "jobs-doctor")


@pytest.mark.parametrize("path", ["", "/list", "/list?state=dead", "/doctor", "/job/nobody"])
def test_pages_fit_a_phone_in_both_languages(page: Page, stack: RunningStack, path: str) -> None:
    """No sideways scrolling at 375 points, and buttons that a thumb can hit."""
    log_in(page, stack)
    page.set_viewport_size({"width": 375, "height": 780})
    for language in ("en", "ru"):
        page.goto(f"{stack.urls['site']}/admin/language?to={language}&next=/admin/jobs")
        page.goto(f"{stack.urls['site']}/admin/jobs{path}")
        expect(page.locator("h1")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        heights = page.locator("main button:visible, main .button:visible").evaluate_all("all => all.map((one) => one.getBoundingClientRect().height)")
        assert all(height >= 30 for height in heights), heights
        picture(page, f"jobs-phone-{language}-{re.sub(r'[^a-z]', '', path) or 'board'}")


def test_no_request_leaves_the_origin(page: Page, stack: RunningStack) -> None:
    """Neither the pages nor their stream ask anybody else, and the content policy forbids it."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_board(page, stack)
    for path in ("/list", "/doctor", "/job/nobody"):
        page.goto(f"{stack.urls['site']}/admin/jobs{path}")
    origin = urlsplit(stack.urls["site"]).netloc
    assert any("/admin/jobs/live" in address for address in asked)
    assert {urlsplit(address).netloc for address in asked} == {origin}
    policy = page.goto(f"{stack.urls['site']}/admin/jobs").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "connect-src 'self'" in policy


def test_the_dark_page_is_readable(browser: Browser, stack: RunningStack) -> None:
    """A browser that asks for dark pages gets dark paper and light ink."""
    context = browser.new_context(locale="en-GB", color_scheme="dark", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    open_board(page, stack)
    colours = page.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
    paper, ink = (sum(int(part) for part in re.findall(r"\d+", colour)[:3]) for colour in colours)
    assert paper < 150 < ink
    picture(page, "jobs-dark")
    context.close()


def test_history_outlives_redis_worker_and_api(page: Page, stack: RunningStack) -> None:
    """All three are killed; the charts show afterwards what they showed before."""
    open_board(page, stack, f"?last=1h&task={TASK}")
    chart = shown(page, "ended")
    enqueue(stack, {"product_id": NOBODY})
    wait_for("something to be there", lambda: page.wait_for_timeout(200) or total(chart) >= 1)
    before = total(chart)
    for part in ("worker", "api", "redis"):
        pid = stack.kill(part)
        stack.wait_until_ready(part, but_not=pid)
    stack.wait_until_ready("api")
    look_at_board(page, stack, f"?last=1h&task={TASK}")
    assert total(chart) >= before
