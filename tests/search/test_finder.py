import pytest

from recommender.bundle.catalogue import FILE, Catalogue
from recommender.bundle.movie_facts import MovieFacts
from recommender.core.records import Movie
from recommender.models.content import ContentModel
from recommender.recommender import Recommender
from recommender.search.finder import Finder, of_title
from recommender.search.titles import TitleIndex


def movie(number: int, title: str, year: int | None) -> Movie:
    return Movie(number, title, year, (), None, 0)


MOVIES = [
    movie(1, "The Matrix", 1999),
    movie(2, "The Matrix", 2021),
    movie(3, "Cité de Dieu (Cidade de Deus) (City of God)", 2002),
    movie(4, "Nobody knows when", None),
]


@pytest.mark.parametrize(
    ("title", "year", "found"),
    [
        ("matrix", None, 1),
        ("The Matrix", 2020, 2),
        ("the matrix", 2005, None),
        ("city of god", 2003, 3),
        ("CITE DE DIEU", None, 3),
        ("nobody knows when", 1950, 4),
        ("Matrices", None, None),
    ],
)
def test_the_first_of_exactly_this_title(title: str, year: int | None, found: int | None) -> None:
    movie = of_title(MOVIES, title, year)
    assert (movie.movie_id if movie else None) == found


def test_the_most_rated_movie_is_the_most_famous(tiny: Recommender) -> None:
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
    by_title = [tiny.movie(catalogue.movie_ids()[i]) for i in finder.by_title("parasite", 5)]
    assert by_title == tiny.search("parasite", 5)
    catalogue.close()
