"""A recording as one page of HTML that needs nothing else: no network, no program, no font."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import datetime
from html import escape
from string import Template

from memory_toolkit.guard.guard import FULL, HIGH, SHEDDING
from memory_toolkit.measure.sizes import MB, format_bytes
from memory_toolkit.record.recorder import Recording, Sample
from memory_toolkit.record.report import command_line, facts, format_seconds, share_of_limit

# The limit is in the picture unless the command stayed below this share of it.
SHOWN_FROM = 0.2
_EXPLAINED = (
    "Own memory is anonymous and shared memory of the command and all that it started: what counts "
    "against a limit. Pages that several processes share count once. Between two samples the "
    "kernel's own mark of each process is used, so that short peaks are not missed. File pages "
    "belong to mapped files and program code; the kernel takes them back when memory is short."
)


def page(recording: Recording) -> str:
    """The page: how the command ended, its memory over time beside the limit, and the figures."""
    points = recording.points
    ending = recording.ending
    details = [*facts(recording), ("Started", f"{datetime.fromtimestamp(recording.started):%c}")]
    return _PAGE.substitute(
        command=escape(command_line(recording)),
        kind=ending.kind,
        ending=escape(ending.text),
        notes="".join(f"<p class=note>{escape(note)}</p>" for note in recording.notes),
        figures="".join(
            f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
            for name, value in _figures(recording)
        ),
        charts=_charts(recording) if points else "<p>It ended before the first sample.</p>",
        details="".join(
            f"<tr><th scope=row>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in details
        ),
        explained=escape(_EXPLAINED),
        points=json.dumps(
            [
                [round(p.seconds, 3), *(round(size / MB, 1) for size in (p.own, p.peak, p.file))]
                for p in points
            ],
            separators=(",", ":"),
        ),
        seconds=json.dumps(_width(points)),
    )


def _figures(recording: Recording) -> list[tuple[str, str]]:
    peak = recording.highest.peak if recording.highest else 0
    return [
        ("Peak", format_bytes(peak)),
        ("Mean", format_bytes(round(recording.mean))),
        ("Limit", format_bytes(recording.limit)),
        ("Peak of limit", share_of_limit(recording)),
        ("Duration", format_seconds(recording.duration)),
    ]


def _charts(recording: Recording) -> str:
    points, limit, highest = recording.points, recording.limit, recording.highest
    assert highest is not None
    shown = highest.peak >= SHOWN_FROM * limit
    top = _top(max(highest.peak, limit if shown else 0))
    lines = [
        (share * limit, f"{share:.0%}" if share < 1 else f"limit {format_bytes(limit)}", name)
        for share, name in ((HIGH, "high"), (SHEDDING, "shedding"), (FULL, "full"), (1, "limit"))
        if shown
    ]
    marks = "".join(
        f'<div class="mark {name}" style="bottom:{100 * at / top:.2f}%">'
        f"{f'<span>{text}</span>' if name == 'limit' else ''}</div>"
        for at, text, name in lines
    )
    x, y = 100 * highest.seconds / _width(points), 100 * highest.peak / top
    side = "left" if x > 60 else "right"
    peak = (
        f'<div class="peak {side}" style="left:{x:.2f}%;bottom:{y:.2f}%">'
        f"<span>peak {format_bytes(highest.peak)}</span></div>"
    )
    file_top = _top(max(point.file for point in points))
    own = _area(points, [p.own for p in points], top, "own")
    peaks = _line(points, [p.peak for p in points], top, "peaks")
    file = _area(points, [p.file for p in points], file_top, "file")
    between = "the most between two samples "
    beyond = (
        "<i class=limit></i>the limit, and 70%, 80% and 95% of it"
        if shown
        else f"(the limit of {format_bytes(limit)} lies far above the picture)"
    )
    return (
        f"<h2>Own memory, MB</h2>{_chart('own', own + peaks, top, points, marks + peak, 5)}"
        f"<p class=legend><i class=own></i>own memory <i class=peaks></i>{between}{beyond}</p>"
        f"<h2>File pages, MB</h2>{_chart('file', file, file_top, points, '', 2)}"
    )


def _chart(
    name: str, drawn: str, top: float, points: Sequence[Sample], over: str, steps: int
) -> str:
    width = _width(points)
    rows = "".join(
        f'<div class=row style="bottom:{100 * at / top:.2f}%"><span>{at / MB:,.4g}</span></div>'
        for at in _ticks(top / MB, steps, MB)
    )
    columns = "".join(
        f'<div class=column style="left:{100 * at / width:.2f}%"><span>{_clock(at)}</span></div>'
        for at in _ticks(width, 5)
    )
    return (
        f'<div class="chart {name}" tabindex=0 role=img aria-label="{name} memory over time">'
        f"<div class=plot>{rows}{columns}"
        f'<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" aria-hidden=true>{drawn}</svg>'
        f"{over}<div class=cursor hidden></div></div></div>"
    )


def _area(points: Sequence[Sample], sizes: Sequence[int], top: float, name: str) -> str:
    line = _path(points, sizes, top)
    end = 1000 * points[-1].seconds / _width(points)
    start = 1000 * points[0].seconds / _width(points)
    return (
        f'<path class="fill {name}" d="{line}L{end:.1f} 1000L{start:.1f} 1000Z"/>'
        f'<path class="line {name}" d="{line}"/>'
    )


def _line(points: Sequence[Sample], sizes: Sequence[int], top: float, name: str) -> str:
    return f'<path class="line {name}" d="{_path(points, sizes, top)}"/>'


def _path(points: Sequence[Sample], sizes: Sequence[int], top: float) -> str:
    width = _width(points)
    return "M" + "L".join(
        f"{1000 * point.seconds / width:.1f} {1000 - 1000 * size / top:.1f}"
        for point, size in zip(points, sizes, strict=True)
    )


def _width(points: Sequence[Sample]) -> float:
    return max(points[-1].seconds, 0.001) if points else 1.0


def _top(size: float) -> float:
    return max(size, MB) * 1.1


def _ticks(top: float, steps: int, unit: float = 1.0) -> list[float]:
    """Round figures from 0 up to `top`, about `steps` of them, times `unit`."""
    rough = top / steps
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    return [count * step * unit for count in range(int(top / step) + 1)]


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"
    )


_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Memory of $command</title>
<style>
:root { --paper: #fbf8f4; --card: #fff; --ink: #241c17; --faint: #6f635a; --rule: #e0d7ca;
  --own: #2f6f9f; --file: #8a7f73; --ended: #1f7d4d; --high: #b78c00; --shedding: #d06a08;
  --limit: #c8342a; --crash: #c8342a; --stopped: #6f635a; }
@media (prefers-color-scheme: dark) { :root { --paper: #15110f; --card: #1e1815; --ink: #f2eae0;
  --faint: #ab9f93; --rule: #3a312b; --own: #74b3de; --file: #a0948a; --ended: #4fc38a;
  --high: #e2b53b; --shedding: #f0913f; --limit: #f2695f; --crash: #f2695f; --stopped: #ab9f93; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 64rem; padding: 1.5rem 1.25rem 3rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font: 600 1.6rem/1.25 Georgia, serif; margin: 0 0 .75rem; }
h2 { font-size: .875rem; font-weight: 600; margin: 1.5rem 0 .5rem; }
code { display: block; font: .875rem/1.5 ui-monospace, monospace; color: var(--faint);
  overflow-wrap: anywhere; max-height: 5.25rem; overflow: auto; white-space: pre-wrap; }
.ending { margin: 1rem 0 .5rem; padding: .6rem .9rem; border-left: .3rem solid var(--kind);
  border-radius: .3rem; font-weight: 600; color: var(--kind);
  background: color-mix(in srgb, var(--kind) 10%, transparent); }
.ended { --kind: var(--ended); } .limit { --kind: var(--limit); } .crash { --kind: var(--crash); }
.stopped { --kind: var(--stopped); }
.note, .legend, .explained { color: var(--faint); font-size: .875rem; margin: .5rem 0; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem;
  margin: 1rem 0; }
dl div { background: var(--card); border: 1px solid var(--rule); border-radius: .6rem;
  padding: .6rem .8rem; }
dt { color: var(--faint); font-size: .8125rem; }
dd { margin: 0; font-size: 1.2rem; font-weight: 600; }
.chart { background: var(--card); border: 1px solid var(--rule); border-radius: .6rem;
  padding: .9rem .9rem 1.9rem 3.4rem; outline-offset: 2px; }
.plot { position: relative; height: clamp(14rem, 42vh, 24rem); }
.chart.file .plot { height: 6rem; }
.plot svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.row, .mark { position: absolute; left: 0; right: 0; height: 0; border-top: 1px solid var(--rule); }
.row span { position: absolute; right: 100%; transform: translateY(-50%); padding-right: .5rem;
  color: var(--faint); font-size: .75rem; white-space: nowrap; }
.column { position: absolute; bottom: 0; }
.column span { position: absolute; top: .35rem; transform: translateX(-50%); color: var(--faint);
  font-size: .75rem; white-space: nowrap; }
.mark { border-top: 1px dotted var(--line); }
.mark.high { --line: var(--high); } .mark.shedding { --line: var(--shedding); }
.mark.full { --line: var(--limit); }
.mark.limit { --line: var(--limit); border-top: 2px dashed var(--line); }
.mark span { position: absolute; left: .25rem; bottom: .1rem; color: var(--limit);
  font-size: .75rem; font-weight: 600; }
.line { fill: none; stroke-width: 2; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.line.own { stroke: var(--own); } .line.file { stroke: var(--file); }
.line.peaks { stroke: var(--own); stroke-width: 1; opacity: .7; }
.fill.own { fill: var(--own); opacity: .18; } .fill.file { fill: var(--file); opacity: .18; }
.peak { position: absolute; width: .6rem; height: .6rem; margin: 0 0 -.3rem -.3rem;
  border-radius: 50%; background: var(--own); border: 2px solid var(--card); }
.peak span { position: absolute; bottom: .55rem; font-size: .75rem; font-weight: 600;
  white-space: nowrap; background: color-mix(in srgb, var(--card) 80%, transparent);
  padding: 0 .2rem; border-radius: .2rem; }
.peak.right span { left: -.3rem; } .peak.left span { right: -.3rem; }
.legend i { display: inline-block; width: 1.1rem; height: 0; margin: 0 .35rem .25rem .5rem;
  border-top: 2px solid var(--own); vertical-align: middle; }
.legend i:first-child { margin-left: 0; } .legend i.peaks { border-top-width: 1px; opacity: .7; }
.legend i.limit { border-top: 2px dashed var(--limit); }
.cursor { position: absolute; top: 0; bottom: 0; width: 0; border-left: 1px solid var(--ink);
  pointer-events: none; }
.tip { position: absolute; top: 0; left: .4rem; padding: .3rem .55rem; border-radius: .35rem;
  background: var(--ink); color: var(--paper); font-size: .75rem; white-space: pre; z-index: 1; }
.tip.left { left: auto; right: .4rem; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; margin: 1.5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0;
  border-top: 1px solid var(--rule); overflow-wrap: anywhere; }
th { font-weight: 400; color: var(--faint); width: 11rem; }
@media (max-width: 30rem) { h1 { font-size: 1.35rem; } th { width: 7.5rem; }
  dl { grid-template-columns: 1fr 1fr; } dl :last-child:nth-child(odd) { grid-column: 1 / -1; }
  .chart { padding-left: 2.9rem; } }
</style>
<h1>Memory of a command</h1>
<code>$command</code>
<p class="ending $kind">It $ending.</p>
$notes
<dl>$figures</dl>
$charts
<table>$details</table>
<p class="explained">$explained</p>
<script>
const points = $points, seconds = $seconds;
const charts = [...document.querySelectorAll(".chart")];
let at = -1;
function show(index) {
  at = Math.max(0, Math.min(points.length - 1, index));
  const [time, own, peak, file] = points[at];
  const text = [time.toFixed(1) + " s", "own " + own.toFixed(1) + " MB",
    ...(peak > own ? ["peak " + peak.toFixed(1) + " MB"] : []), "file " + file.toFixed(1) + " MB"];
  for (const chart of charts) {
    const cursor = chart.querySelector(".cursor");
    cursor.hidden = false;
    cursor.style.left = 100 * time / seconds + "%";
    const side = time > seconds / 2 ? "tip left" : "tip";
    cursor.innerHTML = chart.matches(".own")
      ? '<div class="' + side + '" role=status>' + text.join("\\n") + "</div>" : "";
  }
}
function hide() {
  at = -1;
  for (const chart of charts) chart.querySelector(".cursor").hidden = true;
}
for (const chart of charts) {
  const plot = chart.querySelector(".plot");
  chart.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect();
    const time = (event.clientX - box.left) / box.width * seconds;
    let nearest = 0;
    points.forEach(([there], index) => {
      if (Math.abs(there - time) < Math.abs(points[nearest][0] - time)) nearest = index;
    });
    show(nearest);
  });
  chart.addEventListener("pointerleave", hide);
  chart.addEventListener("blur", hide);
  chart.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) { event.preventDefault(); show(at < 0 ? 0 : at + step); }
    if (event.key === "Escape") hide();
  });
}
</script>
</html>
""")
