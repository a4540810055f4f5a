"""Lessons on speed: what a GPU, a batch, a compiler, a processor and a precision buy."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Ranking, comparisons, only, ranking
from bench.report.lessons.lesson import (
    GOALS,
    PRESET_ON_GPU,
    USUAL_BATCH,
    Lesson,
    Measured,
    Textbook,
    Truth,
    as_expected,
    mean_of,
    not_measured,
    question,
    times,
)
from bench.results.evidence import EnsembleTimes
from bench.results.record import Record
from bench.stats import costs, runs, verdict
from bench.stats.runs import Replicates
from bench.trainers import FRAMEWORKS
from models import cost

Pair = tuple[Replicates, Replicates]

SMALL_BATCH, LARGE_BATCH = 20, 8 * USUAL_BATCH
MANY_STEPS = 100_000
MEMBERS, WIDTHS = 16, (64, 128)
CNN: dict[str, Any] = {"architecture": "cnn"}


def device(folder: Measured) -> Lesson:
    """CPU or GPU for a small network and a small batch."""
    gpu = folder.accelerator
    small: dict[str, Any] = {"batch_size": SMALL_BATCH}
    on_both = (small | {"device": gpu}, small | {"device": "cpu"})
    trained = folder.pair(*on_both) if gpu else None
    group = next(filter(None, (folder.find(goal, **small) for goal in GOALS)), None)
    return Lesson(
        id="device",
        title="CPU or GPU for a small MLP at batch 20",
        explanation=(
            "A step on 20 images is little work. Python and the framework take about as long to "
            "hand it out as the device takes to do it; meanwhile a GPU waits, and so does most of "
            "a CPU. A GPU pays where a step has much to do: large batches, wide layers, "
            "convolutions."
        ),
        questions=(
            question(
                "device",
                f"A step of the MLP trains on {SMALL_BATCH} images. How many times as many images "
                f"a second does {_name(folder)} train on the GPU as on the CPU?",
                Textbook(
                    low=10,
                    high=100,
                    says="A GPU does ten to a hundred times as many operations a second as a CPU, "
                    "so it trains as many times as fast.",
                ),
                times(trained, ("GPU", "CPU")),
                why=_waiting(trained),
                missing=not_measured(
                    PRESET_ON_GPU, "This folder has no such runs on a GPU. On a machine with one"
                ),
            ),
            question(
                "device-again",
                f"{_name(folder)} trains the MLP at batch size {SMALL_BATCH} on the "
                f"{wording.device(folder.device)}. How much of the most operations a second that "
                "this device can do does that reach?",
                Textbook(
                    low=50,
                    high=100,
                    says="The device is busy all the time, so most of what it can do is done.",
                ),
                _share_of_peak(group),
                why=_step_and_peak(group),
                unit="%",
                logarithmic=False,
            ),
        ),
    )


def batch(folder: Measured) -> Lesson:
    """Eight times the batch."""
    sizes = [{"batch_size": size} for size in (LARGE_BATCH, USUAL_BATCH)]
    names = [f"batch size {size['batch_size']:,}" for size in sizes]
    mlp = folder.pair(*sizes)
    cnn = folder.pair(*(CNN | size for size in sizes))
    return Lesson(
        id="batch",
        title="Eight times the batch",
        explanation=(
            "A batch of 1,024 has eight times the work of one of 128. A GPU has places for it that "
            "were empty before. A few cores are full much earlier, and from there on more images "
            "take as much longer. And images a second are not all: with eight times the batch an "
            "epoch has an eighth of the updates."
        ),
        questions=(
            question(
                "batch",
                f"{_name(folder)} trains the MLP with {USUAL_BATCH} images a step, then with "
                f"{LARGE_BATCH:,}. How many times as many images a second are that?",
                Textbook(
                    low=2,
                    high=8,
                    says="A larger batch fills the device. If a step took no longer, eight times "
                    "the batch would be eight times the images a second.",
                ),
                times(mlp, names),
                why=_filled(mlp, names),
            ),
            question(
                "batch-again",
                "And with the CNN?",
                Textbook(
                    low=1,
                    high=8,
                    says="It is at least not slower: the same products, started less often.",
                ),
                times(cnn, names),
                why=_memory(cnn),
            ),
        ),
    )


def winner(folder: Measured) -> Lesson:
    """The framework that wins the MLP, on the CNN."""
    ranked = _mlp_ranking(folder)
    mlp = _first_and_rival(ranked)
    names = [wording.framework(group.experiment) for group in mlp or ()]
    ratio = times(mlp, names)
    says = "The faster framework is faster: about as many times as with the MLP on the digits."
    expected = as_expected(ratio, says)
    known = (
        f"{names[0]} trains the MLP fastest here: {wording.number(ratio.value)} times as fast as "
        f"{names[1]}."
        if ratio
        else "One framework trains the MLP fastest here."
    )
    cnn = _same_contenders(folder, mlp, **CNN)
    letters = _same_contenders(folder, mlp, elsewhere=True)
    return Lesson(
        id="winner",
        title="The framework that wins the MLP, on the CNN",
        explanation=(
            "There is no fastest framework. There are kernels: a product of matrices, a "
            "convolution, the gradient of a pooling, each written well or badly for this device. "
            "The MLP asks for one of them, the CNN for all. Other images of the same size change "
            "nothing."
        ),
        questions=(
            question(
                "winner",
                f"{known} How many times as fast as {names[1] if ratio else 'the next'} is it "
                "with the CNN?",
                expected,
                times(cnn, names),
                why=_why_convolutions(cnn),
            ),
            question(
                "winner-again",
                "And with the MLP on the letters in place of the digits?",
                expected,
                times(letters, names),
            ),
        ),
    )


def compiling(folder: Measured) -> Lesson:
    """When compiling pays."""
    pair = _compiled_pair(folder)
    base, compiled = pair or (None, None)
    names = [wording.framework(group.experiment) for group in (compiled, base) if group]
    epoch = costs.epoch_steps(base) if base else 0
    subject = (
        f"{names[0]} beside {names[1]}" if pair else "a compiled network beside one that is not"
    )

    def ahead(steps: int) -> Truth | None:
        """How many times as soon the compiled one is done, from the cold start."""
        return times(pair, names[::-1], partial(_after_s, steps=steps), "s")

    return Lesson(
        id="compiling",
        title="When compiling pays",
        explanation=(
            "Compiling costs seconds before the first step, and gains a part of each step, if it "
            "gains anything. It pays after (seconds it costs) / (seconds it gains a step) steps. "
            + (_break_even(*pair) if pair else "")
        ).strip(),
        questions=(
            question(
                "compiling",
                f"The MLP is trained for one epoch{f', {epoch:,} steps' if epoch else ''}: "
                f"{subject}. From the start of the program to the last step, how many times as "
                "fast is the compiled one?",
                Textbook(low=1, high=2, says="Compiled code is faster code."),
                ahead(epoch),
                why=_start_and_step(base, compiled),
            ),
            question(
                "compiling-again",
                f"And for {MANY_STEPS:,} steps?",
                Textbook(
                    low=1.05,
                    high=3,
                    says="By then the start no longer counts, and the faster steps do.",
                ),
                ahead(MANY_STEPS),
                why=_start_and_step(base, compiled),
            ),
        ),
    )


def processors(folder: Measured) -> Lesson:
    """Twice the processors."""
    counts: list[dict[str, Any]] = [{"threads": count, "device": "cpu"} for count in (2, 1)]
    names = ("2 processors", "1 processor")
    cnn = folder.pair(*(CNN | count for count in counts))
    small = folder.pair(*({"batch_size": SMALL_BATCH} | count for count in counts))
    ratio = times(cnn, names)
    return Lesson(
        id="processors",
        title="Twice the processors",
        explanation=(
            "What can be divided is done in half the time, what cannot takes as long as before "
            "(Amdahl 1967), and handing out the parts and waiting for the slower one comes on "
            "top. Two logical processors may also be one core, whose arithmetic they share."
        ),
        questions=(
            question(
                "processors",
                f"{_name(folder)} trains the CNN at batch size {USUAL_BATCH}, confined to one "
                "processor and then to two. How many times as fast is it with two?",
                Textbook(
                    low=1.6,
                    high=2,
                    says="Twice the processors do nearly twice the work in the same time.",
                ),
                ratio,
                why=_steps(cnn, names),
            ),
            question(
                "processors-again",
                f"And with the MLP at batch size {SMALL_BATCH}?",
                as_expected(ratio, "Two processors are two processors: as with the CNN."),
                ratio and times(small, names),
                why=f"{_steps(small, names)} So short a step leaves little to divide.",
            ),
        ),
    )


def flop(folder: Measured) -> Lesson:
    """Five times the FLOP."""
    mlp = folder.pair({}, CNN)
    other = _slow_convolver(folder)
    elsewhere = folder.pair({"framework": other}, CNN | {"framework": other}) if other else None
    more = _more_flop(mlp or elsewhere)
    expected = as_expected(
        Truth(value=more, interval=None, evidence=""),
        f"{wording.number(more, 2)} times the operations take about as many times as long.",
    )
    names = ("MLP", "CNN")
    return Lesson(
        id="flop",
        title="Five times the FLOP",
        explanation=(
            "Operations are counted from the layers, time is not. How many operations a second are "
            "reached depends on how they lie: one large product of matrices is what processors are "
            "built for, many small ones are not, and what is done between them (pooling, ReLU, "
            "the optimiser) has hardly any operations and takes its time all the same."
        ),
        questions=(
            question(
                "flop",
                f"Training on an image takes the CNN {wording.number(more, 2)} times the "
                f"floating-point operations of the MLP. How many times as long does it take "
                f"{_name(folder)}, at batch size {USUAL_BATCH}?",
                expected,
                times(mlp, names),
                why=_reached(mlp, names),
            ),
            question(
                "flop-again",
                f"And in {other or 'another framework'}?",
                expected,
                times(elsewhere, names),
                why=f"{_reached(elsewhere, names)} {_slow(elsewhere)}".strip(),
            ),
        ),
    )


def ensemble(folder: Measured) -> Lesson:
    """Sixteen networks at once."""
    narrow, wide = (_timed(folder, width) for width in WIDTHS)
    first = _at_once(narrow)
    command = "python -m bench ensemble --out DIR"
    return Lesson(
        id="ensemble",
        title="Sixteen networks at once",
        explanation=(
            "One small network leaves most of a device idle, since most of its time goes into "
            "starting operations. Sixteen at once start as many operations as one, each sixteen "
            "times as large. That gains what was idle and no more: the wider the members, the "
            "fuller the device is already."
        ),
        questions=(
            question(
                "ensemble",
                f"{MEMBERS} networks of one hidden layer with {WIDTHS[0]} units are trained on the "
                "same batches, one after the other or all at once as batched products. How many "
                "times as fast is it at once?",
                Textbook(low=4, high=16, says="Sixteen for little more than the price of one."),
                first,
                why=(
                    f"A step of one network alone keeps {narrow.threads} threads at work already."
                    if narrow
                    else ""
                ),
                missing=not_measured(command),
            ),
            question(
                "ensemble-again",
                f"And with {WIDTHS[1]} hidden units each?",
                as_expected(first, "Networks of the same kind: as many times as before."),
                first and _at_once(wide),
                why="Wider members fill the device more by themselves, so less is left to gain.",
                missing=not_measured(command),
            ),
        ),
    )


def bf16(folder: Measured) -> Lesson:
    """Numbers of half the size."""
    both = [{"precision": precision} for precision in ("bf16", "fp32")]
    names = ("bf16", "fp32")
    mlp, cnn = folder.pair(*both), folder.pair(*(CNN | each for each in both))
    expected = Textbook(
        low=1.5,
        high=2.5,
        says="Half the bytes to move and twice the numbers in a register: up to twice as fast.",
    )
    return Lesson(
        id="bf16",
        title="bf16",
        explanation=(
            "bfloat16 has the range of float32 and 8 bits of precision. It is faster where the "
            "device multiplies it itself: tensor cores of a GPU, AMX or AVX512-BF16 of a "
            "processor. Elsewhere each number is widened before a product and rounded after it."
        ),
        questions=(
            question(
                "bf16",
                f"{_name(folder)} trains the MLP at batch size {USUAL_BATCH} in mixed precision "
                "with bfloat16. How many times as fast as in float32 is that?",
                expected,
                times(mlp, names),
                why=_peaks(mlp),
            ),
            question(
                "bf16-again",
                "And the CNN?",
                expected,
                times(cnn, names),
                why=_peaks(cnn),
            ),
        ),
    )


# What several of them say


def _name(folder: Measured) -> str:
    """The framework that most lessons are answered by, and how it executes."""
    framework = FRAMEWORKS[folder.framework]
    return f"{folder.framework} {framework.default_execution(folder.device)}"


def _share_of_peak(group: Replicates | None) -> Truth | None:
    """What training reached of the device's measured peak, in percent."""
    peak = costs.peak(group) if group else None
    if group is None or peak is None:
        return None
    reached = [costs.training_flop_per_s(record) for record in group.measured]
    shares = [100 * flop_per_s / peak.flop_per_s for flop_per_s in reached if flop_per_s]
    return mean_of(
        shares,
        f"{wording.spread(runs.summarize(reached), 1e-9, unit='GFLOP/s')} of "
        f"{wording.number(peak.flop_per_s * 1e-9)} GFLOP/s, as {peak.by} did at most.",
    )


