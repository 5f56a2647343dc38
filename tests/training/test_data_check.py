import json
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from recommender.cli.main import main
from recommender.dataset import from_directory
from recommender.training.data_check import check_data
from recommender.training.data_page import data_page
from recommender.training.pipeline import TrainingSettings

MOVIES = "id,title,year\n1,<b>Heat</b>,1995\n2,Up,2009\n3,Jaws,\n4\n"
FEW = TrainingSettings(2, 3)


def write(folder: Path, ratings: list[tuple[int, int, float]]) -> Path:
    (folder / "movies.csv").write_text(MOVIES)
    rows = (f"{user},{movie},{rating}\n" for user, movie, rating in ratings)
    (folder / "ratings.csv").write_text("user,movie,rating\n" + "".join(rows))
    return folder


RATINGS = [(1, 1, 4), (1, 2, 5), (2, 1, 0.5), (3, 1, 4), (3, 2, 4), (4, 9, 5)]


def test_what_is_recognised_and_kept(tmp_path: Path) -> None:
    check = check_data(from_directory(write(tmp_path, RATINGS)), FEW)
    assert check.scale == (0.5, 5.0)
    assert check.ratings == (("0.5", 1), ("4", 3), ("5", 1))
    assert check.ratings_of_users == (("1", 1), ("2-3", 2))
    assert check.ratings_of_movies == (("0", 1), ("1", 0), ("2-3", 2))
    assert check.decades == (("1990s", 1), ("2000s", 1), ("unknown", 1))
    assert (check.trained_users, check.trained_movies) == (2, 1)
    lines = "\n".join(check.lines())
    assert "line 5: 1 fields where 3 are expected" in lines
    assert "1 ratings left out: their movie is not in the catalogue" in lines
    assert sorted(path.name for path in tmp_path.iterdir()) == ["movies.csv", "ratings.csv"]


def test_many_different_ratings_come_in_ranges(tmp_path: Path) -> None:
    ratings = [(user, 1, user / 2) for user in range(201)]
    check = check_data(from_directory(write(tmp_path, ratings)), FEW)
    assert check.scale == (0.0, 100.0)
    assert len(check.ratings) == 20
    assert check.ratings[0] == ("0-5", 10)
    assert sum(count for _, count in check.ratings) == 201


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_shows_all_and_loads_nothing(tmp_path: Path) -> None:
    check = check_data(from_directory(write(tmp_path, RATINGS)), FEW)
    text = data_page(check, "<script>x</script>")
    page = Page()
    page.feed(text)
    kinds = [tag for tag, _ in page.tags]
    assert kinds.count("svg") == 4
    assert kinds.count("rect") == 3 + 2 + 3 + 3
    assert not {"script", "link", "img", "iframe"} & set(kinds)
    assert not any({"href", "src"} & attributes.keys() for _, attributes in page.tags)
    assert "url(" not in text
    assert all(escape(line) in text for line in check.report.lines())


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    command = ["check-data", "--dataset", str(write(tmp_path, RATINGS)), "--min-user-ratings", "2"]
    assert main([*command, "--json", "--html", str(page)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ratings"] == [["0.5", 1], ["4", 3], ["5", 1]]
    assert found["report"]["ratings_kept"] == 5
    assert (found["trained_users"], found["min_user_ratings"]) == (2, 2)
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert main(command) == 0
    assert "     4  3  ########################################\n" in capsys.readouterr().out
    assert main([*command, "--html", str(tmp_path)]) == 1
    assert "cannot be written" in capsys.readouterr().err
