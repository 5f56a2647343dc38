from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from recommender.bundle.bundle import Bundle
from tests.app.conftest import OpenPage, edit_manifest


def said(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(element.value for element in page.markdown).replace("\\", "")


def test_tells_the_data_and_the_models(open_page: OpenPage, tiny_bundle: Path) -> None:
    text = said(open_page("about"))
    assert "1,193 ratings of 60 movies by 50 users, 3.23 stars on average" in text
    assert "on a scale of 0.5 to 5" in text
    assert f"Trained on {Bundle.open(tiny_bundle).created[:10]}" in text
    assert "(4 factors)" in text
    assert "with at least 5 ratings" in text
    assert "./run_debug.sh" in text


def test_without_a_credit_it_says_so(open_page: OpenPage) -> None:
    assert "did not say where the data come from" in said(open_page("about"))


@pytest.mark.parametrize("credit", ["Data by <b>Someone</b>, *not* a [link](x)", "자료: 어떤 곳"])
def test_the_credit_is_shown_as_it_was_given(
    open_page: OpenPage, own_bundle: Path, credit: str
) -> None:
    edit_manifest(own_bundle, lambda manifest: manifest["info"]["settings"].update(credit=credit))
    assert credit in said(open_page("about"))


def test_in_korean(open_page: OpenPage) -> None:
    text = said(open_page("about", locale="ko-KR"))
    assert "사용자 50명이 영화 60편에 매긴 평점 1,193개" in text
    assert "출처를 밝히지 않았습니다" in text


def test_says_how_good_it_is_if_that_was_measured(open_page: OpenPage, own_bundle: Path) -> None:
    assert "NDCG" not in said(open_page("about"))
    quality = {"users": 657, "ndcg": 0.3194, "popularity_ndcg": 0.1431, "mae": 0.6713}
    edit_manifest(own_bundle, lambda manifest: manifest["info"].update(quality=quality))
    for locale, sentence in (
        ("en-US", "2.2 times as good as showing everyone the same popular movies"),
        ("ko-KR", "2.2배 좋았고"),
    ):
        text = said(open_page("about", locale=locale))
        assert sentence in text
        assert "0.319" in text
        assert "0.67" in text
