"""Table, plot and page of a ladder, from its records alone; and the figures on docs/ladder.md.

On a page of prose a figure stands between two marks, and ``fill`` writes it there:

    <!-- = train pytorch cpu rung_05 -->1.23<!-- / -->

No other figure may stand there: a test compares the page with the records.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes

from bench import UsageError
from bench.ladder import judging
from bench.ladder.judging import Seconds, Standing, empty_s, process_s, train_s
from bench.ladder.records import Climb
from bench.ladder.rungs import FEW, SPEED
from bench.report import wording
from bench.report.plots import style
from bench.report.tables.table import Cell, Column, Section, Table, sections_to_markdown, to_csv
from bench.results import write_atomically
from bench.results.made import making
from bench.stats import runs
from bench.stats.verdict import Paired

PAGE = "README.md"
MARKED = re.compile(r"(<!-- = (.+?) -->).*?(<!-- / -->)", re.DOTALL)
NOT_YET = "not measured yet"
SHORT = re.compile(r"^rung_(\d+)_")
# columns of a table among prose, which tells ideas itself
PROSE = ("rung", "seeds", "test_accuracy", "train_s", "gain", "over_published", "process_s")
COUNTS = ("parameters", "training_flop", "training_joules")
PROSE_OF = {FEW: ("rung", "seeds", "test_accuracy", *COUNTS, "train_s")}
EXPLANATION = (
    "Every line is the former plus one idea. Training: from uint8 images in host memory to the "
    "idle device. Process: from its start to the trained weights. Empty caches: the same where "
    "nothing was compiled before; a rung that compiles nothing has one figure for both. Seconds "
    "are geometric means over seeds; 'times as fast' is paired by seed, of runs that began within "
    "twenty minutes of one another; brackets are 95 % intervals. Entered: 30 seeds or more whose "
    "mean is shown to be at the target or above on the test images (one-sided t, p < 0.01)."
)


def write(folder: Path, climbs: Sequence[Climb]) -> str:
    """Write page, table and plots; what to say of them. Raises UsageError where nothing is there.

    ``climbs``: of the folder.
    """
    if not climbs:
        raise UsageError(f"no climbs in {folder}; 'python -m bench ladder speed' makes them")
    every = judging.ladders(climbs)
    table = _table(every)
    with making(folder / "plots") as plots:
        pictures = [stem for rungs in every for stem in _draw(rungs, plots.write)]
    text = "\n\n".join(_page(folder, climbs, table, every, pictures)) + "\n"
    write_atomically(folder / PAGE, text.encode())
    write_atomically(folder / "ladder.csv", to_csv(table).encode())
    said = [sentence for rungs in every for sentence in _sentences(rungs)]
    return "\n".join([*said, f"All of it: {folder / PAGE}"])


def _page(
    folder: Path,
    climbs: Sequence[Climb],
    table: Table,
    every: Sequence[Sequence[Standing]],
    pictures: Sequence[str],
) -> Iterator[str]:
    yield "# The ladder"
    yield from wording.notices(climb.data for climb in climbs)
    yield "\n".join(f"* {sentence}" for rungs in every for sentence in _sentences(rungs))
    yield EXPLANATION
    yield from sections_to_markdown(table)
    yield from (f"![A step an idea](plots/{stem}.png)" for stem in pictures)
    hosts = sorted({runs.host(climb.machine) for climb in climbs})
    versions = dict.fromkeys(wording.versions(climb.versions) for climb in climbs)
    yield "\n".join(("## Where", "", *(f"* {wording.machine(host)}" for host in hosts)))
    yield "\n".join(f"* {each}" for each in versions)
    disturbed = sum(climb.disturbed for climb in climbs)
    if disturbed:
        yield f"Other programs disturbed {disturbed} of {len(climbs)} climbs: quote none of them."
    commands = folder / "command.txt"
    if commands.exists():
        yield f"```\n{commands.read_text(encoding='utf-8').strip()}\n```"


# Sentences


def _sentences(rungs: Sequence[Standing]) -> Iterator[str]:
    where = f"{rungs[0].any.framework} on {wording.device(rungs[0].any.device)}, {_of(rungs[0])}"
    best = judging.record(rungs)
    if best is None:
        yield f"{where}: no rung is entered."
        return
    if best.any.ladder == FEW:
        names = ", ".join(rung.any.rung for rung in rungs if rung.verdict == judging.ENTERED)
        yield f"{where} with few parameters or FLOP, entered: {names}."
        return
    clocks = {"training": train_s, "process": process_s, "empty caches": empty_s}
    times = "; ".join(f"{name} {_shown(best, clock)} s" for name, clock in clocks.items())
    yield (
        f"{where}: {best.any.rung} is the record, {wording.percent(fmean(best.tests))} of the test "
        f"images over {len(best.tests)} seeds; {times}."
    )
    over = best.gain(best.published)
    if over:
        yield f"{where}: {_times(over)} times as fast in training as the published recipe."


def _of(standing: Standing) -> str:
    return f"{standing.any.data.task} to {wording.target(standing.target)}"


def _shown(standing: Standing, clock: Seconds) -> str:
    found = standing.seconds(clock)
    return wording.NOT_MEASURED if found is None else wording.estimate(*found)


def _times(paired: Paired | None) -> str:
    return "" if paired is None else wording.estimate(paired.ratio, paired.interval)


# The table


def _table(every: Sequence[Sequence[Standing]]) -> Table:
    return Table(
        name="ladder",
        title="The ladder",
        explanation=EXPLANATION,
        sections=tuple(_section(rungs) for rungs in every),
    )


def _section(rungs: Sequence[Standing]) -> Section:
    climb = rungs[0].any
    return Section(
        heading=f"{climb.framework} on {wording.device(climb.device)}: {climb.ladder}",
        note=f"{_of(rungs[0])}, {wording.images(climb.data)}",
        columns=COLUMNS,
        rows=rungs,
    )


def _words(header: str, name: str, said: Callable[[Standing], str]) -> Column:
    def cell(standing: Standing) -> Cell:
        return Cell(shown=said(standing), raw=(said(standing),))

    return Column(header=header, names=(name,), cell=cell, words=True)


def _clock(header: str, name: str, clock: Seconds) -> Column:
    def cell(standing: Standing) -> Cell:
        found = standing.seconds(clock)
        if found is None:
            return Cell(shown="", raw=(None,) * 3)
        low, high = (found[1].low, found[1].high) if found[1] else (None, None)
        return Cell(shown=wording.estimate(*found), raw=(found[0], low, high))

    names = (f"{name}_s", f"{name}_low_s", f"{name}_high_s")
    return Column(header=header, names=names, cell=cell)


def _gain(header: str, name: str, paired: Callable[[Standing], Paired | None]) -> Column:
    def cell(standing: Standing) -> Cell:
        found = paired(standing)
        if found is None:
            return Cell(shown="", raw=(None,) * 3)
        interval = found.interval
        low, high = (interval.low, interval.high) if interval else (None, None)
        return Cell(shown=_times(found), raw=(found.ratio, low, high))

    return Column(header=header, names=(name, f"{name}_low", f"{name}_high"), cell=cell)


def _number(header: str, name: str, form: str, value: Callable[[Standing], float | None]) -> Column:
    def cell(standing: Standing) -> Cell:
        found = value(standing)
        return Cell(shown="" if found is None else format(found, form), raw=(found,))

    return Column(header=header, names=(name,), cell=cell)


def _joules(standing: Standing) -> float | None:
    """Of one training, by the meter's window."""
    for measured in standing.measured:
        energy = measured.energy
        if energy and energy.joules and energy.images:
            return energy.joules / energy.images * measured.work.images_seen
    return None