def _filled(pair: Pair | None, names: Sequence[str]) -> str:
    """What of the peak each reached."""
    shares = [_share_of_peak(group) for group in pair or ()]
    listed = " and ".join(
        f"{share.value:.0f} % at {name}"
        for share, name in zip(shares, names, strict=False)
        if share
    )
    return (
        f"Of the most operations a second it reached {listed}: starting operations, which a larger "
        "batch spares, was a small part of a step."
        if listed
        else ""
    )


def _step_and_peak(group: Replicates | None) -> str:
    """What a step needs at the peak, and what it took."""
    peak = costs.peak(group) if group else None
    step = group.summary(runs.step_s) if group else None
    work = group.summary(_step_flop) if group else None
    if peak is None or step is None or work is None:
        return ""
    return (
        f"A step is {wording.number(work.mean * 1e-6)} MFLOP, "
        f"{wording.number(1000 * work.mean / peak.flop_per_s)} ms at the peak; it took "
        f"{wording.number(1000 * step.mean)} ms. The rest went into Python, the framework's calls "
        "and moving the weights."
    )


def _step_flop(record: Record) -> float | None:
    flop, images = costs.training_flop_per_image(record), runs.images_per_step(record)
    return None if flop is None or images is None else flop * images


def _steps(pair: Pair | None, names: Sequence[str]) -> str:
    """How long a step of each took."""
    each = [group.summary(runs.step_s) for group in pair or ()]
    listed = " and ".join(
        f"{wording.number(1000 * step.mean)} ms with {name}"
        for step, name in zip(each, names, strict=False)
        if step
    )
    return f"A step took {listed}." if listed else ""


