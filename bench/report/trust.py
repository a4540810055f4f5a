"""Whether numbers can be trusted: equal work, an audited clock, equal settings, enough seeds."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from bench.experiment import Experiment
from bench.report import audit, wording
from bench.report.comparison import EXPERIMENT_FIELDS, FRAMEWORK
from bench.results.evidence import Certificate
from bench.results.record import Recheck, Record
from bench.run.environment import WITHHELD
from bench.stats.runs import Replicates
from models import COMPARED

HEADING = "## Can these numbers be trusted?"
MATCHED = "matched"
ONE_FRAMEWORK = "no other framework has this network"

# Every setting that rows are compared by -> the fields of an experiment that explain a
# difference: a reader who varies one of them has asked for it. Settings are what a run read back
# at its end (``bench.machine.settings``), not what it was told to do.
EXPLAINED_BY: Mapping[str, tuple[str, ...]] = {
    # what every trainer says of its framework
    "threads": ("threads", "replicas"),
    "precision": ("precision",),
    "TF32": ("precision", "device", "native"),
    "XLA": ("framework", "execution", "device"),
    "determinism": (),
    "memory layout": ("architecture", "device", "native"),
    "preallocation": ("device",),
    # what is read of the process and the machine
    "processors": ("threads",),
    "allocator": (),
    "CPU governor": (),
    "CPU boost": (),
    "GPU power limit": ("device",),
    "GPU throttle reasons": ("device",),
}
# Environment variables, which are all compared; where one is absent from a record it was not set.
# Those that are named here are explained by a field, or set for a framework by the harness.
VARIABLE = re.compile("[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|NPROC|PYTHONMALLOC")
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "CUDA_DEVICE_ORDER": ("device",),
    "CUDA_VISIBLE_DEVICES": ("device",),
    "GLYPHBENCH_CUDA_VISIBLE_DEVICES": ("device",),
    "GOMP_SPINCOUNT": ("framework", "execution"),
    "JAX_ENABLE_COMPILATION_CACHE": ("framework",),
    "KERAS_BACKEND": ("framework",),
    "MKL_NUM_THREADS": ("threads",),
    "OMP_NUM_THREADS": ("threads",),
    "OPENBLAS_NUM_THREADS": ("threads",),
    "TF_CPP_MIN_LOG_LEVEL": ("framework",),
    # which frameworks set themselves, once they are imported
    "KMP_INIT_AT_FORK": ("framework",),
    "TF_FORCE_GPU_ALLOW_GROWTH": ("framework",),
    "XLA_FLAGS": ("framework", "replicas"),
    "XLA_PYTHON_CLIENT_PREALLOCATE": ("framework",),
    "TORCHINDUCTOR_CACHE_DIR": ("framework",),  # of older records: it is no longer read
}
NOT_SET = "not set"
MOST_NAMES = 4  # rows that are named one by one

Values = dict[str, list[Replicates]]  # value of a setting -> the groups that had it


def paragraphs(groups: Sequence[Replicates], records: Sequence[Record]) -> Iterator[str]:
    """The section of a results folder's page: a heading, and a list of ``sentences``."""
    yield HEADING
    yield "\n".join(f"- {sentence}" for sentence in sentences(groups, records))


def sentences(groups: Sequence[Replicates], records: Sequence[Record]) -> Iterator[str]:
    """What was checked and what came out, warnings included.

    Args:
        groups: all runs, with the evidence that lies beside them.
        records: the same runs, one by one.
    """
    evidence = groups[0].evidence
    yield from matched_sentences(groups)
    yield from recheck_sentences(records)
    yield from audit.sentences(evidence.audit, records)
    yield from unasked_sentences(groups)
    yield from _environments(records)
    yield from _withheld(records)
    yield from _order(records)
    if evidence.suite.seeds_stopped:
        yield evidence.suite.seeds_stopped