def _flop(standing: Standing) -> float | None:
    """Of one training, from that of an image."""
    works = [measured.work for measured in standing.measured]
    counted = [work.flop_an_image for work in works if work.flop_an_image]
    return counted[0] * fmean(work.images_seen for work in works) if counted else None


COLUMNS = (
    _words("rung", "rung", lambda rung: rung.any.rung.removeprefix("rung_")),
    _words("idea", "idea", lambda rung: rung.any.idea.rstrip(".")),
    _number("seeds", "seeds", "d", lambda rung: len(rung.climbs)),
    _number(
        "test (%)",
        "test_accuracy",
        ".2%",
        lambda rung: fmean(rung.tests) if rung.tests else None,
    ),
    Column(
        header="p",
        names=("p",),
        cell=lambda rung: Cell(shown=wording.p_value(rung.p) if rung.tests else "", raw=(rung.p,)),
    ),
    _number("validation (%)", "validation_accuracy", ".2%", lambda rung: rung.validation),
    _clock("training (s)", "train", train_s),
    _gain("times as fast", "gain", lambda rung: rung.gain(rung.former)),
    _gain("as the published", "over_published", lambda rung: rung.gain(rung.published)),
    _clock("process (s)", "process", process_s),
    _clock("empty caches (s)", "empty_caches", empty_s),
    _number(
        "parameters",
        "parameters",
        ",d",
        lambda rung: rung.measured[0].work.parameters if rung.measured else None,
    ),
    _number(
        "images seen",
        "images_seen",
        ",.0f",
        lambda rung: fmean(m.work.images_seen for m in rung.measured) if rung.measured else None,
    ),
    _number("training (FLOP)", "training_flop", ".3g", _flop),
    _number("joules", "training_joules", ".3g", _joules),
    _number("entry", "entry", "d", lambda rung: rung.any.entry),
    _words("", "source_sha256", lambda rung: rung.any.source_sha256),
    _words("verdict", "verdict", lambda rung: rung.verdict),
)


# The plot