def _waiting(pair: Pair | None) -> str:
    """How much of a step a GPU was only being given its work."""
    waited = pair[0].summary(costs.waiting) if pair else None
    names = ("the GPU", "the CPU")
    seen = f" The GPU waited for work in {wording.percent(waited.mean, 0)} of it." if waited else ""
    return f"{_steps(pair, names)}{seen}"


def _memory(pair: Pair | None) -> str:
    """What the process held with a large batch and with a small one."""
    held = [group.summary(runs.peak_process_memory_bytes) for group in pair or ()]
    large, *others = [f"{each.mean / wording.MIB:,.0f} MiB" for each in held if each] or [""]
    if pair is None or not others:
        return ""
    experiment = pair[0].experiment
    eager = experiment.framework == "pytorch" and experiment.device == "cpu"
    again = (
        " PyTorch also gives such memory back and fetches it anew in each step (docs/method.md, "
        "'PyTorch on the CPU')."
        if eager
        else ""
    )
    return (
        f"The process held {large} in place of {others[0]}: what one layer leaves to the next no "
        f"longer fits into the caches.{again}"
    )


# Who wins


def _usual_mlps(folder: Measured) -> list[Replicates]:
    """The MLP on the device at the usual batch size, in every framework and execution."""
    usual = {"batch_size": USUAL_BATCH, "precision": "fp32", "threads": None, "native": ()}
    return only(folder.groups, architecture="mlp", device=folder.device, **usual)


