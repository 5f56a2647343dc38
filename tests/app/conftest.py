"""Opens the real app on the tiny bundle in Streamlit's own test runner."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit import config
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from recommender.app.server import configuration, housekeeper, loading
from recommender.bundle.manifest import MANIFEST, manifest_checksum
from tests.support.streamlit_runtime import packages_read_once, runtime  # noqa: F401

APP = Path(__file__).resolve().parents[2] / "streamlit_app.py"
OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting from outside, and nothing kept from another test."""
    for variable in [v for v in os.environ if v.startswith(("MATINEE_", "DEBUG_MEMORY"))]:
        monkeypatch.delenv(variable)
    st.cache_resource.clear()
    configuration.settings.cache_clear()
    housekeeper._guard.cache_clear()
    monkeypatch.setattr(loading, "_trouble", loading.Trouble("the bundle is not loaded yet"))
    yield
    st.cache_resource.clear()
    configuration.settings.cache_clear()


@pytest.fixture
def open_page(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """`open_page(url_path, locale=…, **address)` opens a page as a visitor's browser would."""
    monkeypatch.setenv("MATINEE_BUNDLE", str(tiny_bundle))

    def open_page(url_path: str = "", *, locale: str = "en-US", **address: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=30)
        app.context["locale"] = locale
        app.query_params.update(address)
        # AppTest.switch_page takes the path of a file, and these pages are functions.
        app._page_hash = calc_hash(url_path)
        return app.run()

    return open_page


@pytest.fixture
def own_bundle(
    open_page: OpenPage, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A copy of the tiny bundle that the app serves instead, for a test to do harm to."""
    bundle = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, bundle)
    monkeypatch.setenv("MATINEE_BUNDLE", str(bundle))
    return bundle


@pytest.fixture
def under_a_path() -> Iterator[None]:
    """The app lies at /films/ instead of /."""
    config.set_option("server.baseUrlPath", "films/")
    yield
    config.set_option("server.baseUrlPath", "")


def edit_manifest(bundle: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change what the manifest says, with a checksum to match."""
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    del manifest["checksum"]
    edit(manifest)
    manifest["checksum"] = manifest_checksum(manifest)
    (bundle / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
