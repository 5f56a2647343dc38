"""Takes the pictures of README and docs from a running app (see `run_debug.sh`) with Chromium.

.venv/bin/python -m benchmarks.screenshot http://localhost:8501 docs/images
"""

import shutil
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.command_line import command_line

VISITS = (
    "for-you?user=42",
    "similar?movie=260&method=hybrid",
    "hybrid?user=7",
    "for-you?user=300",
    "my-ratings",
    "hybrid?user=42",
    "for-you?user=42",
)
LIKED = 3
# What only whoever runs the app sees, with the room that it takes.
HOSTS = """[data-testid=stSidebar], [data-testid=stExpandSidebarButton] { display: none }
.stApp .st-key-head.st-key-head { padding-left: 0 !important }"""


def visit(page: Page, address: str) -> None:
    """Open a page, and give the panel's timeline time to see what it took."""
    page.goto(address)
    expect(page.locator(".mt-cards article, .st-key-try_again").first).to_be_visible()
    page.wait_for_timeout(4_000)


def picks(browser: Browser, address: str, picture: Path, **options: Any) -> None:
    """Take Tonight as a visitor finds it who likes three movies and comes back."""
    page = browser.new_page(**options)
    page.goto(address)
    for number in range(LIKED):
        page.locator(".mt-wall [data-act]").nth(number).click()
        expect(page.locator(".mt-wall [aria-pressed=true]")).to_have_count(number + 1)
    page.reload()
    expect(page.locator(".mt-hero, article h2").first).to_be_visible()
    page.add_style_tag(content=HOSTS)
    page.wait_for_timeout(3_000)
    page.screenshot(path=picture)
    page.close()


def main(address: str, folder: Path) -> None:
    """Take every picture from the app at `address`, and write it into `folder`."""
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        for path in VISITS:
            visit(page, f"{address}/{path}")
        page.screenshot(path=folder / "for-you.png")
        side = page.get_by_test_id("stSidebar")
        for view in ("Now", "Actions", "Parts", "Tools"):
            side.get_by_role("radio", name=view).click()
            page.wait_for_timeout(3_000)
            name = f"memory-{view.lower()}.png"
            side.screenshot(path=folder / name)
        page.close()
        wide, phone = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
        picks(browser, address, folder / "tonight.png", viewport=wide)
        picks(
            browser,
            address,
            folder / "tonight-phone.png",
            viewport=phone,
            is_mobile=True,
            locale="ko-KR",
            color_scheme="dark",
        )
        browser.close()


if __name__ == "__main__":
    parser = command_line(__doc__, rows=False)
    parser.add_argument("address", help="of the running app")
    parser.add_argument("folder", type=Path, help="where the pictures go")
    options = parser.parse_args()
    main(options.address.rstrip("/"), options.folder)