def _mlp_ranking(folder: Measured) -> Ranking | None:
    """The frameworks on the MLP, each as its users get it; None of fewer than two."""
    usual = [
        group
        for group in _usual_mlps(folder)
        if group.experiment.execution
        == FRAMEWORKS[group.experiment.framework].default_execution(folder.device)
    ]
    compared = comparisons(usual, FRAMEWORK, lambda each: len(each.groups) > 1)
    if not compared:
        return None
    widest = max(compared, key=lambda each: len(each.groups))
    return ranking(widest.groups, runs.throughput_images_per_s, best="highest")


def _first_and_rival(ranked: Ranking | None) -> Pair | None:
    """The fastest, and PyTorch; where that is the fastest, the next."""
    groups = [standing.group for standing in ranked.standings] if ranked else []
    others = only(groups[1:], framework="pytorch") + groups[1:]
    return (groups[0], others[0]) if others else None


def _same_contenders(
    folder: Measured, pair: Pair | None, *, elsewhere: bool = False, **wanted: Any
) -> Pair | None:
    """The same two frameworks on something else."""
    if pair is None:
        return None
    names = [{name: getattr(group.experiment, name) for name in FRAMEWORK} for group in pair]
    first, second = ({"elsewhere": elsewhere} | wanted | name for name in names)
    return folder.pair(first, second)


