"""python -m bench class DIR: what a folder of shared files says of all these laptops together."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from bench.report import wording
from bench.report.classroom import picture, predictions
from bench.report.classroom.laptops import (
    BASELINE,
    FEWEST,
    SMALLEST,
    Contender,
    Laptop,
    Oddity,
    Ratio,
    Subject,
    laptops,
    oddities,
    subjects,
)
from bench.report.classroom.predictions import Lesson
from bench.report.plots import style
from bench.report.tables.table import (
    Cell,
    Column,
    Section,
    Table,
    sections_to_markdown,
    to_csv,
    to_markdown,
    without_tags,
)
from bench.results import made, shared
from bench.results.folder import PAGE, Results, ResultsError
from bench.results.shared import Shared
from bench.results.sound import RecordError
from bench.run.door import parser_of
from bench.stats import runs
from bench.stats.uncertainty import OUTLYING

MOST_FILES = 1000
EXPLANATION = (
    "A row a laptop. A ratio is a framework's training throughput over that of the same laptop's "
    f"own {' '.join(BASELINE)}, the geometric mean over the seeds that both have; brackets hold "
    "95 % intervals. The noise floor is what the laptop's audit found an experiment to differ by "
    "from itself: a smaller difference says nothing. Disturbed are runs that other programs, or "
    "heat, held up."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the class's page, table and picture, and say which laptop is of which file.

    Returns 0; 1 where a file had to be left out; 2 where nothing can be shown or written.
    """
    options = _parser().parse_args(argv)
    out = options.out or Path("results") / f"{options.folder.resolve().name}-class"
    try:
        return _make(options.folder, out)
    except ResultsError as error:
        print(f"error: {error}", file=sys.stderr)
    except OSError as error:
        print(f"error: {out} cannot be written: {error}", file=sys.stderr)
    return 2


def _make(folder: Path, out: Path) -> int:
    files, left_out = _read(folder)
    taught = _taught(folder, left_out)
    for sentence in left_out:
        print(f"left out: {sentence}", file=sys.stderr)
    if not files:
        raise ResultsError(f"{folder}: none of its files can be used")
    class_ = laptops(files.values())
    made_of = subjects(class_)
    if not made_of:
        raise ResultsError(
            f"{folder}: no laptop ran {' '.join(BASELINE)} beside another framework in the same "
            "experiment, so there is no ratio to show; run_all.py without --framework does"
        )
    odd = oddities(class_, made_of)
    _write(out, class_, made_of, odd, taught, len(left_out))
    for laptop in class_:
        print(f"{laptop.name}: {_file_of(laptop, files)}")
    predicted = (lesson.sentence for lesson in taught)
    print("\n".join(("", *_findings(made_of), *map(sentence_of, odd), *predicted)))
    print(f"\nEverything lies in {out}: start with {PAGE}; class.png is the picture.")
    return 1 if left_out else 0


# Reading


def _read(folder: Path) -> tuple[dict[str, Shared], list[str]]:
    """Each file by its name, and a sentence for each that is left out.

    Raises ResultsError where there is none, or there are too many to be a class.
    """
    paths = sorted(
        path
        for path in folder.glob("*")
        if path.name.endswith(shared.ENDINGS) and path.is_file() and not predictions.are_in(path)
    )
    if not 0 < len(paths) <= MOST_FILES:
        raise ResultsError(
            f"{folder} holds {wording.counted(len(paths), 'shared file')}, wanted 1 to "
            f"{MOST_FILES:,} files *{shared.ENDING}; 'python -m bench share' writes one"
        )
    files: dict[str, Shared] = {}
    left_out = []
    for path in paths:
        try:
            files[path.name] = shared.load(path)
        except RecordError as error:
            left_out.append(str(error))
    return _each_once(files, left_out), left_out


def _taught(folder: Path, left_out: list[str]) -> list[Lesson]:
    """What the files of predictions beside the shared ones say, by lesson."""
    files = []
    for path in sorted(folder.glob(f"*{predictions.ENDING}")):
        another = path.name.endswith(shared.ENDINGS) and not predictions.are_in(path)
        if another or not path.is_file():
            continue
        try:
            files.append(predictions.load(path))
        except RecordError as error:
            left_out.append(str(error))
    return predictions.lessons(files)


def _each_once(files: dict[str, Shared], left_out: list[str]) -> dict[str, Shared]:
    """Without files that hold runs of a larger one: the same folder, shared again."""
    kept: dict[str, Shared] = {}
    owner: dict[tuple[str, str, float], str] = {}
    for name, file in sorted(files.items(), key=lambda each: (-len(each[1].records), each[0])):
        identities = [(r.run_id, r.started_at, r.wall_s) for r in file.records]
        earlier = next((owner[each] for each in identities if each in owner), None)
        if earlier is None:
            kept[name] = file
            owner.update(dict.fromkeys(identities, name))
        else:
            left_out.append(f"{name}: the same runs as in {earlier}, of the same laptop")
    return kept


def _file_of(laptop: Laptop, files: dict[str, Shared]) -> str:
    """The file a laptop came from: for the terminal alone, since a file may bear a name."""
    first = laptop.groups[0].records[0]
    return next(name for name, file in files.items() if any(r is first for r in file.records))


