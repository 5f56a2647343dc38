"""Visitors of the app: what they do, in some order and with time to look, and a log of it."""

from __future__ import annotations

import asyncio
import html
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

import websockets

from recommender.app.i18n.catalogues import LANGUAGES, TEXTS
from tests.support.tab import TIMEOUT, Drawn, Proto, Tab

# Everything that the one visitor who does everything must have done.
DEEDS = (
    *("come to the app", "follow a link", "language"),
    *(
        f"open {page}"
        for page in ("tonight", "discover", "my-ratings", "me", "for-you", "similar", "hybrid")
    ),
    *("open about", "like a poster", "surprise me"),
    *("pick a user", "order by", "move the weight", "number of movies", "choice", "filter"),
    *("clear a filter", "search a title", "describe a movie", "pick a movie"),
    *("similarity method",),
    *("rate a movie", "take back a rating", "other movies", "save", "seen", "not interested"),
    "undo",
    *("part of my ratings", "export a file", "import a file", "delete all"),
)
DESCRIPTIONS = (
    *("a heist that goes wrong", "a robot learns to love", "lost on an island"),
    *("a wedding where nothing works", "ghosts in an old house", "someone forgets everything"),
)
_UNTAPPED = r'data-act="rate" data-movie="(.*?)" data-value="4" aria-pressed'
T = TypeVar("T")
_REFUSALS = {TEXTS["en"]["error.busy"]: "busy", TEXTS["en"]["error.memory"]: "too much"}