def _slow(pair: Pair | None) -> str:
    return wording.slow_convolutions(pair or ())


def _why_convolutions(pair: Pair | None) -> str:
    """Why one of two is slow at convolutions where that is known; else what both reached."""
    names = [wording.framework(group.experiment) for group in pair or ()]
    return _slow(pair) or _reached(pair, names)


def _slow_convolver(folder: Measured) -> str | None:
    """A framework whose convolutions are known to be slow; else another than the usual."""
    measured = dict.fromkeys(group.experiment.framework for group in only(folder.groups, **CNN))
    others = [name for name in measured if name != folder.framework]
    slow = [name for name in others if FRAMEWORKS[name].slow_convolutions]
    return next(iter(slow + others), None)


def _more_flop(pair: Pair | None) -> float:
    """How many times the operations an image costs the CNN; of ten classes without a pair."""
    classes = len(pair[0].data.class_names) if pair else 10
    mlp, cnn = (cost.training_flop(name, classes) or 0 for name in ("mlp", "cnn"))
    return cnn / mlp


def _reached(pair: Pair | None, names: Sequence[str]) -> str:
    """How many operations a second each reached."""
    each = [group.summary(costs.training_flop_per_s) for group in pair or ()]
    listed = " and ".join(
        f"{wording.number(reached.mean * 1e-9)} GFLOP/s with {name}"
        for reached, name in zip(each, names, strict=False)
        if reached
    )
    return f"It reached {listed}." if listed else ""


