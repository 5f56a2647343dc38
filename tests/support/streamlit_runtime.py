"""Streamlit's runtime without a server around it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import streamlit as st
from streamlit.runtime import Runtime, RuntimeConfig
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """Streamlit's runtime, as a server makes it; nobody is connected."""
    monkeypatch.setattr(Runtime, "_instance", None)
    yield Runtime(
        RuntimeConfig("", MemoryMediaFileStorage("/media"), MemoryUploadedFileManager("/upload"))
    )
    st.cache_data.clear()
