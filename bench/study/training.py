"""Training: loss and accuracy by epoch, of training and validation images, and the best epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench.report import wording
from bench.report.plots import style
from bench.report.plots.curves import Curve, mean
from bench.report.plots.style import Look
from bench.results.record import Evaluation, Record
from bench.stats import runs
from bench.stats.runs import Replicates
from bench.study.artifact import Picture, Sheet, Study

# Curves of learning, by epoch: read from records, and drawn seed by seed.


Reading = Callable[[Evaluation], float | None]


def evaluated(records: Sequence[Record]) -> list[Record]:
    """Those that ended well and read the validation set."""
    return [one for one in records if one.measurement and one.measurement.evaluations]


def evaluations(record: Record) -> tuple[Evaluation, ...]:
    """Of a record; none where the run did not end well."""
    return record.measurement.evaluations if record.measurement else ()


def curves(records: Sequence[Record], reading: Reading) -> list[Curve]:
    """A curve a record."""
    return [curve(record, reading) for record in records]


def curve(record: Record, reading: Reading) -> Curve:
    """Epochs and what was read at each evaluation; empty where any lacks it."""
    points = [(epoch(record, seen), reading(seen)) for seen in evaluations(record)]
    known = [(x, y) for x, y in points if y is not None]
    return known if len(known) == len(points) else []


def stretches(record: Record) -> Curve:
    """Epochs at the middle of each stretch of training, and its mean loss.

    At the middle, since it is a mean over a network that changes meanwhile.
    """
    segments = record.measurement.segments if record.measurement else ()
    ends = accumulate(segment.images for segment in segments)
    return [
        ((end - segment.images / 2) / record.data.train_images, segment.train_loss)
        for end, segment in zip(ends, segments, strict=True)
    ]


def epoch(record: Record, seen: Evaluation) -> float:
    """Epochs trained when an evaluation was made."""
    return seen.images_seen / record.data.train_images


def best(record: Record) -> Evaluation | None:
    """The evaluation whose weights were kept and tested: the lowest validation loss."""
    test = record.measurement.test if record.measurement else None
    return evaluations(record)[test.evaluation] if test else None


def draw(axes: Axes, curves: Sequence[Curve], look: Look, label: str) -> None:
    """Each seed thin, their mean bold; nothing of no curves."""
    listed = [one for one in curves if one]
    if not listed:
        return
    for one in listed if len(listed) > 1 else ():
        axes.plot(*zip(*one, strict=True), color=look.colour, linewidth=0.9, alpha=0.5)
    axes.plot(
        *mean(listed),
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        markevery=1 + len(listed[0]) // style.MARKERS,
        label=label,
    )


def epochs(axes: Axes) -> None:
    """The horizontal axis: whole epochs, unless there are only parts of one."""
    axes.set_xlabel("epochs")
    if axes.get_xlim()[1] > 2:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def mark_best(axes: Axes, records: Sequence[Record], reading: Reading) -> None:
    """A star where each seed's checkpoint was kept."""
    kept = [(record, seen) for record in records if (seen := best(record))]
    values = [reading(seen) for _, seen in kept]
    if not kept or None in values:
        return
    axes.plot(
        [epoch(record, seen) for record, seen in kept],
        values,  # type: ignore[arg-type]  # none of them is None
        linestyle="none",
        marker="*",
        markersize=19,
        color="white",
        markeredgecolor="black",
        label="kept checkpoint: the lowest validation loss",
        zorder=5,
    )


TITLE = "Training"
NEEDS = "a run that ended well"

VALIDATION, TRAINING = style.LOOKS[0], style.LOOKS[1]
TOLD = ("batch_size", "epochs", "optimizer", "learning_rate", "validation_share", "augmentation")


def make(study: Study) -> Iterator[Picture | Sheet]:
    """A picture for each experiment, then a table of all runs."""
    shown = [group for group in study.groups if evaluated(group.measured)]
    if not shown:
        return
    for name, group in zip(_names(shown), shown, strict=True):
        yield _picture(name, group)
    yield _sheet(study.groups)


def _names(groups: Sequence[Replicates]) -> list[str]:
    """A file name for each; where experiments share one, they are numbered from the second on."""
    found: list[str] = []
    for group in groups:
        one = group.experiment
        ending = "_augmented" if one.augmentation else ""
        name = f"training_{one.architecture}_{one.framework}-{one.execution}_{one.device}{ending}"
        before = sum(known == name or known.startswith(f"{name}-no") for known in found)
        found.append(f"{name}-no{before + 1}" if before else name)
    return found