def brief(groups: Sequence[Replicates], records: Sequence[Record]) -> Iterator[str]:
    """The same in a few lines, for a page that leads to ``sentences``."""
    evidence = groups[0].evidence
    measured, proven = _shown(groups)
    if measured:
        yield (
            f"Equal work is shown for {wording.all_or(len(proven), len(measured))} experiments, by "
            "a NumPy float64 referee."
        )
    yield from audit.brief(evidence.audit, records)
    unasked = dict.fromkeys(each.partition(":")[0] for each in unasked_sentences(groups))
    if unasked:
        yield f"Settings differ between rows though nobody asked for it: {', '.join(unasked)}."
    if evidence.suite.seeds_stopped:
        yield evidence.suite.seeds_stopped


# Equal work: the same in all frameworks, as certificates of parity show


def work(group: Replicates) -> str:
    """'matched', or 'not matched' with the reason."""
    reason = why_not(group)
    if reason in (None, ONE_FRAMEWORK):
        return reason or MATCHED
    return f"not matched: {reason}"


def why_not(group: Replicates) -> str | None:
    """Why the work of a group is not shown to be equal; None: it is."""
    if group.experiment.native:
        return f"left to the framework: {', '.join(group.experiment.native)}"
    if group.experiment.architecture not in COMPARED:
        return ONE_FRAMEWORK
    if group.certificate is None:
        return "certificate missing"
    return failing(group.certificate)


def failing(certificate: Certificate) -> str | None:
    """What a certificate holds against its subject, the worst check first; None: it passes."""
    if certificate.passed:
        return None
    if certificate.failure is not None:
        return f"could not be checked: {certificate.failure}"
    failed = [check for check in certificate.checks if not check.passed]
    if not failed:
        return "nothing was checked"
    worst = max(failed, key=lambda check: check.deviation / check.tolerance)
    more = f", and {wording.counted(len(failed) - 1, 'more check')}" if len(failed) > 1 else ""
    return (
        f"{worst.quantity} deviate by {worst.deviation:.1e}, tolerance {worst.tolerance:.1e}{more}"
    )


def unmatched_note(groups: Iterable[Replicates]) -> str:
    """A line for a plot that shows work which is not matched; empty where all of it is."""
    listed = _by_reason(groups, _unmatched_in_brief, lambda g: wording.framework(g.experiment))
    return f"Not matched: {listed}" if listed else ""


def _unmatched_in_brief(group: Replicates) -> str | None:
    certificate = group.certificate
    if group.experiment.native or certificate is None or certificate.passed:
        return why_not(group)
    return "certificate fails" if certificate.failure is None else "could not be checked"


def matched_sentences(groups: Sequence[Replicates]) -> Iterator[str]:
    """What the certificates of all measured runs amount to."""
    measured, proven = _shown(groups)
    if proven:
        subjects = ", ".join(dict.fromkeys(map(_subject, proven)))
        yield (
            f"Equal work is shown for {len(proven)} of {len(measured)} experiments: logits, "
            "gradients, optimiser steps, 20 training losses and the logits after them agree with "
            f"a NumPy float64 referee {_how_closely(proven)} (table 'certificates'). The "
            f"experiments: {subjects}."
        )
    if len(proven) < len(measured):
        yield (
            "Equal work is not shown for these, so a difference may come from the work and not "
            f"from the framework: {_by_reason(measured, why_not, _subject)}."
        )


def _shown(groups: Sequence[Replicates]) -> tuple[list[Replicates], list[Replicates]]:
    """The measured groups whose work could be compared, and those whose work is matched."""
    measured = [group for group in groups if group.measured and why_not(group) != ONE_FRAMEWORK]
    return measured, [group for group in measured if why_not(group) is None]


def _subject(group: Replicates) -> str:
    """'MLP in pytorch eager', and what is unusual about it."""
    experiment = group.experiment
    fields = ("device",) if experiment.device != "cpu" else ()
    unusual = wording.heading_conditions(experiment, fields, leave_out=("native",))
    network = wording.architecture(experiment.architecture)
    return ", ".join(filter(None, (f"{network} in {wording.framework(experiment)}", unusual)))


