"""Many machines that ran the same experiments: their ratios, and which of them are odd, and why.

Machines are never put together: what is compared across them is each one's ratio to its own
PyTorch. They are named by letters and by what they are; nothing here knows whose they are.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from statistics import median

from bench.experiment import Experiment
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.results.evidence import Evidence
from bench.results.record import Record
from bench.results.shared import Shared
from bench.stats import runs, verdict
from bench.stats.runs import Host, Replicates
from bench.stats.uncertainty import OUTLYING, modified_z
from bench.stats.verdict import Outcome, Paired
from bench.trainers import FRAMEWORKS
from models import ARCHITECTURES

BASELINE = ("pytorch", "eager")
# Of laptops that are alike but for normal noise, 20,000 classes simulated, a framework names at
# least one as odd in 20 % of classes of 5, 12 % of 10, 9 % of 30; so there are to be some, ...
FEWEST = 10
SMALLEST = 1.25  # ... and a factor from the class's median below this is not worth a sentence
NOISY = 3.0  # times the class's median noise floor: then it may be why one is
# Facts of a laptop, whatever the framework; and settings that are told, with their words here.
COMMON = ("system", "power mode (CPU governor)", "CPU boost", "memory allocator")
SETTINGS = {
    "CPU governor": COMMON[1],
    "CPU boost": COMMON[2],
    "allocator": COMMON[3],
    "threads chosen by": "threads chosen by",
    "compiler": "compiler",
    "XLA": "XLA",
}

Contender = tuple[str, str]  # framework and execution
Facts = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What laptops are compared in: an experiment but for its framework, on the same images."""

    experiment: Experiment  # framework and execution empty
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Laptop:
    """One machine of the class."""

    letter: str
    host: Host
    groups: tuple[Replicates, ...]

    @property
    def gpus(self) -> str:
        """Those of its first run; empty where it has none."""
        return "; ".join(gpu.name for gpu in self.groups[0].records[0].machine.gpus)

    @property
    def name(self) -> str:
        """'C (Intel i5, 8 cores)'."""
        return f"{self.letter} ({self.host.cpu}, {wording.counted(self.host.cores, 'core')})"

    @property
    def measured(self) -> tuple[Record, ...]:
        """All its runs that ended well."""
        return tuple(record for group in self.groups for record in group.measured)

    @property
    def disturbed(self) -> int:
        """How many of those were."""
        return sum(record.disturbed for record in self.measured)

    @cached_property
    def noise_floors(self) -> dict[str, float]:
        """Device -> its noise floor, where that was audited."""
        by_device = {g.experiment.device: verdict.noise_floor_of(g) for g in self.groups}
        return {device: floor for device, floor in by_device.items() if floor is not None}

    def facts(self, contender: Contender) -> Facts:
        """What may explain how fast a framework is on it, in words that machines share."""
        of_it = [r for r in self.measured if _contender(r.experiment) == contender]
        told: dict[str, set[str]] = {}
        for record in of_it:
            for name, value in _facts(record):
                told.setdefault(name, set()).add(value)
        return {name: " and ".join(sorted(values)) for name, values in told.items()}


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """One framework's throughput on one laptop over that of the laptop's own PyTorch."""

    laptop: Laptop
    group: Replicates
    baseline: Replicates
    paired: Paired
    z: float | None = None  # modified, of its log among the class's; None: of too few laptops

    @property
    def contender(self) -> Contender:
        """Which framework, and how."""
        return _contender(self.group.experiment)

    @property
    def ahead(self) -> bool:
        """Whether the framework was the faster, shown to be or not: one seed shows nothing."""
        return self.paired.ratio > 1

    @property
    def outcome(self) -> Outcome:
        """Whether it is shown to differ from 1: by interval, p, noise floor, undisturbed runs."""
        if self.group.disturbed or self.baseline.disturbed:
            return "undecided"
        floor = self.laptop.noise_floors.get(self.group.experiment.device)
        return verdict.outcome(self.paired, self.paired.p, floor)

    @property
    def odd(self) -> bool:
        """Whether it is to be looked at."""
        return self.z is not None and abs(self.z) > OUTLYING


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One condition on all laptops that ran it."""

    comparison: Comparison  # of the first laptop, for words
    baselines: dict[str, Replicates]  # letter -> its own PyTorch
    ratios: dict[Contender, tuple[Ratio, ...]]  # in the order of the laptops

    @property
    def heading(self) -> str:
        """What was trained on what, and on what device."""
        return self.comparison.heading()

    def median(self, contender: Contender) -> float:
        """The class's ratio."""
        return median(ratio.paired.ratio for ratio in self.ratios[contender])

    @property
    def fastest_first(self) -> list[Contender]:
        """The frameworks by the class's median."""
        return sorted(self.ratios, key=self.median, reverse=True)