# Writing


def _write(
    out: Path,
    class_: Sequence[Laptop],
    made_of: Sequence[Subject],
    odd: Sequence[Oddity],
    taught: Sequence[Lesson],
    lost: int,
) -> None:
    if out.exists() and not (out / made.LIST).exists() and any(out.iterdir()):
        raise ResultsError(f"{out} holds other files; name a new folder with --out")
    figure = picture.draw(made_of)
    table = table_of(class_, made_of)
    page = "\n\n".join(_paragraphs(class_, made_of, odd, taught, table, lost))
    with Results(out).lock("report"), made.making(out) as making:
        making.write("class.md", to_markdown(table).encode())
        making.write("class.csv", to_csv(table).encode())
        making.write("class.png", style.png(figure))
        making.write("class.svg", style.svg(figure))
        if taught:
            predicted = predictions.draw(taught)
            making.write("predictions.png", style.png(predicted))
            making.write("predictions.svg", style.svg(predicted))
        making.write(PAGE, without_tags(f"{page}\n").encode())


def _paragraphs(
    class_: Sequence[Laptop],
    made_of: Sequence[Subject],
    odd: Sequence[Oddity],
    taught: Sequence[Lesson],
    table: Table,
    lost: int,
) -> Iterator[str]:
    yield f"# A class of {wording.counted(len(class_), 'laptop')}"
    yield from wording.notices(subject.comparison.data for subject in made_of)
    yield _listed(_findings(made_of))
    yield f"![{picture.finding(made_of[0])}](class.png)"
    yield (
        "A dot is a laptop, a row a framework, the bar the class's median. The axis is "
        "logarithmic: equal distances are equal factors ([SVG](class.svg))."
    )
    yield "## Who is odd, and why"
    yield _who_is_odd(class_, made_of, odd)
    if taught:
        yield "## What the class predicted"
        yield _listed(lesson.sentence for lesson in taught)
        yield "![What the class predicted, and what was measured](predictions.png)\n\n" + (
            f"{predictions.EXPLANATION} ([SVG](predictions.svg))"
        )
    yield "## The laptops"
    yield table.explanation
    yield from sections_to_markdown(
        Table(name="", title="", explanation="", sections=table.sections[:1])
    )
    yield f"All {wording.counted(len(table.sections), 'comparison')}: [class.md](class.md), " + (
        "[class.csv](class.csv) to compute with."
    )
    without = [laptop.name for laptop in class_ if not _is_in(laptop, made_of)]
    if without:
        yield f"Without a ratio, since {' '.join(BASELINE)} is missing: {', '.join(without)}."
    if lost:
        yield (
            f"{wording.counted(lost, 'file')} of the folder could not be used: `python -m bench "
            "class` says which and why."
        )


def _is_in(laptop: Laptop, made_of: Sequence[Subject]) -> bool:
    return any(laptop.letter in subject.baselines for subject in made_of)


def _findings(made_of: Sequence[Subject]) -> Iterator[str]:
    """A sentence for each subject of the picture."""
    for subject in made_of[: picture.MOST_PANELS]:
        fastest = subject.fastest_first[0]
        ratios = subject.ratios[fastest]
        factors = sorted(ratio.paired.ratio for ratio in ratios)
        yield (
            f"{subject.heading}: beside PyTorch, {' '.join(fastest)} trains at "
            f"{wording.number(subject.median(fastest))} × in the class's median "
            f"({wording.number(factors[0])} to {wording.number(factors[-1])} ×), and is ahead on "
            f"{wording.all_or(sum(ratio.ahead for ratio in ratios), len(ratios))} laptops. "
            f"{_shown(ratios)}"
        )


def _shown(ratios: Sequence[Ratio]) -> str:
    """On how many laptops its own runs show it, which takes several seeds."""
    outcomes = [ratio.outcome for ratio in ratios if ratio.paired.n > 1]
    if not outcomes:
        return "With one seed a laptop, no laptop shows it by itself: their number does."
    faster = wording.all_or(outcomes.count("higher"), len(outcomes))
    return (
        f"That it is faster is shown by the runs of {faster} by themselves, that it is slower by "
        f"those of {outcomes.count('lower')}."
    )


def _who_is_odd(class_: Sequence[Laptop], made_of: Sequence[Subject], odd: Sequence[Oddity]) -> str:
    rule = (
        f"Odd is a ratio whose logarithm is more than {OUTLYING:g} deviations from the class's "
        "median, the deviation taken from the median of the distances, so that odd ones do not "
        "hide themselves (Iglewicz and Hoaglin, 1993); and by a factor of at least "
        f"{SMALLEST:g}, and more than the laptop's noise floor. Some are named by chance: of 30 "
        "laptops that are alike, at most one comparison in eleven names one. What is named beside "
        "it differs from most laptops: it may be the reason, and has to be tried to be sure."
    )
    if max(len(subject.baselines) for subject in made_of) < FEWEST:
        count = wording.counted(len(class_), "laptop")
        return f"Of {count} none can be called odd: it takes {FEWEST} that ran the same."
    return f"{rule}\n\n{_listed(map(sentence_of, odd)) or 'No laptop is odd.'}"


