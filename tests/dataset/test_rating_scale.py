from pathlib import Path

import duckdb
import pytest

from recommender.core.errors import DataError
from recommender.dataset.rating_scale import find_scale, rating_values
from recommender.dataset.sources import TableFile
from recommender.dataset.staging import load_staging_table


def scale_of(
    folder: Path,
    ratings: list[object],
    given: tuple[float, float] | None = None,
    feedback: str = "stars",
) -> tuple[float, float]:
    rows = [f"u{row},m,{rating}\n" for row, rating in enumerate(ratings)]
    return scale_of_file(folder, "user_id,movie_id,rating\n" + "".join(rows), given, feedback)


def scale_of_file(
    folder: Path, text: str, given: tuple[float, float] | None = None, feedback: str = "stars"
) -> tuple[float, float]:
    path = folder / "ratings.csv"
    path.write_text(text)
    with duckdb.connect() as connection:
        staged = load_staging_table(connection, TableFile(path, "ratings"), None, folder)
        _, spelled = rating_values(connection, ())
        return find_scale(connection, staged, given, feedback, spelled)


@pytest.mark.parametrize(
    ("ratings", "scale"),
    [
        ([1, 0, 1], (0, 1)),
        ([0.25, 0.5], (0, 1)),
        ([1, -1, 1], (-1, 1)),
        ([0, 0], (-1, 1)),
        ([1, 3, 5], (1, 5)),
        ([2, 3, 4], (1, 5)),
        ([1, 3.5, 5], (0.5, 5)),
        ([0, 3, 5], (0, 5)),
        ([1, 3.5, 10], (1, 10)),
        ([0, 10], (0, 10)),
        ([0, 55, 100], (0, 100)),
        ([-10, 3.25, 9], (-10, 10)),
        ([-40, 3, 250.5], (-40, 250.5)),
        (["1e0", " 4 ", "5.0"], (1, 5)),
        (['"4,5"', '"0,50"'], (0.5, 5)),  # with a decimal comma
    ],
)
def test_usual_scales(tmp_path: Path, ratings: list[object], scale: tuple[float, float]) -> None:
    assert scale_of(tmp_path, ratings) == scale


def test_a_few_outliers_do_not_widen_the_scale(tmp_path: Path) -> None:
    message = (
        r"ratings\.csv, line 7: rating 55 is outside the detected scale 1-5; "
        "correct the row or give --scale LOW-HIGH"
    )
    with pytest.raises(DataError, match=message):
        scale_of(tmp_path, [1, 2, 3, 4, 5, 55, 77, *[3] * 300])


def test_many_outliers_do(tmp_path: Path) -> None:
    assert scale_of(tmp_path, [1, 2, 3, 4, 5, 55]) == (0, 100)


def test_given_scale_is_taken(tmp_path: Path) -> None:
    assert scale_of(tmp_path, [2, 3], (0, 7)) == (0, 7)


