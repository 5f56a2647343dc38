"""Takes the README's picture of a running app (see `run_debug.sh`) with Chromium.

.venv/bin/python benchmarks/screenshot.py "http://localhost:8501/for-you?user=42" PICTURE.png
"""

import shutil
import sys

from playwright.sync_api import expect, sync_playwright

address, picture = sys.argv[1:]
with sync_playwright() as playwright:
    browser = playwright.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
    )
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(address)
    expect(page.locator(".st-key-cards article").first).to_be_visible(timeout=20_000)
    expect(page.locator(".memory tbody").first).to_be_visible(timeout=20_000)
    page.screenshot(path=picture)
    browser.close()
