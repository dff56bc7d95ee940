"""The label of a chosen policy in a real browser: seen before any question, asked from, folded, saved."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from qa.labelling import TOPICS
from tests.e2e.serving import ANSWERED_MS, PHONE, visiting

pytestmark = pytest.mark.browser

PIXEL = """
async (data) => {
  const image = new Image();
  image.src = `data:image/png;base64,${data}`;
  await image.decode();
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext("2d");
  canvas.drawImage(image, 0, 0);
  return [image.naturalWidth, [...canvas.getImageData(image.naturalWidth / 2, 20, 1, 1).data]];
}
"""
"""The width of a picture, and its colour where only its background is."""


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page in a dark room; fails if anything but the service was asked for anything, or a script failed."""
    with visiting(browser, address, color_scheme="dark") as page:
        page.goto(address)
        expect(page.locator("#fp-question textarea")).to_be_visible()
        yield page


def choose(page: Page, name: str) -> None:
    """Chooses a policy and waits for its label."""
    page.locator("#fp-picker-input").fill(name)
    page.locator("#fp-picker-list [role=option]", has_text=name).first.click()  # not of what was found before
    expect(page.locator("#fp-glance .fp-label")).to_be_visible(timeout=ANSWERED_MS)


def test_a_chosen_policy_is_seen_at_a_glance_and_asks_by_keyboard_what_it_says(page: Page) -> None:
    choose(page, "free people")
    label = page.locator("#fp-glance .fp-label")
    expect(label.locator("> summary")).to_contain_text("Free People, as of 5 December 2006")
    expect(label.locator("[role=status]")).to_have_text("At a glance Free People, as of 5 December 2006")
    rows = label.locator(".fp-label-row")
    expect(rows).to_have_count(len(TOPICS))
    expect(rows.first.locator("> summary")).to_contain_text("Sells your data")
    expect(rows.first.locator(".fp-verdict")).to_have_text("No")
    quote = rows.first.locator("blockquote")
    expect(quote).to_be_hidden()
    rows.first.locator("> summary").focus()
    page.keyboard.press("Enter")
    expect(quote).to_contain_text("Free People will not rent or sell your e-mail address")
    page.keyboard.press("Tab")
    expect(rows.first.locator("[data-ask]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#fp-conversation .user")).to_contain_text(TOPICS[0].question, timeout=ANSWERED_MS)
    expect(page.locator(".fp-answer[data-key] .fp-verdict").first).to_have_text("No", timeout=ANSWERED_MS)
    expect(page.locator(".fp-answer[data-key]")).to_have_count(1)

    # The proof takes the label's place, which stays within reach; both can be had.
    expect(label).not_to_have_attribute("open", "")
    proof = page.locator("#fp-proof .fp-card").first
    expect(proof).to_be_in_viewport()
    label.locator("> summary").click()
    expect(rows.first).to_be_in_viewport()
    expect(proof).to_be_in_viewport()
    page.locator("#fp-new").click()
    expect(label).to_have_attribute("open", "")


def test_another_choice_brings_another_label_and_none_takes_it_away(page: Page) -> None:
    choose(page, "malleries")
    choose(page, "exofficio")
    expect(page.locator("#fp-glance .fp-label > summary")).to_contain_text("ExOfficio", timeout=ANSWERED_MS)
    page.locator("#fp-picker .fp-pick-clear").click()
    expect(page.locator("#fp-glance .fp-label")).to_have_count(0, timeout=ANSWERED_MS)
    expect(page.locator("#fp-proof .fp-panel-empty")).to_be_visible()


def test_a_label_is_saved_as_json_as_a_drawing_and_as_a_light_picture(page: Page, tmp_path: Path) -> None:
    choose(page, "free people")
    saved: dict[str, bytes] = {}
    for form in ("json", "svg", "png"):
        with page.expect_download() as downloading:
            page.locator(f"#fp-glance [data-save={form}]").click()
        assert downloading.value.suggested_filename == f"freepeople.com__2006-12-05-label.{form}"
        downloading.value.save_as(tmp_path / form)
        saved[form] = (tmp_path / form).read_bytes()
    expect(page.locator("#fp-glance .fp-label [role=status]")).to_contain_text("label.png")
    assert json.loads(saved["json"])["policy_id"] == "freepeople.com@2006-12-05"
    assert saved["svg"].startswith(b"<svg ")
    assert b"Free People" in saved["svg"]
    width, background = page.evaluate(PIXEL, base64.b64encode(saved["png"]).decode())
    assert width == 1440
    assert background == [255, 253, 249, 255], "the picture is not the light one"


def test_on_a_phone_the_label_is_a_list_under_the_question_and_nothing_is_cut_off(page: Page) -> None:
    page.set_viewport_size(PHONE)
    choose(page, "perricone")
    expect(page.locator("#fp-glance .fp-label-row").first).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_a_link_to_an_answer_leaves_the_label_folded_beside_its_proof(page: Page, address: str) -> None:
    page.goto(f"{address}/?policy=freepeople.com&q=do+they+sell+my+email+address")
    expect(page.locator(".fp-answer[data-key]")).to_have_count(1, timeout=ANSWERED_MS)
    expect(page.locator("#fp-proof .fp-panel[data-key] mark").first).to_be_visible(timeout=ANSWERED_MS)
    expect(page.locator("#fp-glance .fp-label")).to_have_count(1, timeout=ANSWERED_MS)
    expect(page.locator("#fp-glance .fp-label")).not_to_have_attribute("open", "")
