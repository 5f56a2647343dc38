"""The plots of docs/benchmarks.md: SVG, one for light and one for dark pages.

The same rows give the same bytes. Text stays text, in the reader's own sans-serif type, so that a
plot is small and can be searched. Needs matplotlib (the extra `bench`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report import Row

Rows = Sequence[Row]
WIDTH, TEXT, SMALL = 460, 12, 11  # points; a phone shows 360 of them
LIMIT_MB = 256  # what a small machine has
FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "matinee",
    "font.family": "DejaVu Sans",
    "font.size": TEXT,
}


class Palette(NamedTuple):
    """The colors of a page; `paper` is what the transparent plot will stand on."""

    paper: str
    text: str
    muted: str
    ours: str
    other: str
    grid: str


PALETTES = {
    "light": Palette("#ffffff", "#241c17", "#6a5f57", "#a3231d", "#93877b", "#e0d7ca"),
    "dark": Palette("#0d1117", "#f2eae0", "#a89d93", "#e2a33b", "#857a70", "#322c28"),
}


class Plot(NamedTuple):
    """A plot: the rows that it shows, and the function that draws them.

    Attributes:
        title: what it shows, for those who cannot see it.
        parts: of run.py; their rows are drawn that have `kind` as their key `table`.
    """

    title: str
    parts: tuple[str, ...]
    kind: str | None
    paint: Callable[[Figure, Palette, Rows], None]


def draw(name: str, plot: Plot, rows: Rows, folder: Path) -> list[Path]:
    """Write NAME-light.svg and NAME-dark.svg; the files."""
    files = []
    for mode, palette in PALETTES.items():
        with matplotlib.rc_context(STYLE):
            figure = Figure()
            plot.paint(figure, palette, rows)
            text = io.StringIO()
            figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
        file = folder / f"{name}-{mode}.svg"
        file.write_text(_small(text.getvalue(), plot.title), encoding="utf-8")
        files.append(file)
    return files


def _small(svg: str, title: str) -> str:
    """Without what no browser needs, with a title and the fonts of the reader's system."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r" *<metadata>.*?</metadata>\n", "", svg, flags=re.DOTALL)
    svg = svg.replace("'DejaVu Sans'", FONTS)
    svg = re.sub(r"(\.[0-9]{2})[0-9]{3,}", r"\1", svg)  # coordinates
    return svg.replace(">", f' role="img">\n <title>{escape(title)}</title>', 1)


def _axes(figure: Figure, height: float, left: float, right: float, bottom: float = 6) -> Axes:
    """Axes without a frame, `height` points of figure with margins in points."""
    figure.set_size_inches(WIDTH / 72, height / 72)
    axes = figure.add_axes(
        (left / WIDTH, bottom / height, 1 - (left + right) / WIDTH, 1 - (bottom + 24) / height)
    )
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=SMALL)
    return axes


def _head(figure: Figure, palette: Palette, text: str) -> None:
    figure.text(0.005, 1 - 4 / (72 * figure.get_figheight()), text, va="top", color=palette.muted)


QUALITY = {
    "Surprise SVD": "Surprise SVD, by stars",
    "Published hybrid": "published hybrid",
    "Popularity": "popularity",
    "Co-occurrence": "co-occurrence",
    "implicit ALS": "implicit ALS, tuned",
    "EASE": "EASE",
    "Matinee, ranking": "Matinee",
}


def quality(figure: Figure, palette: Palette, rows: Rows) -> None:
    """NDCG@10 of Matinee beside others, the best on top."""
    found = {
        QUALITY[str(row["name"])]: float(row["ndcg@10"] or 0)
        for row in rows
        if row["name"] in QUALITY
    }
    names = sorted(found, key=found.__getitem__)
    axes = _axes(figure, 34 + 25 * len(names), 158, 52)
    for place, name in enumerate(names):
        color = palette.ours if name == "Matinee" else palette.other
        axes.barh(place, found[name], 0.62, color=color)
        _beside(axes, palette, found[name], place, f"{found[name]:.3f}", color)
    axes.set_xticks([])
    axes.set_yticks(range(len(names)), names, color=palette.text, fontsize=TEXT)
    axes.margins(y=0.01)
    _head(figure, palette, "NDCG@10 on held-out ratings: longer is better")


