"""The app on data that have no stars: counts, likes, or ratings that are all equal."""

from pathlib import Path

import pytest

from tests.app.conftest import OpenPage, edit_manifest
from tests.app.drawn import html, titles

QUALITY = {"users": 5, "ndcg": 0.3, "popularity_ndcg": 0.2, "mae": 0.6789}


@pytest.mark.parametrize("url_path", ["", "discover", "for-you", "hybrid", "about"])
def test_no_stars_are_shown(open_page: OpenPage, own_bundle: Path, url_path: str) -> None:
    def counts(manifest: dict) -> None:
        manifest["info"]["data"]["feedback"] = "counts"
        manifest["info"]["quality"] = QUALITY

    edit_manifest(own_bundle, counts)
    page = open_page(url_path, user="7")
    assert not page.exception
    assert titles(page) or url_path in ("", "about")
    drawn = html(page) + " ".join(one.value for one in (*page.markdown, *page.caption))
    assert [word for word in ("★", "Average", "on average", "0.68") if word in drawn] == []
    assert "Predicted stars" not in str([one.options for one in page.get("button_group")])
