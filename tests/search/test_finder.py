import pytest

from recommender.bundle.catalogue import FILE, Catalogue
from recommender.bundle.movie_facts import MovieFacts
from recommender.models.content import ContentModel
from recommender.recommender import Recommender
from recommender.search.finder import Finder
from recommender.search.titles import TitleIndex


def test_finding_by_fame_and_title(tiny: Recommender) -> None:
    catalogue = Catalogue(tiny.bundle.file(FILE))
    finder = Finder(
        catalogue,
        TitleIndex.from_bundle(tiny.bundle),
        MovieFacts.from_bundle(tiny.bundle),
        ContentModel.load(tiny.bundle),
    )
    fames = [finder.fame(movie.movie_id) for movie in tiny.popular(60)]
    assert fames[0] == 1.0
    assert fames == sorted(fames, reverse=True)
    assert fames[-1] == 0.0
    assert finder.fame("no such movie") is None
    for title, year in (("기생충", 2020), ("기생충", 2019), ("기생충: a subtitle", 2019)):
        assert finder.of_title(title, year) == 2
    assert finder.of_title("기생충: a subtitle", None) is None
    by_title = [tiny.movie(catalogue.movie_ids()[i]) for i in finder.by_title("parasite", 5)]
    assert by_title == tiny.search("parasite", 5)
    catalogue.close()


@pytest.mark.parametrize(
    ("title", "year", "movie"),
    [
        ("Se7en", 1995, 47),
        ("Star Wars", 1977, 260),
        ("Oldboy", 2003, 27773),
        ("The Empire Strikes Back", 1980, 1196),
        ("카사블랑카", 1942, 912),
        ("Oldboy", 1990, None),
        ("ㅋㅅㅂㄹㅋ", 1942, None),
        ("lotr", 2001, None),
    ],
)
def test_names_of_other_catalogues(
    sample: Recommender, title: str, year: int, movie: int | None
) -> None:
    found = sample.find_title(title, year)
    assert (found.movie_id if found else None) == movie
    if movie:
        assert movie in [one.movie_id for one in sample.search(title, 10)]
