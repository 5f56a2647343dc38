"""Playwright and Chromium: import from here, and a test file is skipped where one is missing.

With MATINEE_REQUIRE_BROWSER=1 it fails instead, so that a machine that is meant to run these
tests cannot lose them unnoticed.
"""

import os
import shutil

import pytest

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def _missing(what: str) -> None:
    if os.environ.get("MATINEE_REQUIRE_BROWSER") == "1":
        raise RuntimeError(f"{what}, and MATINEE_REQUIRE_BROWSER=1 asks for the browser tests")
    pytest.skip(f"{what}, so no browser tests", allow_module_level=True)


EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser")
if EXECUTABLE is None:
    _missing("there is no Chromium (Debian: apt install chromium)")
try:
    from playwright.sync_api import (
        Browser,
        BrowserContext,
        Error,
        Locator,
        Page,
        Route,
        WebSocket,
        expect,
        sync_playwright,
    )
except ImportError:
    _missing("the package playwright is not installed")

__all__ = [
    "ARGUMENTS",
    "EXECUTABLE",
    "Browser",
    "BrowserContext",
    "Error",
    "Locator",
    "Page",
    "Route",
    "WebSocket",
    "expect",
    "sync_playwright",
]