def _draw(rungs: Sequence[Standing], keep: Callable[[str, bytes], None]) -> Iterator[str]:
    climbed = [rung for rung in rungs if rung.climbs]
    if len(climbed) < 2:
        return
    climb = climbed[0].any
    with style.applied():
        figure, (axes,) = style.page(1)
        for at, rung in enumerate(climbed):
            _step(axes, at, rung, climbed)
        axes.set_yscale("log")
        style.log_ticks(axes.yaxis)
        axes.set_ylabel("training time (s, log scale)")
        labels = [SHORT.sub("", rung.any.rung).replace("_", " ") for rung in climbed]
        axes.set_xticks(range(len(climbed)), labels, rotation=30, ha="right")
        axes.margins(x=0.04, y=0.22)
        notes = (
            f"{climb.framework} on {wording.device(climb.device)}, {_of(climbed[0])}",
            "Numbers: times as fast as the rung below, paired by seed, 95 % intervals; "
            "open circles are not entered",
        )
        style.frame(figure, [axes], "A step an idea", notes)
    stem = f"ladder_{climb.ladder}_{climb.framework}_{climb.device.replace(':', '-')}"
    keep(f"{stem}.png", style.png(figure))
    keep(f"{stem}.svg", style.svg(figure))
    yield stem


def _step(axes: Axes, at: int, rung: Standing, climbed: Sequence[Standing]) -> None:
    """A rung's seconds, the line from the one below, and what was gained on it."""
    found = rung.seconds(train_s)
    if found is None:
        return
    seconds, interval = found
    colour = style.LOOKS[0].colour
    if interval:
        axes.plot([at, at], [interval.low, interval.high], color=colour)
    face = colour if rung.verdict == judging.ENTERED else "white"
    axes.plot([at], [seconds], "o", color=colour, markerfacecolor=face)
    names = [each.any.rung for each in climbed]
    below = rung.former.seconds(train_s) if rung.former else None
    if below and rung.any.former in names:
        from_ = names.index(rung.any.former)
        line = "-" if from_ == at - 1 else ":"  # an aside stands on one that is farther off
        heights = [below[0], below[0], seconds]
        axes.plot([from_, at, at], heights, line, color="0.6", linewidth=1.2)
    gain = rung.gain(rung.former)
    if gain:
        ends = f" {wording.bounds(gain.interval)}" if gain.interval else ""
        top = max(seconds, interval.high if interval else seconds)
        said = f"×{gain.ratio:.2f}{ends}"
        upright = {"rotation": 90, "ha": "center", "va": "bottom"}
        style.write_beside(axes, said, (at, top), (9, 6), fontsize=10, **upright)


# Figures on a page of prose


def fill(path: Path, climbs: Sequence[Climb]) -> None:
    """Write every marked figure of a page anew. Raises UsageError on one that there is not."""
    text = path.read_text(encoding="utf-8")
    write_atomically(path, filled(text, climbs).encode())


def filled(text: str, climbs: Sequence[Climb]) -> str:
    """The text with its marked figures; raises as ``fill``."""
    every = judging.ladders(climbs)
    return MARKED.sub(lambda mark: f"{mark[1]}{_figure(mark[2], every)}{mark[3]}", text)


FIGURES: dict[str, Callable[[Standing], str]] = {
    "train": lambda rung: _shown(rung, train_s),
    "process": lambda rung: _shown(rung, process_s),
    "empty": lambda rung: _shown(rung, empty_s),
    "gain": lambda rung: _times(rung.gain(rung.former)) or NOT_YET,
    "published": lambda rung: _times(rung.gain(rung.published)) or NOT_YET,
    "test": lambda rung: wording.percent(fmean(rung.tests)) if rung.tests else NOT_YET,
    "validation": lambda rung: wording.percent(rung.validation or 0.0),
    "seeds": lambda rung: str(len(rung.climbs)),
    "verdict": lambda rung: rung.verdict,
}


def _figure(words: str, every: Sequence[Sequence[Standing]]) -> str:
    """'train pytorch cpu rung_05', 'table pytorch cpu speed', or 'record' for speed's best."""
    kind, framework, device, name = (*words.split(), "", "", "", "")[:4]
    of_device = [
        rungs
        for rungs in every
        if (rungs[0].any.framework, rungs[0].any.device) == (framework, device)
    ]
    if kind == "table":
        found = [rungs for rungs in of_device if rungs[0].any.ladder == name]
        if not found:
            return f"\n{NOT_YET}\n"
        section = _section(found[0])
        told = PROSE_OF.get(name, PROSE)
        few = tuple(column for column in section.columns if column.names[0] in told)
        table = Table(name="", title="", explanation="", sections=(replace(section, columns=few),))
        return "\n\n" + list(sections_to_markdown(table))[-1] + "\n\n"
    if kind not in FIGURES:
        raise UsageError(f"figure {words!r}: choose from table, {', '.join(FIGURES)}")
    if name == "record":
        of_speed = (rungs for rungs in of_device if rungs[0].any.ladder == SPEED)
        best = next(filter(None, map(judging.record, of_speed)), None)
    else:
        every_rung = (rung for rungs in of_device for rung in rungs)
        best = next((rung for rung in every_rung if rung.any.rung.startswith(name)), None)
    return NOT_YET if best is None or not best.climbs else FIGURES[kind](best)
