"""/poster/…: a movie's poster as a file, which browsers keep for a week."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from streamlit import config

from recommender.app.components.poster_art import poster_svg
from recommender.app.i18n.language import current_language
from recommender.app.server.loading import initialize_recommender, trouble
from recommender.core.errors import MatineeError, NotFoundError
from recommender.core.records import Movie
from recommender.recommender import Recommender

_HEADERS = {
    "cache-control": "public, max-age=604800",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
}


def addresses(matinee: Recommender) -> Callable[[Movie], str]:
    """Return what gives the address of a movie's poster, seen from any page of the app.

    It ends in ``.jpg`` where the bundle has a picture, and in ``.svg`` where one is drawn, with the
    title in the visitor's language.
    """
    language = current_language()

    def address(movie: Movie) -> str:
        name = f"poster/{quote(str(movie.movie_id), safe='')}"
        if matinee.has_poster(movie):
            return f"{name}.jpg"
        return f"{name}.svg{f'?lang={language}' if language in movie.titles else ''}"

    return address


def routes() -> list[Route]:
    """Return the route /poster/…, which answers GET and HEAD."""
    base = config.get_option("server.baseUrlPath").strip("/")
    path = f"{'/' if base else ''}{base}/poster/{{movie_id:path}}.{{kind}}"
    return [Route(path, _answer)]


def _answer(request: Request) -> Response:  # in a thread, since it may have to open a new bundle
    movie_id, kind = request.path_params["movie_id"], request.path_params["kind"]
    if trouble() is not None:
        return PlainTextResponse("There are no movies yet.\n", status_code=503)
    try:
        matinee = initialize_recommender()
        movie = matinee.movie(movie_id)
    except NotFoundError:
        return _not_found()
    except MatineeError as error:
        return PlainTextResponse(f"{error}\n", status_code=503)
    if kind == "svg":
        drawn = poster_svg(movie, request.query_params.get("lang", ""))
        return Response(drawn, media_type="image/svg+xml", headers=_HEADERS)
    image = matinee.poster(movie) if kind == "jpg" else None
    if image is None:
        return _not_found()
    return Response(image, media_type="image/jpeg", headers=_HEADERS)


def _not_found() -> Response:
    return PlainTextResponse("There is no such poster.\n", status_code=404)