def _how_closely(groups: Iterable[Replicates]) -> str:
    if {group.experiment.precision for group in groups} == {"fp32"}:
        return "within tolerances that planted faults exceed"
    return (
        "as far as their precision allows: not every fault that shows in fp32 would show in a "
        "reduced one"
    )


def _by_reason(
    groups: Iterable[Replicates],
    why: Callable[[Replicates], str | None],
    named: Callable[[Replicates], str],
) -> str:
    """The measured groups that are not matched, by their reasons."""
    by_reason: dict[str, dict[str, None]] = {}
    for group in groups:
        reason = why(group)
        if reason is not None and reason != ONE_FRAMEWORK and group.measured:
            by_reason.setdefault(reason, {})[named(group)] = None
    return "; ".join(f"{', '.join(names)} ({reason})" for reason, names in by_reason.items())


# Asked again: what each run showed of its work after every clock had stopped


def recheck_sentences(records: Sequence[Record]) -> Iterator[str]:
    """What the runs' own checks amount to; nothing of runs that made none."""
    done = [(r.experiment, r.measurement) for r in records if r.measurement]
    counted = [m for _, m in done if m.steps_counted is not None]
    if counted:
        equal = sum(m.steps_counted == sum(s.steps for s in m.segments) for m in counted)
        yield (
            "The optimiser's own count of steps, read in "
            f"{wording.all_or(len(counted), len(done))} runs, was what was asked for in "
            f"{wording.all_or(equal, len(counted))}."
        )
    again = [(experiment, m.recheck) for experiment, m in done if m.recheck]
    if not again:
        return
    as_asked = sum(recheck.execution == experiment.execution for experiment, recheck in again)
    yield (
        f"After every clock had stopped {wording.all_or(len(again), len(done))} runs were asked "
        f"again: {wording.all_or(as_asked, len(again))} ran in the execution that their row "
        f"names{_answers(again)}."
    )
    told = [e.dropout for e, recheck in again if recheck.dropout_seen == e.dropout]
    on, off, untold = sum(told), len(told) - sum(told), len(again) - len(told)
    if told:
        parts = (
            f"on in {wording.counted(on, 'run')} that asked for it" if on else "",
            f"off in {wording.counted(off, 'run')} that did not" if off else "",
            f"not looked at in {untold}" if untold else "",
        )
        yield f"The loss of a step shows that dropout was {', '.join(filter(None, parts))}."


def _answers(again: Sequence[tuple[Experiment, Recheck]]) -> str:
    """The largest deviation of answers, by precision; empty where none has a referee."""
    largest: dict[str, float] = {}
    for experiment, recheck in again:
        if recheck.answers_deviation is not None:
            earlier = largest.get(experiment.precision, 0.0)
            largest[experiment.precision] = max(earlier, recheck.answers_deviation)
    listed = ", ".join(f"{most:.1e} in {precision}" for precision, most in largest.items())
    return (
        f", and answers were at most {listed} from those that a NumPy float64 referee gives with "
        "the same weights"
        if listed
        else ""
    )


def _withheld(records: Sequence[Record]) -> Iterator[str]:
    """Which of the user's variables the runs did not get."""
    names = {name for record in records for name in record.settings.get(WITHHELD, "").split()}
    if names:
        yield (
            "Withheld from the runs, since they would change what a framework does: "
            f"{', '.join(sorted(names))}."
        )


def _environments(records: Sequence[Record]) -> Iterator[str]:
    """Which framework ran in which environment; nothing where all shared one."""
    frameworks: dict[str, dict[str, None]] = {}  # in each environment, in the order of the records
    for record in records:
        if environment := record.settings.get("environment"):
            frameworks.setdefault(environment, {})[record.experiment.framework] = None
    if len(frameworks) > 1:
        listed = (f"{' and '.join(names)} in {where}" for where, names in frameworks.items())
        yield f"Environments of Python: {'; '.join(listed)}."