# The pictures


def _picture(name: str, group: Replicates) -> Picture:
    records = evaluated(group.measured)
    one = group.experiment
    ending = ", augmented" if one.augmentation else ""
    title = f"Training: {wording.subject(one, group.data)}, {wording.framework(one)}{ending}"
    with style.applied():
        figure, (loss, accuracy) = style.page(2)
        draw(loss, _training_loss(records), TRAINING, _training_label(records))
        draw(loss, curves(records, _loss), VALIDATION, "validation")
        of_training = curves(records, _training_accuracy)
        draw(accuracy, of_training, TRAINING, "training")
        draw(accuracy, curves(records, _accuracy), VALIDATION, "validation")
        mark_best(loss, records, _loss)
        mark_best(accuracy, records, _accuracy)
        loss.set(ylabel="loss (cross-entropy, nats, log scale)", title="Loss", yscale="log")
        style.log_ticks(loss.yaxis)
        accuracy.set(ylabel="accuracy (%)", title="Accuracy")
        epochs(loss)
        epochs(accuracy)
        style.frame(figure, (loss, accuracy), title, _notes(group, records))
    return Picture(name=name, title=title, caption=_caption(records), figure=figure)


def _loss(seen: Evaluation) -> float:
    return seen.loss


def _accuracy(seen: Evaluation) -> float:
    return 100 * seen.accuracy


def _training_accuracy(seen: Evaluation) -> float | None:
    known = seen.training_accuracy
    return None if known is None else 100 * known


def _training_loss(records: Sequence[Record]) -> list[Curve]:
    """Of the sample of training images, else of the stretches of training themselves."""
    if _sampled(records):
        return curves(records, lambda seen: seen.training_loss)
    return [stretches(record) for record in records]


def _sampled(records: Sequence[Record]) -> bool:
    """Whether training images were read at the evaluations."""
    return all(curves(records, lambda seen: seen.training_loss))


def _training_label(records: Sequence[Record]) -> str:
    return "training" if _sampled(records) else "training, while it changes"


def _notes(group: Replicates, records: Sequence[Record]) -> list[str]:
    seeds = ", ".join(str(record.seed) for record in records)
    said = f"Thin: seeds {seeds}; bold: their mean." if len(records) > 1 else f"Seed {seeds}."
    one = group.experiment
    how = f"On {wording.device(one.device)}: {wording.conditions(one, TOLD)}."
    return [*wording.notices([group.data]), how, said]


def _caption(records: Sequence[Record]) -> str:
    training = (
        "Training loss and accuracy are of a fixed sample of up to 5,000 training images, read "
        "beside the validation set: undistorted, with dropout off."
        if _sampled(records)
        else "The training loss is the mean over each stretch of training, of a network that "
        "changes meanwhile and drops units at random; the training accuracy was not read."
    )
    return (
        f"Loss and accuracy by epoch. {training} A star marks the checkpoint of a seed that is "
        "kept, saved and tested: that of the lowest validation loss. Where the two losses part, "
        "the network begins to learn by heart."
    )


# The table


def _sheet(groups: Sequence[Replicates]) -> Sheet:
    data = groups[0].data
    frame = pd.DataFrame([_row(group, record) for group in groups for record in group.records])
    return Sheet(
        name="training_runs",
        title=f"All runs: {wording.images(data)}",
        caption=(
            "A row a run. The best epoch is the one with the lowest validation loss; its weights "
            "are the ones that are tested, once. Training seconds are those of all epochs, "
            "without reading the validation set and without making augmented images, whose "
            "seconds stand apart."
        ),
        frame=frame,
        formats={
            "epochs": "g",
            "best_epoch": ".3g",
            "validation_accuracy": ".2%",
            "test_accuracy": ".2%",
            "train_s": ",.1f",
            "augmentation_s": ",.1f",
        },
    )


def _row(group: Replicates, record: Record) -> dict[str, object]:
    kept, one = best(record), group.experiment
    return {
        "architecture": wording.architecture(one.architecture),
        "framework": wording.framework(one),
        "device": wording.device(one.device),
        "augmented": "yes" if one.augmentation else "no",
        "batch_size": one.batch_size,
        "seed": record.seed,
        "epochs": one.epochs,
        "best_epoch": kept and epoch(record, kept),
        "validation_accuracy": kept and kept.accuracy,
        "test_accuracy": runs.test_accuracy(record),
        "train_s": runs.train_s(record),
        "augmentation_s": runs.phase_s(record, "augmentation_s"),
        "ended": "well" if record.status == "ok" else wording.failure(record),
    }
