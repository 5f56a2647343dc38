"""Names that columns have in files of ratings and movies, whoever reads these."""

from __future__ import annotations

import re

# Best name first; compared by `plain_name`.
USER_ID = (
    *("userid", "user", "uid", "reviewerid", "customerid", "memberid", "accountid"),
    *("profileid", "personid", "viewerid", "visitorid", "usernumber", "usermd5", "username"),
    *("reviewer", "customer", "member", "reviewername", "profilename", "author", "critic"),
)
MOVIE_ID = (
    *("movieid", "itemid", "filmid", "movienumber", "movie", "item", "film", "iid", "mid"),
    *("animeid", "showid", "titleid", "parentasin", "asin", "isbn", "bookid"),
    *("productid", "businessid", "gameid", "jokeid", "videoid", "contentid", "malid"),
)
IMDB_ID, TMDB_ID = ("imdbid", "imdb", "imdbtitleid", "tconst"), ("tmdbid", "tmdb")
RATING = (
    *("rating", "rate", "score", "stars", "star", "overall", "userrating", "yourrating"),
    *("bookrating", "movierating", "itemrating", "filmrating", "ratingval", "ratingvalue"),
    *("ratingscore", "userscore", "myscore", "reviewscore", "reviewrating", "starrating"),
    *("ratings", "grade", "points", "vote", "preference", "value", "target", "label", "r"),
)
TIME = (
    *("timestamp", "time", "ratedat", "date", "datetime", "unixreviewtime", "unixtime"),
    *("ratingtimestamp", "ratingtime", "ratingdate", "daterated", "ratedon", "reviewtime"),
    *("reviewdate", "createdat", "created", "updatedat", "watchedat", "ts", "tstamp"),
)
TITLE = (
    *("title", "movietitle", "primarytitle", "filmtitle", "itemtitle", "name"),
    *("moviename", "filmname", "itemname", "animetitle", "bookname", "booktitle"),
    *("seriestitle", "producttitle", "productname", "titleen", "englishtitle"),
    *("titleeng", "originaltitle", "names", "titles"),
)
YEAR = (
    *("year", "releaseyear", "startyear", "movieyear", "yearofrelease", "yearreleased"),
    *("productionyear", "yearofpublication", "releasedate", "dateofrelease"),
    *("originalpublicationyear", "releasedyear", "released", "datepublished", "premiered", "aired"),
)
# The title in a language, by its two letters: "title_ko", "Title:KO". A "title_id" is an id.
_TITLE_IN = re.compile(r"title[_:](?!id)([a-z]{2})", re.IGNORECASE)
# What may follow a name after a colon: the types of RecBole's atomic files and of Neo4j's imports.
_TYPE = re.compile(
    r":(token|token_seq|float|float_seq|int|integer|long|double|str|string|text|id|date|datetime"
    r"|localdatetime|boolean)(\[\])?(\([^()]*\))?$",
    re.IGNORECASE,
)


def plain_name(name: str) -> str:
    """Return a column's name without case, type, spaces, and all but letters and digits."""
    return re.sub(r"[\W_]+", "", _TYPE.sub("", name.strip())).lower()


def title_language(name: str) -> str | None:
    """Return the language of a column of titles, such as "ko" of ``title_ko``; None of others."""
    match = _TITLE_IN.fullmatch(name.strip())
    return match[1].lower() if match else None


def is_typed(name: str) -> bool:
    """Return whether a column's name has its type behind it, as in RecBole's ``user_id:token``."""
    return bool(_TYPE.search(name.strip()))
