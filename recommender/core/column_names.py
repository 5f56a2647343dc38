"""Names that columns have in files of ratings and movies, whoever reads these."""

from __future__ import annotations

import re

# Best name first; compared by `plain_name`.
USER_ID = (
    *("userid", "user", "uid", "reviewerid", "customerid", "memberid", "accountid"),
    *("profileid", "personid", "viewerid", "visitorid", "usernumber", "usermd5", "username"),
    *("reviewer", "customer", "member", "reviewername", "profilename", "author", "critic"),
    *("사용자", "사용자id", "회원", "유저", "ユーザー", "ユーザーid", "用户", "用户id"),
    *("benutzer", "nutzer", "usuario", "utilisateur", "utente", "пользователь"),
)
MOVIE_ID = (
    *("movieid", "itemid", "filmid", "movienumber", "movie", "item", "film", "iid", "mid"),
    *("animeid", "showid", "titleid", "parentasin", "asin", "bookid", "isbn", "appid"),
    *("productid", "businessid", "gameid", "jokeid", "videoid", "contentid", "malid"),
    *("artistid", "songid", "trackid"),
    *("영화", "영화id", "작품", "作品", "映画", "映画id", "作品id", "电影", "电影id"),
    *("filmnr", "pelicula", "película", "filme", "фильм"),
)
IMDB_ID, TMDB_ID = ("imdbid", "imdb", "imdbtitleid", "tconst"), ("tmdbid", "tmdb")
RATING = (
    *("userrating", "yourrating", "myrating", "rating", "rate", "score", "stars", "star"),
    "overall",
    *("bookrating", "movierating", "itemrating", "filmrating", "ratingval", "ratingvalue"),
    *("ratingscore", "userscore", "myscore", "reviewscore", "reviewrating", "starrating"),
    *("ratings", "grade", "points", "vote", "preference", "value", "target", "label", "r"),
    *("평점", "별점", "점수", "내평점", "評価", "評点", "评分", "bewertung", "wertung"),
    *("puntuación", "calificación", "valoración", "voto", "nota", "manote", "note", "ocena"),
    *("мояоценка", "оценка"),
    *("isrecommended", "recommended", "votedup", "liked", "like"),
)
# What says how often, where a data set has no ratings.
COUNT = ("weight", "playcount", "plays", "listencount")
TIME = (
    *("timestamp", "time", "ratedat", "date", "datetime", "unixreviewtime", "unixtime"),
    *("ratingtimestamp", "ratingtime", "ratingdate", "daterated", "ratedon", "reviewtime"),
    *("reviewdate", "createdat", "created", "updatedat", "watchedat", "ts", "tstamp"),
    *("시간", "날짜", "일시", "평가날짜", "日時", "日付", "時間", "时间", "日期"),
    *("datum", "zeit", "fecha", "дата", "датаоценки"),
)
TITLE = (
    *("title", "movietitle", "primarytitle", "filmtitle", "itemtitle", "name"),
    *("moviename", "filmname", "itemname", "animetitle", "bookname", "booktitle"),
    *("seriestitle", "producttitle", "productname", "titleen", "englishtitle"),
    *("titleeng", "originaltitle", "names", "titles"),
    *("제목", "영화명", "영화제목", "タイトル", "題名", "标题", "片名"),
    *("titel", "título", "titulo", "titre", "titolo", "tytuł"),
    *("русскоязычноеназвание", "название"),
)
YEAR = (
    *("year", "releaseyear", "startyear", "movieyear", "yearofrelease", "yearreleased"),
    *("productionyear", "yearofpublication", "releasedate", "dateofrelease"),
    *("연도", "년도", "개봉연도", "개봉일", "公開年", "製作年", "年份"),
    *("jahr", "año", "ano", "année", "annee", "anno", "rok", "год"),
    *("originalpublicationyear", "releasedyear", "released", "datepublished", "premiered", "aired"),
)
# The title in a language, by its two letters: "title_ko", "Title:KO". A "title_id" is an id.
_TITLE_IN = re.compile(r"title[_:](?!id)([a-z]{2})", re.IGNORECASE)
# A first line by which Excel knows the delimiter; no record.
EXCEL_SEPARATOR = re.compile(r'"?sep=(.)"?\s*')
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
