"""Names that people type for genres and decades where the data have others: one small table."""

from __future__ import annotations

import re

# Each line is one genre, by any of whose names it may be called here or in the data; as
# `text_folding.fold` writes them.
_GENRES = (
    "sci fi, scifi, science fiction, sf, 에스에프, 공상과학",
    "romance, romantic, 로맨스, 멜로",
    "comedy, comedies, 코미디",
    "animation, animated, cartoon, cartoons, 애니메이션, 애니, 만화",
    "children, children s, kids, 어린이, 아동",
    "family, 가족",
    "film noir, noir, 누아르, 느와르, 필름 누아르, 필름 느와르",
    "documentary, documentaries, docu, 다큐멘터리, 다큐",
    "biography, biopic, biopics, 전기",
    "history, historical, 역사, 사극",
    "horror, 공포, 호러",
    "thriller, thrillers, 스릴러",
    "mystery, mysteries, 미스터리, 추리",
    "western, westerns, 서부, 서부극, 웨스턴",
    "musical, musicals, 뮤지컬",
    "music, 음악",
    "sport, sports, 스포츠",
    "superhero, superheroes, 슈퍼히어로, 히어로",
    "action, 액션",
    "adventure, 모험, 어드벤처",
    "crime, 범죄",
    "drama, dramas, 드라마",
    "fantasy, 판타지",
    "war, 전쟁",
)
# What two genres together are called.
_TOGETHER = {
    "romance, comedy": "rom com, romcom, romantic comedy, romantic comedies, 로맨틱 코미디, "
    "로맨틱코미디, 로코",
    "drama, comedy": "dramedy, dramedies",
}
_DECADES = (
    *("twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties"),
    "nineties",
)
_DECADE = re.compile(r"(?:(19|20)?(\d)0)(?:s|년대)")
_APOSTROPHE = re.compile(r"(\d0)['’](?=s\b)")
# What says nothing of a movie.
SMALL_WORDS = frozenset(
    (
        *("movie", "movies", "film", "films", "영화", "a", "an", "the"),
        *("of", "from", "in", "with", "and", "by", "about"),
    )
)
_SAME: dict[str, tuple[str, ...]] = {
    name: tuple(line.split(", ")) for line in _GENRES for name in line.split(", ")
}
_SEVERAL = {
    name: tuple(genres.split(", "))
    for genres, names in _TOGETHER.items()
    for name in names.split(", ")
}
# So many words have the longest of these names.
MAX_WORDS = max(len(name.split()) for name in (*_SAME, *_SEVERAL))


def meanings(name: str) -> tuple[tuple[str, ...], ...]:
    """Return what a folded name stands for: facts that must all be true, each as the names that
    the data may have for it; a name that is in no table stands for itself."""
    if decade := _decade(name):
        return ((decade,),)
    return tuple(_SAME.get(one, (one,)) for one in _SEVERAL.get(name, (name,)))


def without_apostrophes(text: str) -> str:
    """Return `text` with "80's" as "80s"."""
    return _APOSTROPHE.sub(r"\1", text)


def _decade(word: str) -> str:
    """The decade that "1990s", "90s", "90년대" or "nineties" names as its term has it, or
    nothing."""
    if word in _DECADES:
        return f"19{_DECADES.index(word) + 2}0"
    match = _DECADE.fullmatch(word)
    if match is None:
        return ""
    century = match[1] or ("20" if match[2] in "01" else "19")
    return f"{century}{match[2]}0"