@dataclass
class Log:
    """Results of all actions of all visitors.

    Attributes:
        seconds: from the click to the end of the run, by action.
        refused: polite refusals for want of memory, by kind ("busy" before the action began,
            "too much" when it took more than there is) and action.
        errors: everything that should not have been, with how often it was.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict)
    refused: dict[str, Counter[str]] = field(
        default_factory=lambda: {kind: Counter() for kind in _REFUSALS.values()}
    )
    errors: Counter[str] = field(default_factory=Counter)

    def forget_answers(self) -> None:
        """Begin to count anew; the errors stay."""
        self.seconds.clear()
        for count in self.refused.values():
            count.clear()


class Lost(Exception):  # noqa: N818 (the visitor's connection, not the benchmark's)
    """The connection is gone, or no answer came."""


class Visitor:
    """One person with a browser tab.

    Args:
        think: seconds between two clicks, half as much more or less.
    """

    def __init__(self, port: int, number: int, think: float, log: Log) -> None:
        self._port, self._think, self._log = port, think, log
        self._random = random.Random(number)
        self._tab = Tab(port)
        self._words: list[str] = []  # of the titles on the first page, to search for

    async def tour(self) -> None:
        """Open the app and do everything once; what could not be done is an error."""
        with suppress(Lost):
            await self._come()
            for act in ACTIONS:
                await act(self)
            await self._tab.close()
        for deed in DEEDS:
            if deed not in self._log.seconds:
                self._log.errors[f"{deed}: one visitor who did everything could not"] += 1

    async def browse(self, end: float) -> None:
        """Do this and that until `end`, a time of `time.monotonic`."""
        await self._repeat(self._something, end)

    async def leave(self) -> None:
        """Close the tab, whatever was being done in it."""
        await self._tab.close()

    async def ask_too_much(self, end: float) -> None:
        """Press the buttons of the greedy page, one after the other, until `end`."""
        await self._repeat(self._something_greedy, end)

    async def _repeat(self, act: Callable[[], Awaitable[None]], end: float) -> None:
        come = True
        while time.monotonic() < end:
            try:
                if come:
                    await self._come()
                    come = False
                await act()
            except Lost:
                await asyncio.sleep(self._think)
                self._tab, come = Tab(self._port), True
        if not come:
            await self._tab.close()

    async def _something(self) -> None:
        await self._random.choice(ACTIONS)(self)

    async def _something_greedy(self) -> None:
        for key in ("pieces", "whole", "lists"):
            await self._did("open greedy", self._tab.go("greedy"))
            await self._use(f"greedy: {key}", "button", key, True)

    async def _come(self) -> None:
        await self._did("come to the app", self._tab.open())
        titles = re.findall(r'aria-label="[^":]*: (.*?)"', self._tab.html())
        self._words = re.findall(r"\w{3,}", html.unescape(" ".join(titles))) or ["the"]

    async def _did(self, action: str, doing: Awaitable[Drawn]) -> None:
        """Wait for what an action draws, write it down, and look at it for a while."""
        self._write(action, await self._answer(action, doing))
        for text in self._tab.all("markdown"):
            if kind := _REFUSALS.get(text.body):
                self._log.refused[kind][action] += 1
        seconds = self._think * self._random.uniform(0.5, 1.5)
        for drawn in await self._answer("refresh", self._tab.wait(seconds)):
            self._write("refresh", drawn)

    async def _answer(self, action: str, doing: Awaitable[T]) -> T:
        try:
            return await doing
        except (OSError, websockets.WebSocketException) as error:
            what = f"no answer in {TIMEOUT:g} s" if isinstance(error, TimeoutError) else repr(error)
            self._log.errors[f"{action}: {what}"] += 1
            raise Lost from None

    def _write(self, action: str, drawn: Drawn) -> None:
        self._log.seconds.setdefault(action, []).append(drawn.seconds)
        self._log.errors.update(f"{action}: {text}" for text in drawn.problems)

    async def _open(self, path: str) -> None:
        if self._tab.path != path:
            await self._did(f"open {path or 'tonight'}", self._tab.go(path))

    async def _use(self, action: str, kind: str, key: str, value: object) -> None:
        """Use the widget with this key, if the page has it: a page that was refused has not."""
        for widget in self._tab.widgets(kind, key):
            await self._did(action, self._tab.set(widget, kind, value))

    async def _click(self, action: str, *click: str) -> None:
        """Click a button of a movie, if the page has lists: a page that was refused has none."""
        if self._tab.widgets("text_input", "clicks"):
            await self._did(action, self._tab.click(*click))

    async def _slide(self, action: str, key: str) -> None:
        """Move a slider anywhere."""
        for slider in self._tab.widgets("slider", key):
            steps = round((slider.max - slider.min) / slider.step)
            ends = sorted(self._random.randint(0, steps) for _ in slider.default)
            value = [round(slider.min + end * slider.step, 9) for end in ends]
            await self._did(action, self._tab.set(slider, "slider", value))

    async def _choose(self, action: str, key: str, index: int | None = None) -> None:
        """Choose one of a row of buttons, any one or that at `index`."""
        for group in self._tab.widgets("button_group", key):
            options = [option.content for option in group.options]
            option = self._random.choice(options) if index is None else options[index]
            await self._did(action, self._tab.set(group, "button_group", [option]))

    async def _press(self, action: str, text: str) -> None:
        """Press a button with this text, any one where there are several."""
        label = TEXTS["en"][text]
        buttons = [b for b in self._tab.all("button") if b.label == label and not b.disabled]
        if buttons:
            button = self._random.choice(buttons)
            await self._did(action, self._tab.set(button, "button", True))

    # What a visitor can do; each begins by opening the page that it is done on.

    async def about(self) -> None:
        await self._open("about")

    async def me(self) -> None:
        await self._open("me")

    async def tonight(self) -> None:
        await self._open("")
        for _ in range(3):  # as many as lead to picks
            wall = re.findall(_UNTAPPED, self._tab.html())
            if wall:
                movie = html.unescape(self._random.choice(wall))
                await self._click("like a poster", "rate", movie, "4")
        await self._open("about")
        await self._open("")
        await self._press("surprise me", "tonight.surprise")

    async def discover(self) -> None:
        await self._open("discover")
        await self._search("search")
        links = re.findall(r'<a href="(\S+?)\?(\S+?)"', self._tab.html())
        if links:
            page, query = self._random.choice(links)
            await self._did("follow a link", self._tab.go(page, html.unescape(query)))

    async def order(self) -> None:
        await self._open("for-you")
        await self._pick_user()
        await self._choose("order by", "order")

    async def weight(self) -> None:
        await self._open("hybrid")
        await self._pick_user()
        await self._slide("move the weight", "weight")

    async def _pick_user(self) -> None:
        for picker in self._tab.widgets("selectbox", "user"):
            user = self._random.choice(picker.options)
            await self._did("pick a user", self._tab.set(picker, "selectbox", user))

    async def filter(self) -> None:
        await self._open(self._random.choice(("my-ratings", "for-you", "hybrid")))
        await self._slide("number of movies", "n")
        await self._slide("choice", "variety")
        await self._slide("choice", "obscurity")
        for genres in self._tab.widgets("multiselect", "genres"):
            some = self._random.sample(list(genres.options), 2)
            await self._did("filter", self._tab.set(genres, "multiselect", some))
        await self._use("clear a filter", "multiselect", "genres", [])
        for key in ("years", "fewest"):
            await self._slide("filter", key)
            for slider in self._tab.widgets("slider", key):
                whole = list(slider.default)
                await self._did("clear a filter", self._tab.set(slider, "slider", whole))

    async def similar(self) -> None:
        await self._open("similar")
        await self._search("q")
        await self._choose("pick a movie", "match")
        await self._choose("similarity method", "method")
        await self._choose("similarity method", "method")

    async def describe(self) -> None:
        """Say what a movie is about: a search by meaning, in vain where there are no vectors."""
        await self._open("similar")
        text = self._random.choice(DESCRIPTIONS)
        await self._use("describe a movie", "text_input", "q", text)
        await self._choose("pick a movie", "described")

    async def _search(self, key: str) -> None:
        await self._use("search a title", "text_input", key, self._random.choice(self._words))

    async def rate(self) -> None:
        await self._open("my-ratings")
        await self._choose("part of my ratings", "part", 0)
        await self._search("find")
        await self._rate()
        await self._use("search a title", "text_input", "find", "")
        await self._press("other movies", "my_ratings.others")
        await self._rate()

    async def _rate(self) -> None:
        if movies := self._tab.offered():
            movie, stars = self._random.choice(movies), str(self._random.randrange(5))
            await self._click("rate a movie", "rate", movie, stars)

    async def turn_away(self) -> None:
        await self._open("my-ratings")
        if movies := self._tab.cards():
            movie = self._random.choice(movies)
            for deed, mark in (("save", "saved"), ("seen", "seen"), ("not interested", "hidden")):
                await self._click(deed, "mark", movie, mark)
            await self._click("undo", "unmark", movie)

    async def own_file(self) -> None:
        await self.rate()
        await self._choose("part of my ratings", "part", 5)
        for button in self._tab.all("download_button"):
            if not button.disabled:
                await self._export_and_import(button)
        await self._choose("part of my ratings", "part", 2)
        for movie in self._tab.offered("unrate")[:1]:
            await self._click("take back a rating", "unrate", movie)
        await self._choose("part of my ratings", "part", 5)
        await self._press("delete all", "my_ratings.delete_yes")

    async def _export_and_import(self, button: Proto) -> None:
        data = b""

        async def export() -> Drawn:
            nonlocal data
            started = time.perf_counter()
            data = await self._tab.download(button)
            return Drawn(time.perf_counter() - started, ())

        await self._did("export a file", export())
        for uploader in self._tab.all("file_uploader"):
            await self._did("import a file", self._tab.upload(uploader, "ratings.csv", data))

    async def language(self) -> None:
        for language in reversed(LANGUAGES):  # back to English: the texts here are
            await self._did("language", self._tab.go(self._tab.path, f"lang={language}"))


ACTIONS: tuple[Callable[[Visitor], Awaitable[None]], ...] = (
    Visitor.about,
    Visitor.me,
    Visitor.tonight,
    Visitor.discover,
    Visitor.order,
    Visitor.weight,
    Visitor.filter,
    Visitor.similar,
    Visitor.describe,
    Visitor.rate,
    Visitor.turn_away,
    Visitor.own_file,
    Visitor.language,
)
