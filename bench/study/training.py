"""Training: loss and accuracy by epoch, of training and validation images, and the best epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import fmean
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench.experiment import Experiment, in_file_name
from bench.report import wording
from bench.report.plots import style
from bench.report.plots.curves import Curve, draw_seeds, stretches
from bench.report.tables.table import Table, fact_table
from bench.results.record import Data, Evaluation, Record
from bench.stats import runs
from bench.stats.runs import Replicates
from bench.study.artifact import (
    Artifact,
    Picture,
    Study,
    Tables,
    distinct_titles,
    facts,
    known,
    numbered,
)
from bench.study.pictures import chart

TITLE = "Training"
NEEDS = "a run that ended well"

VALIDATION, TRAINING = style.LOOKS[0], style.LOOKS[1]
RECIPE = ("architecture", "framework", "device", "augmented", "batch_size", "epochs")
CONDITIONS = (
    "batch_size",
    "epochs",
    "optimizer",
    "learning_rate",
    "validation_share",
    "augmentation",
)


def make(study: Study) -> Iterator[Artifact]:
    """A picture for each experiment, then a table of all runs."""
    groups = [group for group in study.groups if evaluated(group.measured)]
    if not groups:
        return
    best = max(groups, key=_validated)
    names = numbered(map(_name, groups), "-no")
    titles = distinct_titles([g.experiment for g in groups], partial(_title, groups[0].data))
    for name, title, group in zip(names, titles, groups, strict=True):
        yield _picture(name, title, group, main=group is best)
    yield _table(study)


def finding(tables: Tables) -> str:
    """Who learns best by the validation images, when, and what did not end well."""
    rows = facts(tables, "training_runs")
    by_recipe: dict[tuple[object, ...], list[dict[str, Any]]] = {}
    for row in (dict(row) for row in rows if known(row["validation_accuracy"])):
        by_recipe.setdefault(tuple(row[name] for name in RECIPE), []).append(row)
    if not by_recipe:
        return ""
    best = max(by_recipe.values(), key=_mean_validation)
    first, kept = best[0], sorted(row["best_epoch"] for row in best)
    ending = ", augmented" if first["augmented"] == "yes" else ""
    epochs = f"{kept[0]:.3g}" if kept[0] == kept[-1] else f"{kept[0]:.3g} to {kept[-1]:.3g}"
    seeds = f" (mean of {len(best)} seeds)" if len(best) > 1 else ""
    failed = sum(row["ended"] != "well" for row in rows)
    return (
        f"{first['architecture']} in {first['framework']}{ending} has the highest validation "
        f"accuracy, {wording.percent(_mean_validation(best))}{seeds}; its validation loss is "
        f"lowest after epoch {epochs} of {first['epochs']:g}."
        + (f" {failed} of {len(rows)} runs did not end well." if failed else "")
    )


def _mean_validation(rows: Sequence[dict[str, Any]]) -> float:
    return fmean(row["validation_accuracy"] for row in rows)


def _validated(group: Replicates) -> float:
    """The mean validation accuracy of the kept checkpoints; of none 0."""
    kept = [best.accuracy for record in group.measured if (best := _best(record))]
    return fmean(kept) if kept else 0.0


def _name(group: Replicates) -> str:
    experiment = group.experiment
    framework = f"{experiment.framework}-{experiment.execution}"
    ending = "_augmented" if experiment.augmentation else ""
    device = in_file_name(experiment.device)
    return f"training_{experiment.architecture}_{framework}_{device}{ending}"


def _title(data: Data, experiment: Experiment) -> str:
    return f"Training: {wording.subject(experiment, data)}, {wording.framework(experiment)}"


# Curves by epoch: read from records, and drawn seed by seed

Reading = Callable[[Evaluation], float | None]


def evaluated(records: Sequence[Record]) -> list[Record]:
    """Those that ended well and read the validation set."""
    return [record for record in records if _evaluations(record)]


def _evaluations(record: Record) -> tuple[Evaluation, ...]:
    """None where the run did not end well."""
    return record.measurement.evaluations if record.measurement else ()


def curves(records: Sequence[Record], reading: Reading) -> list[Curve]:
    """A curve a record: epochs and what was read at each evaluation; empty where one lacks it."""
    return [_curve(record, reading) for record in records]


def _curve(record: Record, reading: Reading) -> Curve:
    points = [
        (_epochs(record, evaluation), reading(evaluation)) for evaluation in _evaluations(record)
    ]
    known = [(x, y) for x, y in points if y is not None]
    return known if len(known) == len(points) else []


def _epochs(record: Record, evaluation: Evaluation) -> float:
    """Epochs trained when it was made."""
    return evaluation.images_seen / record.data.train_images


def _best(record: Record) -> Evaluation | None:
    """The evaluation whose weights were kept and tested: the lowest validation loss."""
    test = record.measurement.test if record.measurement else None
    return _evaluations(record)[test.evaluation] if test else None


def epoch_axis(axes: Axes) -> None:
    """The horizontal axis: whole epochs, unless there are only parts of one."""
    axes.set_xlabel("epochs")
    if axes.get_xlim()[1] > 2:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _mark_best(
    axes: Axes, records: Sequence[Record], reading: Callable[[Evaluation], float]
) -> None:
    """A star where each seed's checkpoint was kept."""
    kept = [(record, best) for record in records if (best := _best(record))]
    axes.plot(
        [_epochs(record, best) for record, best in kept],
        [reading(best) for _, best in kept],
        linestyle="none",
        marker="*",
        markersize=19,
        color="white",
        markeredgecolor="black",
        label="kept checkpoint: the lowest validation loss" if kept else None,
        zorder=5,
    )


