"""Time of a title search, and how often it finds the movie that was meant.

    .venv/bin/python -m benchmarks.title_search --bundle bundle

makes searches out of the catalogue's own titles, each as a person might mistype or shorten it, and
prints for each kind the median and the 95th percentile of the time (warm, one thread, 12 movies)
and how often the movie meant came first and among the first five: for the most rated movies, and
for movies drawn from all. Another movie of the same name counts as another movie.

    .venv/bin/python -m benchmarks.title_search --bundle bundle --titles FILE.csv

measures instead how often `find_title` finds the movies of another catalogue. The file has the
columns movie_id, title and year: the ids are the bundle's, or empty for a movie that it lacks.
"""

from __future__ import annotations

import csv
import random
import string
import time
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.command_line import command_line, write_rows
from recommender import Recommender
from recommender.bundle.catalogue import FILE, Catalogue, MovieText
from recommender.search.titles import TitleIndex
from recommender.search.typos import allowed

FAMOUS, SHOWN, FIRST = 500, 12, 5
_ACCENTS = {"a": "á", "e": "é", "i": "í", "o": "ö", "u": "ü", "n": "ñ", "c": "ç"}


def main() -> None:
    """Search for misspelt titles and print times and hits."""
    parser = command_line(__doc__)
    parser.add_argument("--bundle", type=Path, default=Path("bundle"))
    parser.add_argument("--movies", type=int, default=1000, help="how many to search for")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--titles", type=Path, metavar="FILE.csv", help="of another catalogue")
    options = parser.parse_args()

    matinee = Recommender.open(options.bundle)
    if options.titles:
        compare_catalogues(matinee, options.titles)
        return
    catalogue = Catalogue(matinee.bundle.file(FILE))
    by_fame = TitleIndex.from_bundle(matinee.bundle).movies
    rng = random.Random(options.seed)
    count = min(options.movies, len(by_fame))
    drawn = sorted(rng.sample(range(len(by_fame)), count))
    print(f"{len(by_fame):,} titles; first / among the first {FIRST}, in percent")
    print(f"{'':<28} {'median':>9} {'95%':>9} {f'famous {FAMOUS}':>14} {f'any {count}':>14}")
    rows = []
    for name, mistype in KINDS.items():
        times: list[float] = []
        shares: list[str] = []
        found: dict[str, float] = {}
        for which, indices in (("famous", by_fame[:FAMOUS].tolist()), ("any", drawn)):
            movies = catalogue.movies(indices)
            places, taken = search_all(matinee, movies, mistype, rng)
            if not places:
                break
            times += taken
            first = sum(place == 0 for place in places)
            early = sum(place is not None and place < FIRST for place in places)
            whole = len(places) / 100
            found |= {f"{which}_first": first / whole, f"{which}_early": early / whole}
            shares.append(f"{first / whole:5.1f} / {early / whole:5.1f}")
        if len(shares) < 2:  # no title can be mistyped so
            continue
        median, slow = (float(np.percentile(times, share)) for share in (50, 95))
        print(f"{name:<28} {median:6.2f} ms {slow:6.2f} ms {shares[0]:>14} {shares[1]:>14}")
        rows.append({"kind": name, "median_ms": median, "p95_ms": slow, **found})
    write_rows(options.json, rows)


def compare_catalogues(matinee: Recommender, titles: Path) -> None:
    """Print how many of the titles in a file are found, missed and taken for another movie.

    The rows with even and odd numbers are counted apart: where the rules were made with one half in
    view, the other tells how good they are.
    """
    with titles.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name, half in (("even rows", rows[::2]), ("odd rows", rows[1::2])):
        found = wrong = 0
        for row in half:
            movie = matinee.find_title(row["title"], int(row["year"]) if row["year"] else None)
            found += movie is not None and str(movie.movie_id) == row["movie_id"]
            wrong += movie is not None and str(movie.movie_id) != row["movie_id"]
        print(f"{name}: {len(half):,} titles, {found:,} found, {wrong:,} wrong")


def search_all(
    matinee: Recommender,
    movies: Sequence[MovieText],
    mistype: Callable[[str, random.Random], str | None],
    rng: random.Random,
) -> tuple[list[int | None], list[float]]:
    """Return the rank of each movie (None: not shown), and the milliseconds of each search; movies
    whose title cannot be mistyped that way are left out."""
    places: list[int | None] = []
    times = []
    for movie in movies:
        text = mistype(movie.title.partition("(")[0].strip() or movie.title, rng)
        if text is None:
            continue
        started = time.perf_counter()
        found = [one.movie_id for one in matinee.search(text, SHOWN)]
        times.append(1000 * (time.perf_counter() - started))
        places.append(found.index(movie.movie_id) if movie.movie_id in found else None)
    return places, times


def shuffled(title: str, rng: random.Random) -> str | None:
    """The words in another order."""
    words = title.split()
    rng.shuffle(words)
    return " ".join(words) if len(words) > 1 else None


def without_spaces(title: str, rng: random.Random) -> str | None:
    """The words in one."""
    return title.replace(" ", "") if " " in title else None


def without_accents(title: str, rng: random.Random) -> str | None:
    """Accents left out, where there are some."""
    decomposed = unicodedata.normalize("NFD", title)
    plain = "".join(c for c in decomposed if not unicodedata.combining(c))
    return plain if plain != title else None


def with_accents(title: str, rng: random.Random) -> str | None:
    """Accents where there are none."""
    accented = "".join(_ACCENTS.get(c, c) for c in title)
    return accented if accented != title else None


def begun(title: str, rng: random.Random) -> str | None:
    """The first half and no more: somebody is still typing."""
    return title[: max(4, len(title) // 2)] if len(title) > 4 else None


def part(title: str, rng: random.Random) -> str | None:
    """The longest word without its first letter."""
    longest = max(title.split(), key=len)
    return longest[1:] if len(longest) > 4 else None


def typos(count: int) -> Callable[[str, random.Random], str | None]:
    """Mistypes `count` letters, no more in a word than a search is to forgive."""

    def mistype(title: str, rng: random.Random) -> str | None:
        words = title.lower().split()
        room = [
            i for i, word in enumerate(words) for _ in range(allowed(len(word)) * word.isalpha())
        ]
        if len(room) < count:
            return None
        for i in rng.sample(room, count):
            words[i] = typo(words[i], rng)
        return " ".join(words)

    return mistype


def typo(word: str, rng: random.Random) -> str:
    """One letter too few, too many or another one, or two neighbours swapped."""
    at = rng.randrange(len(word) - 1)
    letter = rng.choice(string.ascii_lowercase)
    return rng.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + letter + word[at:],
            word[:at] + letter + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        ]
    )


KINDS: dict[str, Callable[[str, random.Random], str | None]] = {
    "the title": lambda title, rng: title,
    "its first half": begun,
    "a part of its longest word": part,
    "words shuffled": shuffled,
    "without spaces": without_spaces,
    "without its accents": without_accents,
    "with accents too many": with_accents,
    "one typo": typos(1),
    "two typos": typos(2),
    "no such title": lambda title, rng: f"zqx {title}",
}


if __name__ == "__main__":
    main()