def sentence_of(oddity: Oddity) -> str:
    """Who is odd, by how much, and what of it is not as on most laptops."""
    contender, subject = oddity.ratio.contender, oddity.subject
    more = ""
    if oddity.others:
        be = "is" if oddity.others == 1 else "are"
        more = f" {wording.counted(oddity.others, 'more ratio')} of it {be} odd too."
    why = (
        f"Unlike most: {'; '.join(oddity.reasons)}."
        if oddity.reasons
        else "Its threads, versions and power mode are those of most: look at its cooling and "
        "power supply, and at what else was running."
    )
    return (
        f"{oddity.laptop.name} is odd: {' '.join(contender)} trains at "
        f"{wording.number(oddity.ratio.paired.ratio)} × its PyTorch, the class's median is "
        f"{wording.number(subject.median(contender))} × ({subject.heading}).{more} {why}"
    )


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


# The table


def table_of(class_: Sequence[Laptop], made_of: Sequence[Subject]) -> Table:
    """A section a subject, a row a laptop that ran it."""
    return Table(
        name="class",
        title="A row a laptop",
        explanation=EXPLANATION,
        sections=tuple(_section(class_, subject) for subject in made_of),
    )


def _section(class_: Sequence[Laptop], subject: Subject) -> Section:
    device = subject.comparison.experiment.device
    return Section(
        heading=subject.heading,
        note=f"On {wording.counted(len(subject.baselines), 'laptop')}.",
        columns=(
            Column(header="", names=("comparison",), cell=lambda _: _cell("", subject.heading)),
            _words("laptop", "laptop", lambda laptop: laptop.letter),
            _words("processor", "cpu", lambda laptop: laptop.host.cpu),
            Column(
                header="cores",
                names=("cores",),
                cell=lambda laptop: _cell(str(laptop.host.cores), laptop.host.cores),
            ),
            _words("GPU", "gpu", lambda laptop: laptop.gpus),
            _throughput(subject),
            *(_ratio(subject, contender) for contender in subject.fastest_first),
            Column(
                header="noise floor",
                names=("noise_floor",),
                cell=lambda laptop: _floor(laptop, device),
            ),
            Column(
                header="disturbed runs",
                names=("disturbed_runs", "runs"),
                cell=lambda laptop: _cell(
                    f"{laptop.disturbed} of {len(laptop.measured)}",
                    laptop.disturbed,
                    len(laptop.measured),
                ),
            ),
        ),
        rows=[laptop for laptop in class_ if laptop.letter in subject.baselines],
    )


def _cell(shown: str, *raw: str | float | None) -> Cell:
    return Cell(shown=shown, raw=raw)


def _words(header: str, name: str, words: Callable[[Laptop], str]) -> Column:
    return Column(
        header=header,
        names=(name,),
        cell=lambda laptop: _cell(words(laptop), words(laptop)),
        words=True,
    )


def _throughput(subject: Subject) -> Column:
    def cell(laptop: Laptop) -> Cell:
        summary = subject.baselines[laptop.letter].summary(runs.throughput_images_per_s)
        return _cell(wording.spread(summary), summary.mean if summary else None)

    return Column(
        header=f"{' '.join(BASELINE)} (images/s)",
        names=(f"{'_'.join(BASELINE)}_throughput_mean_images_per_s",),
        cell=cell,
    )


def _ratio(subject: Subject, contender: Contender) -> Column:
    by_laptop: dict[str, Ratio] = {r.laptop.letter: r for r in subject.ratios[contender]}
    name = "_".join(contender).replace("-", "_")

    def cell(laptop: Laptop) -> Cell:
        ratio = by_laptop.get(laptop.letter)
        if ratio is None:
            return _cell(wording.NOT_MEASURED, None, None, None, None)
        paired, interval = ratio.paired, ratio.paired.interval
        shown = wording.estimate(paired.ratio, interval, sign=" ×")
        ends = (interval.low, interval.high) if interval else (None, None)
        return _cell(f"**{shown}**" if ratio.odd else shown, paired.ratio, *ends, ratio.odd)

    ends = ("ratio", "ratio_low", "ratio_high", "odd")
    return Column(
        header=" ".join(contender), names=tuple(f"{name}_{end}" for end in ends), cell=cell
    )


def _floor(laptop: Laptop, device: str) -> Cell:
    floor = laptop.noise_floors.get(device)
    return _cell("" if floor is None else wording.percent(floor, 1), floor)


def _parser() -> argparse.ArgumentParser:
    parser = parser_of(
        "python -m bench class",
        "Bring a class's laptops together: a row and a dot a laptop, each beside its own PyTorch, "
        "and which of them are odd, and why.",
        "lesson/",
        "lesson/ --out results/lesson-1",
    )
    parser.add_argument(
        "folder",
        type=Path,
        metavar="DIR",
        help="a folder with the files that 'python -m bench share' wrote, and the predictions that "
        "lessons saved",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="where to (default: results/NAME-class, NAME being the folder's)",
    )
    return parser
