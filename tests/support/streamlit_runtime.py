"""Streamlit's runtime without a server around it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager


@pytest.fixture(scope="session", autouse=True)
def packages_read_once() -> Iterator[None]:
    """Streamlit looks for components in every installed package whenever a test opens a page, which
    took four fifths of these tests' time; here it looks once."""
    with pytest.MonkeyPatch.context() as patch:
        scan = manifest_scanner.scan_component_manifests
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(scan))
        yield


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """Streamlit's runtime, as a server makes it; nobody is connected."""
    monkeypatch.setattr(Runtime, "_instance", None)
    yield Runtime(
        RuntimeConfig("", MemoryMediaFileStorage("/media"), MemoryUploadedFileManager("/upload"))
    )
    st.cache_data.clear()