# The pictures


def _picture(name: str, title: str, group: Replicates, *, main: bool) -> Picture:
    records = evaluated(group.measured)
    figure, (loss, accuracy) = style.page(2)
    _draw_losses(loss, records)
    _draw_accuracies(accuracy, records)
    return chart(
        figure,
        _notes(group, records),
        name=name,
        title=title,
        caption=_caption(records),
        main=main,
    )


def _draw_losses(axes: Axes, records: Sequence[Record]) -> None:
    """Training: of the sample of training images, else of the stretches of training themselves."""
    training, label = curves(records, lambda evaluation: evaluation.training_loss), "training"
    if not _sampled(records):
        training = [stretches_of(record) for record in records]
        label = "training, while it changes"
    draw_seeds(axes, training, TRAINING, label)
    _draw_validation(axes, records, lambda evaluation: evaluation.loss)
    axes.set(ylabel="loss (cross-entropy, nats, log scale)", title="Loss", yscale="log")
    style.log_ticks(axes.yaxis)


def stretches_of(record: Record) -> Curve:
    """Epochs and mean training loss of each stretch; none where the run did not end well."""
    return stretches(record.measurement, record.data.train_images) if record.measurement else []


def _draw_accuracies(axes: Axes, records: Sequence[Record]) -> None:
    draw_seeds(axes, curves(records, _training_accuracy), TRAINING, "training")
    _draw_validation(axes, records, validation_accuracy)
    axes.set(ylabel="accuracy (%)", title="Accuracy")


def _draw_validation(
    axes: Axes, records: Sequence[Record], reading: Callable[[Evaluation], float]
) -> None:
    draw_seeds(axes, curves(records, reading), VALIDATION, "validation")
    _mark_best(axes, records, reading)
    epoch_axis(axes)


def validation_accuracy(evaluation: Evaluation) -> float:
    """In percent."""
    return 100 * evaluation.accuracy


def _training_accuracy(evaluation: Evaluation) -> float | None:
    fraction = evaluation.training_accuracy
    return None if fraction is None else 100 * fraction


def _sampled(records: Sequence[Record]) -> bool:
    """Whether training images were read at the evaluations."""
    return all(curves(records, lambda evaluation: evaluation.training_loss))


def _notes(group: Replicates, records: Sequence[Record]) -> list[str]:
    seeds = ", ".join(str(record.seed) for record in records)
    lines = f"Thin: seeds {seeds}; bold: their mean." if len(records) > 1 else f"Seed {seeds}."
    conditions = wording.conditions(group.experiment, CONDITIONS)
    device = wording.device(group.experiment.device)
    return [*wording.notices([group.data]), f"On {device}: {conditions}.", lines]


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
        "the network begins to overfit."
    )


# The table


def _table(study: Study) -> Table:
    return fact_table(
        name="training_runs",
        title=f"All runs: {study.subject}",
        explanation=(
            "A row a run. The best epoch is the one with the lowest validation loss; its weights "
            "are the ones that are tested, once. Training seconds are those of all epochs, "
            "without reading the validation set and without making augmented images, whose "
            "seconds stand apart."
        ),
        rows=[_row(group, r) for group in study.groups for r in group.records],
        formats={
            "g": ("epochs",),
            ".3g": ("best_epoch",),
            ".2%": ("validation_accuracy", "test_accuracy"),
            ",.1f": ("train_s", "augmentation_s"),
        },
    )


def _row(group: Replicates, record: Record) -> dict[str, object]:
    best, experiment = _best(record), group.experiment
    return {
        "architecture": wording.architecture(experiment.architecture),
        "framework": wording.framework(experiment),
        "device": wording.device(experiment.device),
        "augmented": "yes" if experiment.augmentation else "no",
        "batch_size": experiment.batch_size,
        "seed": record.seed,
        "epochs": experiment.epochs,
        "best_epoch": best and _epochs(record, best),
        "validation_accuracy": best and best.accuracy,
        "test_accuracy": runs.test_accuracy(record),
        "train_s": runs.train_s(record),
        "augmentation_s": runs.phase_s(record, "augmentation_s"),
        "ended": "well" if record.status == "ok" else wording.failure(record),
    }