# The laptops


def laptops(shared: Iterable[Shared]) -> list[Laptop]:
    """Each machine of each file, in an order that tells nothing of the files' names."""
    machines = [
        (host, list(records), file.evidence)
        for file in shared
        for host, records in groupby(sorted(_usable(file.records), key=_host), _host)
    ]
    machines.sort(key=lambda each: (each[0], min(record.started_at for record in each[1])))
    return [
        _laptop(number, host, records, evidence)
        for number, (host, records, evidence) in enumerate(machines)
    ]


def _usable(records: Iterable[Record]) -> Iterator[Record]:
    return (record for record in records if record.experiment.framework in FRAMEWORKS)


def _host(record: Record) -> Host:
    return runs.host(record.machine)


def _laptop(number: int, host: Host, records: Sequence[Record], evidence: Evidence) -> Laptop:
    groups = tuple(runs.replicates(records, evidence))
    return Laptop(letter=letter(number), host=host, groups=groups)


def letter(number: int) -> str:
    """A, B, ... Z, AA, AB and so on, of 0, 1 and so on."""
    before, rest = divmod(number, 26)
    return (letter(before - 1) if before else "") + chr(ord("A") + rest)


# Their ratios


def subjects(class_: Sequence[Laptop]) -> list[Subject]:
    """What was run on the laptops, first what most of them ran; without PyTorch there is none."""
    found: dict[Condition, list[tuple[Laptop, Comparison, Replicates]]] = {}
    for laptop in class_:
        for comparison in comparisons(laptop.groups, FRAMEWORK):
            baseline = _baseline(comparison)
            if baseline is not None:
                entries = found.setdefault(_condition(comparison), [])
                if all(laptop is not other for other, _, _ in entries):
                    entries.append((laptop, comparison, baseline))
    made = [_subject(entries) for entries in found.values()]
    # what was trained to the end is what most come for; the smallest network stands first
    return sorted(
        (subject for subject in made if subject.ratios),
        key=lambda each: (
            -len(each.baselines),
            each.comparison.experiment.goal != "train",
            -len(each.ratios),
            each.comparison.experiment.task,
            _place(each.comparison.experiment.architecture),
            each.heading,
        ),
    )


def _place(architecture: str) -> int:
    names = list(ARCHITECTURES)
    return names.index(architecture) if architecture in names else len(names)


def _baseline(comparison: Comparison) -> Replicates | None:
    of_it = (g for g in comparison.measured if _contender(g.experiment) == BASELINE)
    return next(of_it, None)


def _contender(experiment: Experiment) -> Contender:
    return experiment.framework, experiment.execution


def _condition(comparison: Comparison) -> Condition:
    experiment = replace(comparison.experiment, framework="", execution="", targets=())
    return Condition(experiment=experiment, fingerprint=comparison.data.fingerprint)


def _subject(entries: Sequence[tuple[Laptop, Comparison, Replicates]]) -> Subject:
    ratios: dict[Contender, dict[str, Ratio]] = {}
    for laptop, comparison, baseline in entries:
        for group in comparison.measured:
            paired = verdict.compare(group, baseline, runs.throughput_images_per_s)
            if _contender(group.experiment) != BASELINE and paired is not None:
                ratio = Ratio(laptop=laptop, group=group, baseline=baseline, paired=paired)
                ratios.setdefault(ratio.contender, {}).setdefault(laptop.letter, ratio)
    return Subject(
        comparison=entries[0][1],
        baselines={laptop.letter: baseline for laptop, _, baseline in entries},
        ratios={each: _scored(list(of_it.values())) for each, of_it in ratios.items()},
    )