# Compiling


def _compiled_pair(folder: Measured) -> Pair | None:
    """The MLP as its users get it and compiled, on the device; PyTorch's where it was measured."""
    pairs = [
        (base, compiled)
        for comparison in comparisons(_usual_mlps(folder), FRAMEWORK)
        for base, compiled in costs.eager_and_compiled(comparison.groups)
        if compiled.experiment.execution == "compiled"
    ]
    ranks = list(FRAMEWORKS)
    return min(pairs, key=lambda pair: ranks.index(pair[0].experiment.framework), default=None)


def _after_s(record: Record, steps: int) -> float | None:
    """Seconds from the cold start to the end of so many steps."""
    start_s, step_s = runs.start_up_s(record), runs.step_s(record)
    return None if start_s is None or step_s is None else start_s + steps * step_s


def _start_and_step(base: Replicates | None, compiled: Replicates | None) -> str:
    """What compiling costs before the first step, and what a step takes."""
    first, second = (costs.mean_line(group) if group else None for group in (compiled, base))
    if first is None or second is None:
        return ""
    return (
        f"Compiled, the first step began after {wording.number(first.start_up_s)} s in place of "
        f"{wording.number(second.start_up_s)} s, and a step took "
        f"{wording.number(1000 * first.step_s)} ms in place of "
        f"{wording.number(1000 * second.step_s)} ms."
    )


def _break_even(base: Replicates, compiled: Replicates) -> str:
    """After how many steps compiling had paid."""
    even = costs.break_even(base, compiled)
    never = f"never in {even.never} of {wording.counted(len(even.leads), 'seed')}"
    if not even.paid:
        return f"Here it pays {never}."
    low, high = even.paid[0], even.paid[-1]
    among = f", {never}" if even.never else ""
    return f"Here it paid after {low:,.0f} to {high:,.0f} steps{among}."


# Ensembles and precision


def _timed(folder: Measured, width: int) -> EnsembleTimes | None:
    """The measurement of so many networks of this width."""
    every = folder.ensembling.timed if folder.ensembling else ()
    return next(
        (
            timed
            for timed in every
            if (timed.setting.members, timed.setting.width) == (MEMBERS, width)
            and timed.setting.batch_size == USUAL_BATCH
        ),
        None,
    )


def _at_once(timed: EnsembleTimes | None) -> Truth | None:
    """How many times as fast batched products are as one network after the other."""
    if timed is None:
        return None
    one_by_one, batched = timed.arm("one by one").rounds_s, timed.arm("batched").rounds_s
    paired = verdict.compare_arms(one_by_one, batched)
    steps = timed.setting.steps
    each = [
        f"{wording.number(1000 * sum(rounds) / len(rounds) / steps)} ms {name}"
        for rounds, name in ((one_by_one, "one after the other"), (batched, "at once"))
    ]
    return Truth(
        value=paired.ratio,
        interval=paired.interval,
        evidence=f"A step of all {MEMBERS} takes {' and '.join(each)}, "
        f"{wording.counted(len(batched), 'round')} on the {wording.device(timed.setting.device)}.",
    )


def _peaks(pair: Pair | None) -> str:
    """What the device does at most in each precision, and what training reached of it."""
    both = [(group.experiment.precision, costs.peak(group)) for group in pair or ()]
    most = " and ".join(
        f"{wording.number(peak.flop_per_s * 1e-9)} GFLOP/s in {precision}"
        for precision, peak in both
        if peak
    )
    peaks = f"Large products do {most} here at most. " if most else ""
    return f"{peaks}{_reached(pair, ('bf16', 'fp32'))} {_steps(pair, ('bf16', 'fp32'))}"