def peaks(figure: Figure, palette: Palette, rows: Rows) -> None:
    """Draw each planted peak as an action and a sampling thread measure it."""
    found = [row for row in rows if row["true"] is not None][::-1]
    axes = _axes(figure, 62 + 19 * len(found), 112, 14, 34)
    for place, row in enumerate(found):
        true, ours, other = (float(row[key] or 0) for key in ("true", "action", "sampler"))
        axes.plot([other, true], [place, place], color=palette.other, linewidth=1.5)
        axes.plot(other, place, "o", color=palette.other, markersize=6)
        axes.plot(true, place, "|", color=palette.text, markersize=14, markeredgewidth=1.5)
        axes.plot(ours, place, "o", color=palette.ours, markersize=6)
    names = [str(row["planted"]) for row in found]
    axes.set_yticks(range(len(found)), names, color=palette.text)
    axes.set_xlim(left=-8)
    axes.margins(y=0.04)
    axes.grid(axis="x", color=palette.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", colors=palette.muted)
    axes.set_xlabel("MB", color=palette.muted, fontsize=SMALL)
    _words(
        figure,
        palette,
        ("|", "planted", palette.text),
        ("●", "measured by an action", palette.ours),
        ("●", "sampled every 10 ms", palette.other),
    )


def _words(figure: Figure, palette: Palette, *words: tuple[str, str, str]) -> None:
    """A head that says what each mark is."""
    top, left = 1 - 4 / (72 * figure.get_figheight()), 0.005
    for mark, text, color in words:
        figure.text(left, top, mark, va="top", color=color, weight="bold")
        left += 13 / WIDTH
        figure.text(left, top, text, va="top", color=palette.muted)
        left += (len(text) * 6.6 + 16) / WIDTH


def serving(figure: Figure, palette: Palette, rows: Rows) -> None:
    """Draw the time of each question, of Matinee and the published app, on a log scale."""
    found = rows[::-1]
    axes = _axes(figure, 54 + 64 * len(found), 6, 110, 24)
    for place, row in enumerate(found):
        for below, key, name, color in (
            (0.0, "median_ms", "Matinee", palette.ours),
            (0.3, "published_ms", "published", palette.other),
        ):
            taken = float(row[key] or 0)
            axes.barh(place - below, taken, 0.26, color=color)
            _beside(axes, palette, taken, place - below, f"{name} {_duration(taken)}", color)
        axes.text(0.5, place + 0.18, str(row["question"]), color=palette.text, va="bottom")
    axes.set_xscale("log")
    axes.set_xlim(left=0.5)
    axes.set_ylim(-0.5, len(found) - 0.45)
    decades = [10.0**power for power in range(6) if 10.0**power <= axes.get_xlim()[1]]
    axes.set_xticks(decades, [_duration(decade) for decade in decades])
    axes.set_xticks([], minor=True)
    axes.set_yticks([])
    axes.grid(axis="x", color=palette.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="x", colors=palette.muted)
    _head(figure, palette, "time for an answer, each line ten times the last")


def _beside(
    axes: Axes, palette: Palette, x: float, y: float, text: str, color: str | None = None
) -> None:
    """Words at the end of a bar."""
    weight = "bold" if color == palette.ours else "normal"
    where: dict[str, Any] = {"xytext": (5, 0), "textcoords": "offset points", "va": "center"}
    axes.annotate(text, (x, y), color=palette.text, weight=weight, **where)


def _duration(milliseconds: float) -> str:
    value, unit = (milliseconds, "ms") if milliseconds < 1000 else (milliseconds / 1000, "s")
    return f"{value:.{1 if value < 10 and value % 1 else 0}f} {unit}"


def growth(figure: Figure, palette: Palette, rows: Rows) -> None:
    """Own memory of training by the number of ratings, on log scales."""
    ratings = [float(row["ratings"] or 0) for row in rows]
    axes = _axes(figure, 270, 50, 92, 36)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for key, name, color in (
        ("stock_mb", "Surprise", palette.other),
        ("matinee_mb", "Matinee", palette.ours),
    ):
        sizes = [float(row[key] or 0) for row in rows]
        known = sum(not row.get("extrapolated") for row in rows) if key == "stock_mb" else len(rows)
        axes.plot(ratings[:known], sizes[:known], "o-", color=color, markersize=5)
        axes.plot(ratings[known - 1 :], sizes[known - 1 :], color=color, dashes=(3, 2))
        words = f"{name}\n{_size(sizes[-1])}"
        axes.annotate(
            words,
            (ratings[-1], sizes[-1]),
            (8, 0),
            textcoords="offset points",
            va="center",
            color=palette.text,
            weight="bold" if color == palette.ours else "normal",
        )
    axes.axhline(LIMIT_MB, color=palette.text, linewidth=1.2, dashes=(4, 3))
    axes.set_xticks(ratings, [f"{count / 1e6:.0f}M" for count in ratings])
    sizes = [size for size in (16, 64, 256, 1024, 4096, 16384, 65536) if size >= axes.get_ylim()[0]]
    axes.set_yticks(sizes, [_size(size) for size in sizes])
    axes.minorticks_off()
    axes.grid(axis="y", color=palette.grid, linewidth=0.8)
    axes.tick_params(colors=palette.muted)
    axes.set_xlabel("ratings", color=palette.muted, fontsize=SMALL)
    _head(figure, palette, "own memory of training at most; dashed: extrapolated")


def spark(figure: Figure, palette: Palette, rows: Rows) -> None:
    """Seconds of training by the number of ratings, in one process and on a cluster."""
    lines = (
        ("Spark", palette.other, _points(rows, "spark", "seconds")),
        ("one process", palette.ours, _points(rows, "local", "seconds")),
    )
    ticks = [10.0**power for power in range(5)]
    _by_ratings(figure, palette, lines, ticks, lambda seconds: _duration(1000 * seconds))
    _head(figure, palette, "time of a training on the same two cores: lower is better")


def spark_memory(figure: Figure, palette: Palette, rows: Rows) -> None:
    """Own memory of training by the number of ratings, in one process and on a cluster."""
    lines = (
        ("an executor", palette.other, _points(rows, "spark", "executor_mb")),
        ("the driver", palette.other, _points(rows, "spark", "driver_mb")),
        ("one process", palette.ours, _points(rows, "local", "driver_mb")),
    )
    _by_ratings(figure, palette, lines, [4.0**power for power in range(3, 9)], _size)
    _head(figure, palette, "own memory of a training at most, in one process and of Spark's")


def _points(rows: Rows, engine: str, key: str) -> list[tuple[float, float]]:
    """The ratings of each row of an engine that is done, and what it has under `key`."""
    return [
        (float(row["ratings"] or 0), float(row[key] or 0))
        for row in rows
        if row["engine"] == engine and not row["problem"]
    ]


def _by_ratings(
    figure: Figure,
    palette: Palette,
    lines: Sequence[tuple[str, str, list[tuple[float, float]]]],
    ticks: Sequence[float],
    text: Callable[[float], str],
) -> None:
    """Lines of a name, a color and points over the number of ratings, on log scales."""
    axes = _axes(figure, 270, 50, 100, 36)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for name, color, points in lines:
        if not points:
            continue
        axes.plot(*zip(*points, strict=True), "o-", color=color, markersize=5)
        words = f"{name}\n{text(points[-1][1])}"
        where: dict[str, Any] = {"textcoords": "offset points", "va": "center"}
        axes.annotate(words, points[-1], (8, 0), color=palette.text, **where)
    sizes = sorted({ratings for *_, points in lines for ratings, _ in points})
    axes.set_xticks(sizes, [f"{size / 1e6:.0f}M" for size in sizes])
    low, high = axes.get_ylim()
    ticks = [tick for tick in ticks if low <= tick <= high]
    axes.set_yticks(ticks, [text(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(axis="y", color=palette.grid, linewidth=0.8)
    axes.tick_params(colors=palette.muted)
    axes.set_xlabel("ratings", color=palette.muted, fontsize=SMALL)


def _size(megabytes: float) -> str:
    if megabytes < 1024:
        return f"{megabytes:.0f} MB"
    return f"{megabytes / 1024:.{1 if megabytes < 10 * 1024 and megabytes % 1024 else 0}f} GB"


def soak(figure: Figure, palette: Palette, rows: Rows) -> None:
    """Own memory of the server over time, beside its limit."""
    limit = float(rows[0]["limit_mb"] or 0)
    minutes = [float(row["minutes"] or 0) for row in rows]
    axes = _axes(figure, 240, 34, 10, 36)
    for phase in ("visitors", "all gone"):
        inside = [m for m, row in zip(minutes, rows, strict=True) if row["phase"] == phase]
        axes.axvspan(inside[0], inside[-1], color=palette.grid, alpha=0.5, linewidth=0)
        middle = (inside[0] + inside[-1]) / 2
        axes.text(middle, limit / 24, phase, ha="center", color=palette.muted, fontsize=SMALL)
    own = [float(row["mb"] or 0) for row in rows]
    axes.plot(minutes, own, color=palette.ours, linewidth=1.3)
    axes.axhline(limit, color=palette.text, linewidth=1.2, dashes=(4, 3))
    axes.text(
        minutes[-1], limit * 0.98, f"limit {limit:.0f} MB", ha="right", va="top", color=palette.text
    )
    axes.set_ylim(0, limit * 1.02)
    axes.set_xlim(0, minutes[-1])
    axes.set_yticks([limit * quarter / 4 for quarter in range(5)])
    axes.grid(axis="y", color=palette.grid, linewidth=0.8)
    axes.tick_params(colors=palette.muted)
    axes.set_xlabel("minutes", color=palette.muted, fontsize=SMALL)
    _head(figure, palette, "own memory of the server, MB")


PLOTS = {
    "quality": Plot(
        "NDCG@10 of Matinee and of other models on the sample", ("quality", "others"), None, quality
    ),
    "serving": Plot(
        "Time for an answer, of Matinee and of the published app",
        ("serving",),
        "published",
        serving,
    ),
    "growth": Plot(
        "Own memory of training by the number of ratings, of Matinee and of Surprise",
        ("training_growth",),
        None,
        growth,
    ),
    "spark": Plot(
        "Time of a training by the number of ratings, in one process and on a Spark cluster",
        ("spark_growth",),
        "runs",
        spark,
    ),
    "spark-memory": Plot(
        "Own memory of training by the number of ratings, in one process and of Spark's",
        ("spark_growth",),
        "runs",
        spark_memory,
    ),
    "soak": Plot("Own memory of the server over time, below its limit", ("soak",), "memory", soak),
    "peaks": Plot(
        "Planted peaks of memory, as an action and a sampling thread measure them",
        ("memory_tools",),
        "peaks",
        peaks,
    ),
}
