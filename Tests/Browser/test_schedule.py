"""The schedule's pages of the admin panel in a browser, beside a beat that runs."""

from __future__ import annotations

import os
from pathlib import Path

import redis
from playwright.sync_api import Page, expect
from stack.client import RunningStack
from test_admin import log_in

DEFINITION = 'task: pricewatch.relay_outbox\ncrontab: "30 2 * * *"\ntimezone: Europe/Berlin\n'


def picture(page: Page, name: str) -> None:
    """A picture for whoever wants to look, in $BROWSER_PICTURES."""
    if folder := os.environ.get("BROWSER_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_an_entry_is_previewed_added_switched_run_and_removed(page: Page, stack: RunningStack) -> None:
    """With forms alone; what is wrong is said beside what was written."""
    log_in(page, stack)
    page.get_by_role("link", name="Schedule").click()
    expect(page.locator("table tbody")).to_contain_text("check-due")
    picture(page, "list")
    page.get_by_role("link", name="Add").click()
    page.get_by_label("Name").fill("nightly relay")
    page.locator("textarea").fill("task: t\nevery: soon\n")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text('line 2: nightly relay.every is "soon"')
    picture(page, "fault")
    page.locator("textarea").fill(DEFINITION)
    page.get_by_role("button", name="Slots to come").click()
    expect(page.locator("table tbody tr")).to_have_count(10)
    expect(page.locator("table tbody")).to_contain_text("T02:30:00+0")
    picture(page, "preview")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved")
    page.get_by_role("button", name="Disable").click()
    expect(page.locator("main")).to_contain_text("disabled")
    page.get_by_role("button", name="Enable").click()
    # The next page, before its buttons are pressed.
    expect(page.get_by_role("button", name="Disable")).to_be_visible()
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("status")).to_contain_text("queued")
    picture(page, "entry")
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("table tbody")).not_to_contain_text("nightly relay")


def test_the_ledger_shows_what_fired(page: Page, stack: RunningStack) -> None:
    """Slots of the running beat, with their lateness; also on a narrow screen and in Russian."""
    ledger = redis.Redis.from_url(stack.settings["APIUM_BROKER_URL"])
    assert ledger.xread({"apium:beat:ledger:check-due": "0"}, block=30_000), "no slot fired for 30 seconds"
    log_in(page, stack)
    page.goto(f"{stack.urls['site']}/admin/schedule/ledger?entry=check-due&outcome=fired")
    expect(page.locator("table tbody tr").first).to_contain_text("ms")
    picture(page, "ledger")
    page.goto(f"{stack.urls['site']}/admin/schedule/entry/check-due")
    expect(page.locator("main")).to_contain_text("deployment")
    expect(page.get_by_role("link", name="Edit")).to_have_count(0)
    page.get_by_role("link", name="Русский").click()
    expect(page.locator("main")).to_contain_text("развёртывание")
    page.set_viewport_size({"width": 390, "height": 844})
    picture(page, "russian")
    page.get_by_role("link", name="English").click()
