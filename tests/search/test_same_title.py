import pytest

from recommender.bundle.catalogue import MovieText
from recommender.core.text_folding import title_names
from recommender.core.titles import restore_articles
from recommender.search.same_title import LooseNames, likely, nearest


def movie(title: str, year: int | None, movie_id: int = 0) -> MovieText:
    return MovieText(movie_id, title, year)


@pytest.mark.parametrize(
    ("year", "found"), [(2008, 1), (2009, 2), (2010, 2), (2007, 1), (None, 1), (2011, None)]
)
def test_of_two_movies_of_one_name_the_nearest_year_wins(
    year: int | None, found: int | None
) -> None:
    both = [movie("Wanted", 2008, 1), movie("Wanted", 2009, 2)]
    chosen = nearest(both, "Wanted", year)
    assert (chosen.movie_id if chosen else None) == found


def test_a_movie_without_a_year_comes_last() -> None:
    both = [movie("Wanted", None, 1), movie("Wanted", 2009, 2)]
    assert nearest(both, "Wanted", 2009) == both[1]
    assert nearest(both[:1], "Wanted", 1950) == both[0]


def test_with_another_article_it_is_the_same_movie_only_in_the_same_year() -> None:
    movies = [movie("Frozen", 2013)]
    assert nearest(movies, "The Frozen", 2013) == movies[0]
    assert nearest(movies, "The Frozen", 2012) is None
    assert nearest(movies, "Frozen", 2012) == movies[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Seven (a.k.a. Se7en)", "Se7en"),
        ("Love & Other Drugs", "Love and Other Drugs"),
        ("Men in Black III", "Men in Black 3"),
        ("8½", "8 1/2"),
        ("The Naked Gun 33⅓", "Naked Gun 33 1/3"),
        ("Æon Flux", "Aeon Flux"),
        ("Smørrebrød", "Smorrebrod"),
        ("Matrix, The", "The Matrix"),
        ("Haine, La", "La Haine"),
        ("Boot, Das", "Das Boot"),
        ("Appartement, L'", "L'Appartement"),
        ("Cité de Dieu (Cidade de Deus) (City of God)", "City of God"),
        ("Oldboy", "Old Boy"),
    ],
)
def test_names_that_are_the_same(one: str, other: str) -> None:
    assert title_names(restore_articles(one)) & title_names(restore_articles(other))


@pytest.mark.parametrize(
    ("title", "listed"),
    [
        ("Shark Night", "Shark Night 3D"),
        ("My Bloody Valentine", "My Bloody Valentine 3-D"),
        ("Return of the Jedi", "Star Wars: Episode VI - Return of the Jedi"),
        ("Zathura: A Space Adventure", "Zathura"),
        ("Doctor Dolittle", "Dr. Dolittle"),
        ("The Butler", "Lee Daniels' The Butler"),
        ("Why Did I Get Married?", "Tyler Perry's Why Did I Get Married?"),
        ("Ice Age: The Meltdown", "Ice Age 2: The Meltdown"),
        ("Friday the 13th Part 5: A New Beginning", "Friday the 13th: A New Beginning"),
        ("Mad Max 2: The Road Warrior", "The Road Warrior (Mad Max 2)"),
        ("Dogtown and Z-Boys", "Dogtown and Z-Boyz"),
    ],
)
def test_a_looser_name_is_the_same_in_the_same_year_alone(title: str, listed: str) -> None:
    found = movie(listed, 1999)
    assert likely([found, movie("Another", 1999)], title, 1999) == found
    assert likely([found], listed, 1999) == found
    for year in (1998, 2000, None):
        assert likely([found], title, year) is None


def test_of_two_that_fit_loosely_neither_is_taken() -> None:
    movies = [movie("Zathura", 2005, 1), movie("Zathura: A Game", 2005, 2)]
    assert likely(movies, "Zathura: A Space Adventure", 2005) == movies[0]
    movies.append(movie("Zathura", 2005, 3))
    assert likely(movies, "Zathura: A Space Adventure", 2005) is None


@pytest.mark.parametrize(
    ("title", "listed"),
    [
        ("Code Name: The Cleaner", "Cleaner"),
        ("The Devil's Double", "The Double"),
        ("The Caveman's Valentine", "Valentine"),
        ("Snow White: A Deadly Summer", "Snow White (Blancanieves)"),
        ("Star Wars: The Clone Wars", "Star Wars: Ewok Adventures"),
        ("Apollo 12", "Apollo 13"),
        ("Rocky", "Rocky II"),
    ],
)
def test_another_movie_is_not_taken_for_it(title: str, listed: str) -> None:
    assert not title_names(title) & title_names(listed)
    assert likely([movie(listed, 1999)], title, 1999) is None


def test_the_names_to_search_for_hold_every_way_to_write_the_title() -> None:
    names = LooseNames.of("Mad Max 2: The Road Warrior")
    assert set(names.texts) == {"mad max 2 the road warrior", "mad max the road warrior"} | {
        "mad max 2",
        "road warrior",
    }