def _order(records: Sequence[Record]) -> Iterator[str]:
    """Whether the order of runs was drawn; nothing where it was not, or there was only one."""
    drawn = [record for record in records if record.position is not None]
    if any(record.position for record in drawn):
        yield (
            f"The order of {wording.all_or(len(drawn), len(records))} runs within their seed was "
            "drawn from the seed: none always came after the same other one."
        )


# Settings that differ between rows side by side without anybody having asked for it


def unasked_note(groups: Sequence[Replicates]) -> str:
    """What a section says of its rows; empty where nothing differs that should not."""
    return " ".join(f"{sentence}." for sentence in unasked_sentences(groups))


def unasked_sentences(groups: Sequence[Replicates]) -> Iterator[str]:
    """'threads: 2 in pytorch eager, 1 in keras-jax compiled: not asked for', one a setting.

    ``groups``: runs that stand side by side.
    """
    set_somewhere = {
        key: ()
        for group in groups
        for record in group.measured
        for key in record.settings
        if _is_variable(key)
    }
    for key, axes in {**EXPLAINED_BY, **dict(sorted(set_somewhere.items())), **VARIABLES}.items():
        for members in _alike(groups, axes):
            values = _values(members, key)
            if len(values) > 1:
                yield f"{key}: {_value_by_name(values)}: not asked for"


def _is_variable(key: str) -> bool:
    """Whether it is one that a run had; withheld ones did nothing, wherever they were set."""
    return VARIABLE.fullmatch(key) is not None and key != WITHHELD


def _alike(groups: Sequence[Replicates], axes: Collection[str]) -> list[list[Replicates]]:
    """The groups apart by what explains a difference."""
    alike: dict[tuple[object, ...], list[Replicates]] = {}
    for group in groups:
        key = tuple(getattr(group.experiment, axis) for axis in axes)
        alike.setdefault(key, []).append(group)
    return list(alike.values())


def _values(groups: Sequence[Replicates], key: str) -> Values:
    """Every value that the setting had, most common first; a run that did not tell has none."""
    values: Values = {}
    absent = NOT_SET if _is_variable(key) else None
    for group in groups:
        reported = [record.settings for record in group.measured if record.settings]
        for value in dict.fromkeys(settings.get(key, absent) for settings in reported):
            if value is not None:
                values.setdefault(value, []).append(group)
    return dict(sorted(values.items(), key=lambda item: -len(item[1])))


def _value_by_name(values: Values) -> str:
    names = {value: _names(groups, FRAMEWORK) for value, groups in values.items()}
    listed = [name for of_value in names.values() for name in of_value]
    if len(listed) > len(set(listed)):  # one name under two values: say what tells its rows apart
        fields = _varying([group for groups in values.values() for group in groups])
        names = {value: _names(groups, fields) for value, groups in values.items()}
    most, *others = names.items()  # rows that have what most have need not all be named
    many = f"{most[0]} in {_few(most[1])}"
    return ", ".join((many, *(f"{value} in {' and '.join(rows)}" for value, rows in others)))


def _few(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) <= MOST_NAMES else f"{len(names)} rows"


def _names(groups: Sequence[Replicates], fields: Collection[str]) -> list[str]:
    """A name a group, each once: framework and execution, and the other fields in words."""
    others = [field for field in fields if field not in FRAMEWORK]
    experiments = [group.experiment for group in groups]
    names = ((wording.framework(e), wording.conditions(e, others)) for e in experiments)
    return list(dict.fromkeys(", ".join(filter(None, name)) for name in names))


def _varying(groups: Sequence[Replicates]) -> list[str]:
    return [
        field
        for field in EXPERIMENT_FIELDS
        if len({getattr(group.experiment, field) for group in groups}) > 1
    ]
