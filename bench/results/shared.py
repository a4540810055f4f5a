"""One small file of a results folder, to be handed on: what compares it, and nobody's names.

``NAME.glyphbench.json.gz``: gzip, in it JSON with a version and the checksum of every other file.
What is measured is kept raw. A text is kept where it can name no person, path, host or user: of a
list known here, and of a plain form. The same is done again on reading, since such a file comes
from other people; so a text in it is never more than plain words.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from bench.results.evidence import NAMES, Audit, Certificate, Evidence, unsound
from bench.results.record import Gpu, Inference, Machine, Measurement, Pulse, Record, encode
from bench.results.sound import WORD, RecordError, parse, problems
from datasets import TASKS

ENDING = ".glyphbench.json.gz"
ENDINGS = (ENDING, ".glyphbench.json")  # some browsers unpack what they fetch
SCHEMA_VERSION = 1
MOST_BYTES = 64 * 2**20  # unpacked: sixty times the reference run
MOST_PACKED_BYTES = 16 * 2**20
MOST_RECORDS = 20_000
SAMPLE_DIGITS = 8  # decimals of a call's seconds: 10 ns, below the smallest step of the clocks
UNKNOWN_CPU = "a processor"

# Settings that explain a difference and are words of frameworks and systems, never of users.
SETTINGS = frozenset(
    {
        "threads",
        "threads chosen by",
        "precision",
        "TF32",
        "XLA",
        "compiler",
        "determinism",
        "memory layout",
        "preallocation",
        "optimiser",
        "processors",
        "allocator",
        "CPU governor",
        "CPU boost",
        "CPU clock",
        "GPU clock",
        "GPU memory clock",
        "GPU power limit",
        "GPU throttle reasons",
    }
)
_PLAIN = re.compile(r"[A-Za-z0-9(][A-Za-z0-9 .,;+()@®™_-]{0,79}")  # no path, no quote, no tag
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_VERSION = re.compile(r"([0-9]+(?:\.[0-9]+)*(?:(?:a|b|rc|\.post)[0-9]+)?)(\+(?:cpu|cu[0-9]+))?")
_SYSTEM = re.compile(r"(Linux|Darwin|Windows) ([0-9]+(?:\.[0-9]+)?)?")
_KIND = re.compile(r"(x86_64|AMD64|aarch64|arm64)$")


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What a results folder tells others."""

    records: tuple[Record, ...]  # at least one
    audit: Audit | None = None  # its arms, peaks and timer
    certificates: tuple[Certificate, ...] = ()  # what was checked, and what came out
    schema_version: int = SCHEMA_VERSION

    @property
    def evidence(self) -> Evidence:
        """As reports take it."""
        return Evidence(certificates=self.certificates, audit=self.audit)


def reduced(records: Iterable[Record], evidence: Evidence) -> Shared:
    """What may be handed on of these; runs on a user's own data, whose name is theirs, are not.

    Doing it twice is doing it once.
    """
    return Shared(
        records=tuple(_record(record) for record in records if _known_data(record)),
        audit=evidence.audit and _audit(evidence.audit),
        certificates=tuple(
            _certificate(certificate)
            for certificate in evidence.certificates
            if all(map(WORD.fullmatch, (certificate.framework, certificate.execution)))
        ),
    )


def packed(shared: Shared) -> bytes:
    """The content of the file, the same bytes for the same folder.

    Raises RecordError where it would be larger than what is read.
    """
    content = encode(shared)
    if len(content) > MOST_BYTES or len(shared.records) > MOST_RECORDS:
        raise RecordError(f"{len(shared.records):,} runs are too many for one file")
    return gzip.compress(content, 9, mtime=0)


def load(path: Path) -> Shared:
    """Read a file that somebody shared.

    Raises RecordError naming the file: where it cannot be read, is larger than any of these is,
    damaged, changed after it was written, or no such file.
    """
    try:
        if path.stat().st_size > MOST_PACKED_BYTES:
            raise RecordError(f"{path}: larger than {MOST_PACKED_BYTES / 2**20:.0f} MiB")
        content = _unpacked(path.read_bytes(), path)
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror or error}") from error
    version = parse(content, path, _Versioned, "a shared file").schema_version
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"{path}: version {version} of shared files, wanted {SCHEMA_VERSION}; share the "
            "folder again with this version of the project"
        )
    shared = parse(content, path, Shared, "a shared file")
    for problem in _problems(shared):
        raise RecordError(f"{path}: this cannot be a shared file: {problem}")
    shared = reduced(shared.records, shared.evidence)
    if not shared.records:
        raise RecordError(f"{path}: no run in it is of a task that is known here")
    return shared


def _unpacked(content: bytes, path: Path) -> bytes:
    if content[:2] == b"\x1f\x8b":
        unpacking = zlib.decompressobj(wbits=31)  # gzip, and no more than may be
        try:
            content = unpacking.decompress(content, MOST_BYTES + 1)
        except zlib.error as error:
            raise RecordError(f"{path}: damaged: {error}") from error
        if not unpacking.eof and len(content) <= MOST_BYTES:
            raise RecordError(f"{path}: damaged: it ends too early")
    if len(content) > MOST_BYTES:
        raise RecordError(f"{path}: unpacked, larger than {MOST_BYTES / 2**20:.0f} MiB")
    return content