def _scored(ratios: Sequence[Ratio]) -> tuple[Ratio, ...]:
    """With how far each is from the class's median, on the log scale, where there are enough.

    One near the median, by ``SMALLEST`` or its own laptop's noise floor, is as the others are.
    """
    if len(ratios) < FEWEST:
        return tuple(ratios)
    logs = [math.log(ratio.paired.ratio) for ratio in ratios]
    middle = median(logs)
    scored = zip(ratios, logs, modified_z(logs), strict=True)
    return tuple(
        replace(ratio, z=z if abs(log - middle) > _near(ratio) else 0.0) for ratio, log, z in scored
    )


def _near(ratio: Ratio) -> float:
    """How far from the median, as a log-ratio, it may be and is near it."""
    floor = ratio.laptop.noise_floors.get(ratio.group.experiment.device, 0.0)
    return math.log(max(1 + floor, SMALLEST))


# Who is odd, and why


@dataclass(frozen=True, kw_only=True)
class Oddity:
    """A laptop with a ratio that is far from the class's."""

    laptop: Laptop
    subject: Subject
    ratio: Ratio  # the farthest
    others: int  # ratios of it that are far off too
    reasons: tuple[str, ...]  # what of it is not as on most laptops; empty: nothing that was seen


def oddities(class_: Sequence[Laptop], made: Sequence[Subject]) -> list[Oddity]:
    """Every odd laptop once, with what may explain it, in the order of the letters."""
    found: dict[str, list[tuple[Subject, Ratio]]] = {}
    for subject in made:
        for ratio in (ratio for of_it in subject.ratios.values() for ratio in of_it):
            if ratio.odd:
                found.setdefault(ratio.laptop.letter, []).append((subject, ratio))
    return [_oddity(class_, found[laptop.letter]) for laptop in class_ if laptop.letter in found]


def _oddity(class_: Sequence[Laptop], far: Sequence[tuple[Subject, Ratio]]) -> Oddity:
    subject, ratio = max(far, key=lambda each: abs(each[1].z or 0.0))
    return Oddity(
        laptop=ratio.laptop,
        subject=subject,
        ratio=ratio,
        others=len(far) - 1,
        reasons=explain(class_, ratio),
    )


def explain(class_: Sequence[Laptop], ratio: Ratio) -> tuple[str, ...]:
    """What of a ratio's laptop is not as on most, and has to do with it; each thing once."""
    laptop, contenders = ratio.laptop, (ratio.contender, BASELINE)
    reasons = (*_unlike_most(class_, laptop, contenders), *_unsteady(class_, laptop))
    return tuple(dict.fromkeys(reasons))


def _unlike_most(
    class_: Sequence[Laptop], laptop: Laptop, contenders: Iterable[Contender]
) -> Iterator[str]:
    """Each fact of a laptop that is another on more than half of those that tell it."""
    for contender in contenders:
        own = laptop.facts(contender)
        told = [other.facts(contender) for other in class_]
        for name, value in own.items():
            values = Counter(facts[name] for facts in told if name in facts)
            usual, count = values.most_common(1)[0]
            if value != usual and 2 * count > values.total() >= FEWEST:
                of = "" if name in COMMON else f" of {' '.join(contender)}"
                yield f"{name}{of}: {value}, on most laptops {usual}"


def _facts(record: Record) -> Iterator[tuple[str, str]]:
    yield "system", record.machine.system.partition(" ")[0]
    threads = record.settings.get("threads", "")
    if threads.isdigit():
        yield "threads", _threads(int(threads), record.machine.cores)
    for setting, name in SETTINGS.items():
        if setting in record.settings:
            yield name, record.settings[setting]
    for package, version in record.versions.items():
        yield f"version of {package}", ".".join(version.split(".")[:2])


def _threads(threads: int, cores: int) -> str:
    """In words that machines of any size share."""
    if threads == cores:
        return "one for each processor"
    if 2 * threads == cores:
        return "one for every two processors"  # one for each core with hyper-threading
    return f"{threads} for {cores} processors"


def _unsteady(class_: Sequence[Laptop], laptop: Laptop) -> Iterator[str]:
    if laptop.disturbed:
        yield (
            f"disturbed: other programs or heat held up {laptop.disturbed} of its "
            f"{len(laptop.measured)} runs"
        )
    for device, floor in laptop.noise_floors.items():
        floors = [o.noise_floors[device] for o in class_ if device in o.noise_floors]
        high = floor > NOISY * median(floors)
        if high and len(floors) >= FEWEST:
            yield (
                f"noise floor: {wording.percent(floor, 1)}, the class's median "
                f"{wording.percent(median(floors), 1)}"
            )
