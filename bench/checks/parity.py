"""``python -m bench parity``: certificates that frameworks do the same work as the referee.

    python -m bench parity                                    # every framework here
    python -m bench parity --framework pytorch,numpy --architecture mlp
    python -m bench parity --precision bf16 --out results/NAME

The exit code is 0 where every check passes, 1 where one does not, 2 where it was asked wrongly.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence

import datasets
import models
from bench import UsageError
from bench.checks import trial
from bench.checks.certify import GLYPHS, TIMEOUT_S, CertificateSite, certificates
from bench.checks.trial import Subject
from bench.cli import EXECUTIONS, PRECISIONS, add_option
from bench.experiment import PARALLEL
from bench.machine import hardware
from bench.machine.devices import choose_devices, with_precision
from bench.presets import ALL_EXECUTIONS, Grid, TaskSource, expand
from bench.results.evidence import Certificate, Check
from bench.results.folder import Results, ResultsError
from bench.run import interpreters, replicas
from bench.run.door import parser_of
from bench.run.progress import StageDisplay
from bench.run.reading import list_of, one_of
from bench.trainers import FRAMEWORKS

# A certificate as it is printed.


def in_words(certificate: Certificate) -> str:
    """The whole of it: subject, versions, images, a line a check, the reasons, the verdict."""
    return "\n".join(_lines(certificate)) + "\n"


def _lines(certificate: Certificate) -> Iterator[str]:
    yield f"{'PASS' if certificate.passed else 'FAIL'}  {trial.of(certificate)}"
    yield f"  with {', '.join(f'{name} {v}' for name, v in certificate.versions.items())}"
    if certificate.failure is not None:
        yield f"  could not be checked: {certificate.failure}"
        return
    yield f"  on {certificate.data}{_started(certificate)}"
    yield f"  {'quantity':36} {'deviation':>10} {'tolerance':>10}"
    yield from map(_line, certificate.checks)
    reasons: dict[str, list[str]] = {}
    for check in certificate.checks:
        reasons.setdefault(check.reason, []).append(check.quantity)
    for reason, quantities in reasons.items():
        yield f"  tolerance of {quantities[0]}{_others(quantities)}: {reason}"


def _started(certificate: Certificate) -> str:
    """Words for a certificate that is not of the first start alone; else empty."""
    if certificate.starts == 1:
        return ""
    return f", from {certificate.starts} starts: of each quantity the smallest deviation"


def _line(check: Check) -> str:
    verdict = "pass" if check.passed else "FAIL"
    return f"  {check.quantity:36} {check.deviation:10.1e} {check.tolerance:10.1e}  {verdict}"


def _others(quantities: Sequence[str]) -> str:
    return f" and {len(quantities) - 1} more" if len(quantities) > 1 else ""


def conclusion(certificates: Sequence[Certificate]) -> str:
    """How many passed, and which did not."""
    failed = [str(trial.of(certificate)) for certificate in certificates if not certificate.passed]
    passed = f"{len(certificates) - len(failed)} of {len(certificates)} certificates pass"
    return f"{passed}; not: {'; '.join(failed)}" if failed else f"{passed}."


def main(argv: Sequence[str]) -> int:
    """Examine what was asked for, print each certificate as it comes, return the exit code."""
    options = _parser().parse_args(argv)
    try:
        chosen = subjects(options)
        site = _site(options, {subject.framework for subject in chosen})
        results = None if options.out is None else Results(options.out)
        with contextlib.nullcontext() if results is None else results.lock():
            return _examine(results, chosen, site)
    except (UsageError, ResultsError, datasets.DataError) as error:
        print(f"bench parity: error: {error}", file=sys.stderr)
        return 2


def _examine(results: Results | None, chosen: Sequence[Subject], site: CertificateSite) -> int:
    examined = []
    for certificate in certificates(chosen, site):
        print(in_words(certificate), flush=True)  # each framework takes seconds
        examined.append(certificate)
        if results is not None:
            results.save_certificate(certificate)
    print(conclusion(examined))
    return 0 if all(certificate.passed for certificate in examined) else 1


def subjects(options: argparse.Namespace) -> list[Subject]:
    """All that was asked for and is offered, each once.

    What a GPU does not compute in is left out, and said to be.
    Raises UsageError where nothing is left, or for a device or processors that are not there.
    """
    here = hardware.observe()
    hardware.check_threads(options.threads)
    grid = Grid(
        tasks=(options.task,),
        architectures=options.architecture,
        frameworks=options.framework,
        executions=options.execution if options.replicas is None else (PARALLEL,),
        devices=choose_devices(options.devices, here),
        precisions=options.precision,
        threads=options.threads or (None,),
        replicas=options.replicas or (1,),
    )
    images = TaskSource(task=options.task, source="", targets=())
    expanded = expand([grid], [images], {})
    replicas.check(expanded, here)
    offered = list(dict.fromkeys(map(trial.of, expanded)))
    able, left_out = with_precision(offered, options.precision, here)
    if not able:
        why = left_out or [
            "no framework chosen offers the execution, device and precision asked for"
        ]
        raise UsageError(f"nothing to check: {' '.join(why)}")
    for sentence in left_out:
        print(sentence, file=sys.stderr)
    return able


def _site(options: argparse.Namespace, frameworks: set[str]) -> CertificateSite:
    """The images and interpreters; raises DataError and UsageError for what cannot be used."""
    offered = [source.name for source in datasets.TASKS[options.task].sources]
    if options.source not in (None, *offered):
        raise UsageError(
            f"--source {options.source}: {options.task} has no such source; "
            f"choose from {', '.join(offered)}"
        )
    with StageDisplay() as show:
        prepared = datasets.prepare(
            options.task,
            source=options.source,
            data_dir=options.data_dir,
            glyphs_images=GLYPHS,
            progress=show,
        )
    for note in prepared.notes:
        print(note, file=sys.stderr)
    return CertificateSite(
        data_folder=prepared.folder,
        versions={name: interpreters.versions_of(name, options.pythons) for name in frameworks},
        pythons=options.pythons,
        timeout_s=options.timeout_s,
    )


def _parser() -> argparse.ArgumentParser:
    parser = parser_of(
        "python -m bench parity",
        "Put frameworks beside a NumPy float64 referee and certify equal work.",
        "--framework pytorch,numpy --architecture mlp",
        "--precision bf16 --out results/mine",
    )
    for name, known, default in (
        ("framework", tuple(FRAMEWORKS), tuple(FRAMEWORKS)),
        ("execution", EXECUTIONS, (ALL_EXECUTIONS,)),
        ("architecture", models.COMPARED, models.COMPARED),
        ("precision", PRECISIONS, ("fp32",)),
    ):
        parser.add_argument(
            f"--{name}",
            type=list_of(name, known),
            default=default,
            metavar=name.upper(),
            help=f"of {', '.join(known)} (default: {', '.join(default)})",
        )
    add_option(parser, "devices")
    add_option(parser, "threads")
    add_option(parser, "replicas", help="certify the execution data-parallel with so many of them")
    parser.add_argument("--task", type=one_of("task", tuple(datasets.TASKS)), default="digits")
    add_option(parser, "source", type=str)  # known or not: judged when the task is known
    add_option(parser, "data_dir")
    add_option(parser, "pythons")
    add_option(
        parser,
        "timeout_s",
        default=TIMEOUT_S,
        help=f"seconds for each network of a framework (default: {TIMEOUT_S:g})",
    )
    add_option(parser, "out", help="results folder to leave the certificates in")
    return parser
