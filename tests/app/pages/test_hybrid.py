import re

import pytest

from recommender import Recommender
from recommender.recommender import DEFAULT_WEIGHT
from tests.app.conftest import OpenPage
from tests.app.drawn import html, texts, titles

SUM = re.compile(
    r'<b>(\d+)</b> = <span class="collaborative">(\d+)</span> \+ <span class="content">(\d+)</span>'
)


def test_without_a_user_it_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page("hybrid")
    assert len(page.info) == 1
    assert titles(page) == []


def test_the_default_weight(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("hybrid", user="7")
    assert page.slider(key="weight").value == DEFAULT_WEIGHT
    assert titles(page) == [item.movie.title for item in tiny.hybrid_recommend(7, 12)]
    assert [element.value for element in page.header] == ["Recommended"]


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_the_weight_decides_order_and_parts(
    open_page: OpenPage, tiny: Recommender, weight: float
) -> None:
    page = open_page("hybrid", user="7").slider(key="weight").set_value(weight).run()
    found = tiny.hybrid_recommend(7, 12, weight)
    assert titles(page) == [item.movie.title for item in found]
    usual = [item.movie.title for item in tiny.hybrid_recommend(7, 12)]
    assert titles(page) != usual
    sums = [tuple(map(int, parts)) for parts in SUM.findall(html(page))]
    assert len(sums) == len(found)
    for (total, collaborative, content), item in zip(sums, found, strict=True):
        assert total == round(100 * item.score)
        assert abs(total - collaborative - content) <= 1  # each figure is rounded for itself
        assert collaborative == round(100 * weight * (item.collaborative or 0))
    if weight == 0:
        assert {collaborative for _, collaborative, _ in sums} == {0}
    if weight == 1:
        assert {content for _, _, content in sums} == {0}


def test_the_bar_tells_its_parts_to_those_who_do_not_see_it(open_page: OpenPage) -> None:
    page = open_page("hybrid", user="7")
    _, collaborative, content = SUM.findall(html(page))[0]
    labels = texts(page, 'role="img" aria-label="(.*?)"')
    assert labels[0] == f"Score: collaborative {collaborative}, content {content}"


@pytest.mark.parametrize("weight", ["2", "-1", "much"])
def test_an_address_with_a_wrong_weight_means_the_default(open_page: OpenPage, weight: str) -> None:
    page = open_page("hybrid", user="7", weight=weight)
    assert page.slider(key="weight").value == DEFAULT_WEIGHT
    assert len(titles(page)) == 12


def test_in_korean(open_page: OpenPage) -> None:
    page = open_page("hybrid", locale="ko-KR", user="7")
    assert page.title[0].value == "하이브리드"
    assert '<span class="content">내용</span>' in html(page)


def test_says_why_by_movies_and_by_words(open_page: OpenPage, tiny: Recommender) -> None:
    page = open_page("hybrid", user="7", weight="0.5")
    best = tiny.hybrid_recommend(7, 12, 0.5)[0]
    why = texts(page, r'<p class="mt-why">(.*?)</p>')
    assert why[0] == "Because of " + " · ".join(reason.movie.title for reason in best.reasons)
    assert why[1].startswith("Shared: ")
    assert ":" not in why[1].removeprefix("Shared: ")
