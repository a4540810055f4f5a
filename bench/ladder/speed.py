"""``python -m bench ladder speed``: climb, pair by seed, keep the records, write the page.

Every rung and seed is a process of its own. All rungs of a seed run one after the other, upwards
with even seeds and downwards with odd ones, so that a drift of the machine takes nobody's side.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import datasets
from bench import UsageError, cli
from bench.experiment import Experiment, kind_of
from bench.ladder import records, rungs
from bench.ladder.climb import Answer, Request
from bench.ladder.records import Climb
from bench.ladder.rungs import RungFile
from bench.machine import devices, hardware
from bench.results.folder import Results, ResultsError
from bench.results.record import Machine
from bench.results.sound import printable
from bench.run import door, material, processes, reading, versions
from bench.trainers import FRAMEWORKS
from datasets import DataError, Prepared

LIMIT_S = 1800.0  # of one process
TRIES = 3  # while other programs disturb
CACHES = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR", "JAX_COMPILATION_CACHE_DIR")
DESCRIPTION = """\
Climb from the textbook's loop to 99 % as fast as can be, one idea a rung.

Without --enter the test set stays sealed: everything is chosen on validation. Rungs lie in
bench/ladder/FRAMEWORK/, a file each.
"""


def _parser() -> argparse.ArgumentParser:
    parser = door.parser_of(
        "python -m bench ladder speed",
        DESCRIPTION,
        "--rung rung_09 --seeds 5",
        "--enter --out results/ladder",
    )
    parser.add_argument(
        "--framework",
        type=reading.list_of("framework", rungs.FRAMEWORKS),
        default=("pytorch",),
        metavar="NAME",
        help=f"any of {', '.join(rungs.FRAMEWORKS)} (default: pytorch)",
    )
    cli.add_device(parser)
    parser.add_argument(
        "--ladder",
        type=reading.list_of("ladder", tuple(rungs.LADDERS)),
        default=(rungs.SPEED,),
        metavar="NAME",
        help=f"any of {', '.join(rungs.LADDERS)} (default: {rungs.SPEED})",
    )
    parser.add_argument(
        "--rung", type=reading.words, default=(), metavar="NAME", help="only these, and those below"
    )
    parser.add_argument(
        "--seeds", type=reading.whole, metavar="N", help="of every rung (default: as the rung says)"
    )
    parser.add_argument("--enter", action="store_true", help="ask the test images, and count it")
    parser.add_argument("--energy", action="store_true", help="read joules, where they are counted")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the records")
    parser.add_argument("--resume", action="store_true", help="only what is missing in --out")
    parser.add_argument("--report", action="store_true", help="climb nothing, write the page again")
    parser.add_argument(
        "--fill", type=Path, metavar="FILE", help="also write figures and table into this page"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be climbed")
    for name in ("data_dir", "source", "glyphs_images"):
        cli.add_option(parser, name)
    return parser


def main(argv: Sequence[str]) -> int:
    """Climb and report: 0 all went well, 1 something did not, 2 it cannot be done as asked."""
    options = _parser().parse_args(argv)
    try:
        out = options.out or Path("results") / f"speed-{datetime.now():%Y%m%d-%H%M%S}"
        if not options.report:
            plan = list(_plan(options))
            if options.dry_run:
                print("\n".join(_described(plan)))
                return 0
            with Results(out).lock():
                Results(out).note_command(["python", "-m", "bench", "ladder", "speed", *argv])
                _climb_all(options, plan, out)
        from bench.ladder import page

        climbs = records.load(out)
        print(page.write(out, climbs))
        if options.fill:
            page.fill(options.fill, climbs)
        return 1 if any(climb.problems for climb in records.latest(climbs)) else 0
    except (UsageError, ResultsError, DataError) as error:
        print(f"bench ladder speed: error: {error}", file=sys.stderr)
        return 2


def _plan(options: argparse.Namespace) -> Iterator[tuple[str, str, tuple[RungFile, ...]]]:
    """Framework, ladder and rungs, the lowest first; what a framework has no rung of is left out.

    Raises UsageError where nothing is left.
    """
    devices.choose_devices([options.device], hardware.observe())
    missing: list[UsageError] = []
    asked = list(itertools.product(options.ladder, options.framework))
    for ladder, framework in asked:
        try:
            every = rungs.find(framework, kind_of(options.device), ladder)
        except UsageError as error:
            missing.append(error)
            continue
        picked = rungs.chosen(every, options.rung) if options.rung else every
        yield framework, ladder, picked
    if len(missing) == len(asked):
        raise missing[0]


def _seeds(rung: RungFile, options: argparse.Namespace) -> int:
    seeds: int = options.seeds or rung.seeds
    return seeds


def _described(plan: Sequence[tuple[str, str, tuple[RungFile, ...]]]) -> Iterator[str]:
    for framework, ladder, climbed in plan:
        yield f"{framework}, ladder {ladder}:"
        for rung in climbed:
            below = f"beside {rung.below.name}" if rung.below else "on the ground"
            yield f"  {rung.name:24}{rung.seeds:3} seeds, {below}: {rung.idea}"


def _climb_all(
    options: argparse.Namespace,
    plan: Sequence[tuple[str, str, tuple[RungFile, ...]]],
    out: Path,
) -> None:
    there = records.load(out)
    if there and not options.resume:
        raise UsageError(f"{out} has climbs already; give --resume to add to them, or other --out")
    here = hardware.observe()
    for framework, ladder, climbed in plan:
        task = rungs.LADDERS[ladder][0]
        prepared = datasets.prepare(
            task,
            source=options.source,
            data_dir=options.data_dir,
            glyphs_images=options.glyphs_images,
        )
        site = _Site(options, framework, ladder, prepared, here, out)
        site.check(there)
        for seed in range(max(_seeds(rung, options) for rung in climbed)):
            turns = [rung for rung in climbed if seed < _seeds(rung, options)]
            for position, rung in enumerate(turns if seed % 2 == 0 else reversed(turns)):
                site.climb(rung, seed, position, there)


class _Site:
    """Where a ladder is climbed."""

    def __init__(
        self,
        options: argparse.Namespace,
        framework: str,
        ladder: str,
        prepared: Prepared,
        machine: Machine,
        out: Path,
    ) -> None:
        self._options, self._framework, self._ladder = options, framework, ladder
        self._prepared, self._machine, self._out = prepared, machine, out
        self._device: str = options.device
        self._data = material.describe(datasets.open_cached(prepared.folder))
        self._versions = versions.installed(FRAMEWORKS[framework].packages)
        self._experiment = Experiment(  # for the environment of its processes alone
            task=prepared.task,
            source=prepared.source,
            architecture="cnn",
            framework=framework,
            execution="eager",
            device=self._device,
            batch_size=1,
            epochs=1,
        )

    def check(self, there: Sequence[Climb]) -> None:
        """Raise UsageError where climbs to be set beside these are of another machine or build."""
        for climb in there:
            if (climb.framework, climb.device) != (self._framework, self._device):
                continue
            differences = [*hardware.differences(climb.machine, self._machine)]
            if climb.versions != self._versions:
                differences.append(f"versions: {climb.versions} in the records")
            if differences:
                raise UsageError(f"{differences[0]}; give another --out")

    def climb(self, rung: RungFile, seed: int, position: int, there: Sequence[Climb]) -> None:
        """One rung with one seed, unless it is there; its record is written at once."""
        blank = self._blank(rung, seed, position)
        blank = replace(blank, entry=records.entry(there, blank, asks_test=self._options.enter))
        if any(_same_run(climb, blank) for climb in there):
            return
        climb = blank
        for tries in range(1, (TRIES if self._options.enter else 1) + 1):
            climb = replace(self._climb(rung, blank), tries=tries)
            if not climb.disturbed:
                break
        records.save(self._out, climb)
        print(f"  seed {seed} {rung.name}: {_outcome(climb)}", file=sys.stderr, flush=True)

    def _climb(self, rung: RungFile, blank: Climb) -> Climb:
        if not rung.compiles:
            return _answered(blank, self._ask(rung, blank.seed, rung.environment))
        # From empty caches, which every process has that is given no others; then from full ones.
        empty = self._ask(rung, blank.seed, rung.environment, clocks_only=True)
        folder = (self._out / ".caches" / blank.source_sha256[:16]).absolute()
        kept = {name: str(folder / name.lower()) for name in CACHES}
        kept |= {"JAX_ENABLE_COMPILATION_CACHE": "true"} | rung.environment
        if not folder.exists():
            self._ask(rung, blank.seed, kept, clocks_only=True)
        answer = self._ask(rung, blank.seed, kept)
        if answer.measured and empty.measured:
            measured = replace(answer.measured, empty_s=empty.measured.process_s)
            answer = replace(answer, measured=measured)
        return _answered(blank, replace(answer, problems=answer.problems + empty.problems))

    def _ask(
        self, rung: RungFile, seed: int, variables: dict[str, str], *, clocks_only: bool = False
    ) -> Answer:
        options, prepared = self._options, self._prepared
        first = seed == 0 and not clocks_only
        sealed = (*prepared.files, *prepared.folder.iterdir())
        request = Request(
            module=rung.module,
            device=kind_of(self._device),
            seed=seed,
            data_folder=str(prepared.folder),
            sealed=tuple(map(str, sealed)),
            enter=options.enter and not clocks_only,
            energy=options.energy and first,
            flop=first,
        )
        try:
            return processes.ask(
                "bench.ladder.climb",
                request,
                Answer,
                limit_s=LIMIT_S,
                experiment=self._experiment,
                variables=variables,
            )
        except processes.NoAnswer as error:
            return Answer(problems=(printable(str(error)),))

    def _blank(self, rung: RungFile, seed: int, position: int) -> Climb:
        return Climb(
            ladder=self._ladder,
            framework=self._framework,
            device=self._device,
            rung=rung.name,
            idea=rung.idea,
            former=rung.below.name if rung.below else None,
            source_sha256=rung.sha256,
            former_sha256=rung.below.sha256 if rung.below else None,
            seed=seed,
            position=position,
            started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            machine=self._machine,
            versions=self._versions,
            data=self._data,
            environment=rung.environment,
        )


def _same_run(climb: Climb, blank: Climb) -> bool:
    same = (climb.ladder, climb.framework, climb.device, climb.rung, climb.entry, climb.seed)
    return same == (
        *(blank.ladder, blank.framework, blank.device),
        *(blank.rung, blank.entry, blank.seed),
    )


def _answered(blank: Climb, answer: Answer) -> Climb:
    return replace(
        blank,
        measured=answer.measured,
        problems=tuple(map(printable, answer.problems)),
        settings={name: printable(value) for name, value in answer.settings.items()},
    )


def _outcome(climb: Climb) -> str:
    measured = climb.measured
    said = "; ".join(climb.problems)
    if measured is None:
        return said
    test = climb.test_accuracy
    accuracy = measured.validation_accuracy if test is None else test
    on = "validation" if test is None else "test"
    times = f"{measured.train_s:.3f} s training, {measured.process_s:.2f} s in all"
    return f"{times}, {100 * accuracy:.2f} % of {on}{f'; {said}' if said else ''}"