def _problems(shared: Shared) -> Iterable[str]:
    if not 0 < len(shared.records) <= MOST_RECORDS:
        yield f"{len(shared.records):,} runs; wanted 1 to {MOST_RECORDS:,}"
        return
    if len({record.run_id for record in shared.records}) < len(shared.records):
        yield "a run is in it twice"
    for record in shared.records:
        yield from problems(record)
    for evidence in filter(None, (shared.audit, *shared.certificates)):
        yield from (f"{NAMES[type(evidence)]}: {problem}" for problem in unsound(evidence))


class _Versioned(msgspec.Struct):
    schema_version: int


# What is kept of each kind


def _known_data(record: Record) -> bool:
    task = TASKS.get(record.data.task)
    return task is not None and record.data.source in {source.name for source in task.sources}


def _record(record: Record) -> Record:
    data = record.data
    return replace(
        record,
        reason=None,  # what a framework said names paths: the status says how it ended
        machine=_machine(record.machine),
        versions=_versions(record.versions),
        data=replace(
            data,
            fingerprint=data.fingerprint if re.fullmatch("[0-9a-f]+", data.fingerprint) else "",
            class_names=TASKS[data.task].class_names,
            reading=(),
        ),
        settings={
            name: value
            for name, value in record.settings.items()
            if (name in SETTINGS or _is_library(name)) and _PLAIN.fullmatch(value)
        },
        measurement=record.measurement and _measurement(record.measurement),
        pulse=record.pulse and _pulse(record.pulse),
    )


def _is_library(name: str) -> bool:
    """Whether it is the threads of a numeric library: 'libgomp threads'."""
    return re.fullmatch(r"(lib|mkl)[a-z0-9_]{0,30} threads", name) is not None


def _machine(machine: Machine) -> Machine:
    system, kind = _SYSTEM.match(machine.system), _KIND.search(machine.system)
    return replace(
        machine,
        cpu=_plain(machine.cpu) or UNKNOWN_CPU,
        # a kernel may be built, and named, by its user: its first two numbers are enough
        system=" ".join(filter(None, (*(system.groups() if system else ()), kind and kind[0]))),
        gpus=tuple(map(_gpu, machine.gpus)),
    )


def _gpu(gpu: Gpu) -> Gpu:
    driver = gpu.driver if re.fullmatch(r"[0-9.]+", gpu.driver) else ""
    return replace(gpu, name=_plain(gpu.name) or "a GPU", driver=driver, uuid=None)


def _versions(versions: Mapping[str, str]) -> dict[str, str]:
    """Without what a builder may have put behind them, but for the device it is for."""
    found = {name: _VERSION.match(version) for name, version in versions.items()}
    return {name: match[0] for name, match in found.items() if match and _PACKAGE.fullmatch(name)}


def _measurement(measured: Measurement) -> Measurement:
    energy, gpu, recheck = measured.energy, measured.gpu, measured.recheck
    return replace(
        measured,
        test=measured.test and replace(measured.test, wrong=None),  # long, and compared by no table
        inference=tuple(
            Inference(batch_size=asked.batch_size, samples_s=_rounded(asked.samples_s))
            for asked in measured.inference
        ),
        gpu=gpu and replace(gpu, clock_hz=(), temperature_c=(), power_w=(), reasons={}),
        energy=None  # why it was not measured may name a path
        if energy is None or energy.joules is None
        else replace(energy, meter=_plain(energy.meter), unavailable=None),
        recheck=recheck if recheck and WORD.fullmatch(recheck.execution) else None,
    )


def _pulse(pulse: Pulse) -> Pulse:
    return replace(pulse, product_s=_rounded(pulse.product_s))


def _rounded(samples_s: Iterable[float]) -> tuple[float, ...]:
    return tuple(round(sample_s, SAMPLE_DIGITS) or sample_s for sample_s in samples_s)


def _audit(audit: Audit) -> Audit:
    return replace(
        audit,
        made_at=_moment(audit.made_at),
        machine=_machine(audit.machine),
        timer=replace(audit.timer, name=_plain(audit.timer.name)),
        repetitions=(),
        unsynchronised=(),
        peaks=tuple(
            replace(peak, device=_plain(peak.device), precision=_plain(peak.precision), by="")
            for peak in audit.peaks
        ),
        warnings=(),
    )


def _certificate(certificate: Certificate) -> Certificate:
    return replace(
        certificate,
        architecture=_plain(certificate.architecture),
        device=certificate.device if re.fullmatch("[a-z]+(:[0-9]+)?", certificate.device) else "",
        versions=_versions(certificate.versions),
        data="",
        checks=tuple(
            replace(check, quantity=_plain(check.quantity), reason="")
            for check in certificate.checks
        ),
        failure=certificate.failure and "not checked",
        made_at=_moment(certificate.made_at),
    )


def _plain(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else ""


def _moment(text: str) -> str:
    return text if re.fullmatch(r"[0-9T:.+Z-]{10,40}", text) else ""