def test_outside_the_given_scale(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 3: rating 0\.5 is outside --scale 1-5; correct"):
        scale_of(tmp_path, [1, 0.5, *[3] * 300], (1, 5))


@pytest.mark.parametrize("value", ["good", "NaN", "inf", "-Infinity", "3,500", "4/5", "4 stars"])
def test_not_a_number(tmp_path: Path, value: str) -> None:
    quoted = f'"{value}"'
    with pytest.raises(DataError, match=rf"line 3: rating {value} is not a number; correct"):
        scale_of(tmp_path, [3, quoted, "also bad"])


@pytest.mark.parametrize("value", ["16777216", "-16777216"])
def test_large_ratings(tmp_path: Path, value: str) -> None:
    assert float(value) in scale_of(tmp_path, [3, value])
    message = rf"line 3: rating {value}1 is beyond 16,777,216; correct the row, or divide all"
    with pytest.raises(DataError, match=message):
        scale_of(tmp_path, [3, value + "1"])


def test_a_rating_is_quoted_in_one_line_and_not_whole(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"line 2: rating x{30} … y{28}\\ny is not a"):
        scale_of(tmp_path, [f'"{"x" * 1_000}{"y" * 1_000}\ny"'])


@pytest.mark.parametrize("value", ["", '""', "   "])
def test_empty_rating(tmp_path: Path, value: str) -> None:
    with pytest.raises(DataError, match=r"line 2: rating \(empty\) is not a number"):
        scale_of(tmp_path, [value, 3])


@pytest.mark.parametrize("rating", [500, -10])
def test_only_one_odd_rating_gives_no_scale(tmp_path: Path, rating: float) -> None:
    with pytest.raises(DataError, match=rf"ratings\.csv: every rating is {rating}; give --scale"):
        scale_of(tmp_path, [rating, rating])


def asked(folder: Path, values: dict[float, int]) -> str:
    """Return what is asked about ratings of which each value has so many; "" if nothing is."""
    try:
        scale_of(folder, [value for value, count in values.items() for _ in range(count)])
    except DataError as error:
        return str(error)
    return ""


ONE_TO_TEN = {float(value): 10 * value for value in range(1, 11)}
HALVES = {value / 2: 10 for value in range(1, 11)}


@pytest.mark.parametrize(
    ("value", "count", "rest"),
    [
        (-1, 110, ONE_TO_TEN),  # Anime Recommendations Database
        (-1, 10, {0.0: 30, **HALVES}),
        (0, 400, ONE_TO_TEN),  # Book-Crossing
        (0, 100, HALVES),
        (99, 200, {value / 2: 10 for value in range(-20, 21)}),  # Jester
        (-99, 200, {value / 2: 10 for value in range(-20, 21)}),
        (99, 10, dict.fromkeys((1, 2, 3, 4, 5), 20)),
        (10, 10, HALVES),
    ],
)
def test_a_value_that_stands_alone_is_asked_about(
    tmp_path: Path, value: float, count: int, rest: dict[float, int]
) -> None:
    rows = count + sum(rest.values())
    low, high = min(rest), max(rest)
    assert asked(tmp_path, {value: count, **rest}).endswith(
        f"ratings.csv: {count:,} of {rows:,} ratings are {value:g}, and the others {low:g} to "
        f"{high:g}; does {value:g} mean not rated? Give --unrated={value:g}, or --scale "
        f"{min(low, value):g}-{max(high, value):g} if it is a rating"
    )


def test_two_negative_values_may_be_two_reasons(tmp_path: Path) -> None:
    assert "20 of 620 ratings are -2, and the others 1 to 10; does -2 mean not rated?" in asked(
        tmp_path, {-2: 20, -1: 50, **ONE_TO_TEN}
    )
    assert asked(tmp_path, dict.fromkeys((-2, -1, 0, 1, 2), 15)) == ""


@pytest.mark.parametrize(
    "values",
    [
        ONE_TO_TEN,
        HALVES,
        {0: 10, **HALVES},
        {0: 60, 1: 40},
        {-1: 30, 0: 40, 1: 50},
        {1: 50, 3: 10, 4: 10, 5: 10},
        dict.fromkeys(range(0, 101, 10), 5),
        dict.fromkeys(range(-10, 11), 5),
        {1: 30, 2: 20, 6: 10},
        {0.0: 30, 0.25: 4, 0.5: 3, 1.0: 1},
    ],
)
def test_ratings_at_the_end_of_a_scale_are_not(tmp_path: Path, values: dict[float, int]) -> None:
    assert asked(tmp_path, values) == ""


PLAYS = [1, 2, 3, 1, 5] * 10 + [60]


def test_counts_are_not_taken_for_stars(tmp_path: Path) -> None:
    message = (
        r"ratings\.csv: most ratings are at most 10 on 0-100, as counts are; "
        r"give --feedback counts, or --scale 1-60 if they are stars"
    )
    with pytest.raises(DataError, match=message):
        scale_of(tmp_path, PLAYS)
    assert scale_of(tmp_path, PLAYS, (0, 100)) == (0, 100)
    assert scale_of(tmp_path, [*PLAYS, *[50] * 30, 80]) == (0, 100)
    with pytest.raises(DataError, match="as counts are; give --feedback counts"):
        scale_of(tmp_path, [0.3, 1.5, 0.1, 7.2] * 10 + [310.5])  # hours


def test_a_scale_that_nobody_uses_to_its_top_is_asked_about(tmp_path: Path) -> None:
    message = (
        r"ratings\.csv: the highest of 120 ratings is 6; give --scale 1-6 if there is no higher "
        r"one, or --scale 1-10 if there is"
    )
    with pytest.raises(DataError, match=message):
        scale_of(tmp_path, [1, 2, 3, 4, 5, 6] * 20)
    assert scale_of(tmp_path, [1, 2, 3, 4, 5, 6] * 16) == (1, 10)  # too few to tell
    assert scale_of(tmp_path, [3] * 200) == (1, 5)


def test_counts_have_a_scale_of_logarithms(tmp_path: Path) -> None:
    assert scale_of(tmp_path, [1, 3, 63], feedback="counts") == (0, 6)
    assert scale_of(tmp_path, [1, 1], feedback="counts") == (0, 1)
    with pytest.raises(DataError, match=r"line 3: rating -2 is below 0, which no count is"):
        scale_of(tmp_path, [1, -2], feedback="counts")


@pytest.mark.parametrize(
    ("ratings", "scale"),
    [
        (["3/5", "4 / 5", "5 out of 5"], (1, 5)),
        (["3/5", "4.5/5"], (0.5, 5)),
        (["0/5", "4/5"], (0, 5)),
        (["3/10", "4/10.0"], (1, 10)),
        (["3/4", "2/4"], (1, 4)),
        (["20%", "80 %"], (0, 100)),
        (["★★★", "★", "★★☆☆☆"], (1, 5)),
        (["★★★½", "⭐️"], (0.5, 5)),
        (["4 stars", "1 star"], (1, 5)),
        (["True", "false", "yes"], (0, 1)),
        (["liked", "👎", "👍🏼"], (0, 1)),
        (["True"], (0, 1)),
    ],
)
def test_ratings_in_signs_or_words(
    tmp_path: Path, ratings: list[object], scale: tuple[float, float]
) -> None:
    assert scale_of(tmp_path, ratings) == scale


@pytest.mark.parametrize(
    ("ratings", "line"),
    [
        (["4/5", "8/10"], 2),  # two scales
        (["4", "4/5"], 3),
        (["6/5"], 2),
        (["★★★", "nan"], 3),
        (["good", "True"], 2),
        (["A", "B"], 2),
    ],
)
def test_what_is_not_all_in_signs_or_words_is_refused(
    tmp_path: Path, ratings: list[object], line: int
) -> None:
    with pytest.raises(DataError, match=f"line {line}: rating .* is not a number"):
        scale_of(tmp_path, ratings)


def test_a_scale_that_contradicts_the_spelling_is_refused(tmp_path: Path) -> None:
    assert scale_of(tmp_path, ["3/5", "4/5"], (0, 5)) == (0, 5)
    with pytest.raises(DataError, match="written as parts of 5, and --scale is 1-10; leave it out"):
        scale_of(tmp_path, ["3/5", "4/5"], (1, 10))


def test_a_zero_far_below_the_others_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="9 of 30 ratings are 0, and the others 3 to 5"):
        scale_of(tmp_path, [*[0] * 9, *[3, 4, 5] * 7])
    assert scale_of(tmp_path, [*[0] * 9, *[1, 2, 3, 4, 5] * 7]) == (0, 5)


def test_somebodys_own_rating_comes_before_a_mean(tmp_path: Path) -> None:
    rows = "user_id,movie_id,rating,user_rating\n1,1,7.9,3\n1,2,7.9,5\n"
    assert scale_of_file(tmp_path, rows) == (1, 5)


def test_columns_of_counts_are_asked_about(tmp_path: Path) -> None:
    text = "user_id,movie_id,Play Count\n1,1,3\n1,2,5\n"
    with pytest.raises(DataError, match="'Play Count' holds counts, it seems; give --feedback"):
        scale_of_file(tmp_path, text)
    assert scale_of_file(tmp_path, text, (1, 5)) == (1, 5)
    assert scale_of_file(tmp_path, text, None, "counts")[0] == 0
