from recommender.bundle.catalogue import MovieText
from recommender.search.semantic.text import movie_texts, text_key


def test_facts_and_plot_are_two_texts() -> None:
    movie = MovieText(1, "Heat", 1995, ("Crime", "Drama"), "A thief.", ("bank", "heist"))
    assert movie_texts(movie) == ("Heat (1995). Crime, Drama. bank, heist.", "A thief.")


def test_what_is_not_known_is_left_out() -> None:
    assert movie_texts(MovieText(1, "Heat")) == ("Heat.",)
    assert movie_texts(MovieText(1, "Heat", plot="  ")) == ("Heat.",)


def test_few_of_many_tags() -> None:
    movie = MovieText(1, "Heat", tags=tuple(f"t{i}" for i in range(99)))
    assert "t19" in movie_texts(movie)[0]
    assert "t20" not in movie_texts(movie)[0]


def test_a_key_is_that_of_the_text_and_the_model() -> None:
    keys = {text_key(model, text) for model in ("a", "b") for text in ("Heat.", "Heat!", "")}
    assert len(keys) == 6
    assert text_key("a", "Heat.") == text_key("a", "Heat.")
    assert {len(key) for key in keys} == {16}
