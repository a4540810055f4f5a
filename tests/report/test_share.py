"""``python -m bench share DIR``: what is handed on, and what is not."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bench.report import compare, share
from bench.results import shared
from bench.results.evidence import NONE, Certificate, Check
from bench.results.folder import Results
from bench.results.observed import Energy, GpuSamples, Recheck
from bench.results.record import Gpu, Record, encode
from bench.results.sound import RecordError
from bench.stats import runs, verdict
from tests.imports import ROOT
from tests.records import EVIDENCE, MACHINE, make_record

REFERENCE = ROOT / "results/reference/cpu-2core"
NAME = "anna"
CERTIFICATE = Certificate(
    framework="pytorch",
    execution="eager",
    architecture="mlp",
    device="cpu",
    precision="fp32",
    threads=None,
    versions={"python": "3.11.7", "torch": "2.13.0"},
    data="digits of /home/anna",
    checks=(Check(quantity="logits at step 0", deviation=1e-7, tolerance=1e-5, reason="anna"),),
    made_at="2026-01-01T00:00:00+00:00",
)
# What a run is compared by; such words are told from any others as a record is read.
NAMED = ("experiment", "run_id", "status", "task", "source", "framework", "execution", "started_at")


def write(path: Path, content: shared.Shared) -> Path:
    path.write_bytes(shared.packed(content))
    return path


def hostile(value: Any, word: str) -> Any:
    """The same with a name in every text that is free to be anything."""
    if isinstance(value, str):
        return word
    if isinstance(value, dict):
        return {**dict.fromkeys(value, word), word: "1", "threads": word, "ld-preload": word}
    if isinstance(value, tuple):
        return tuple(hostile(part, word) for part in value)
    if is_dataclass(value) and not isinstance(value, type):
        changes = {
            each.name: hostile(getattr(value, each.name), word)
            for each in fields(value)
            if each.name not in NAMED and each.name != "precision"
        }
        return replace(value, **changes)
    return value


def record_of_everything() -> Record:
    record = make_record(wrong=range(25))
    assert record.measurement is not None
    measurement = replace(
        record.measurement,
        energy=Energy(meter="RAPL", joules=3.0, window_s=1.0, images=10, unavailable="x"),
        gpu=GpuSamples(period_s=0.1, samples=5, clock_hz=(1e9,), reasons={"anna": 3}, throttled=3),
        recheck=Recheck(execution="eager", answers_deviation=0.0, dropout_seen=True),
    )
    gpu = Gpu(name="NVIDIA H200", memory_bytes=2**30, driver="550.1", uuid="GPU-anna")
    return replace(
        record,
        measurement=measurement,
        machine=replace(MACHINE, gpus=(gpu,)),
        settings={"threads": "2", "environment": "anna-venv", "LD_PRELOAD": "/home/anna/x.so"},
        reason="in /home/anna/run.py",
        data=replace(record.data, reading=("of /home/anna",)),
    )


@pytest.mark.parametrize("word", ["/home/anna/run", "C:\\Users\\anna", "anna@host: x", "<anna>"])
def test_no_text_that_may_name_somebody_is_handed_on(word: str) -> None:
    evidence = hostile(replace(EVIDENCE, certificates=(CERTIFICATE,)), word)
    evidence = replace(evidence, suite=EVIDENCE.suite)
    content = encode(shared.reduced([hostile(record_of_everything(), word)], evidence)).decode()
    assert "pytorch" in content
    assert NAME not in content


def test_names_in_settings_that_are_not_known_are_left_out_whatever_they_say() -> None:
    (record,) = shared.reduced([record_of_everything()], NONE).records
    assert record.settings == {"threads": "2"}
    assert record.reason is None
    assert record.data.reading == ()
    assert NAME not in encode(record).decode()


def test_a_kernel_and_a_version_lose_what_their_builder_called_them() -> None:
    machine = replace(MACHINE, system="Linux 6.1.0-annas-kernel x86_64")
    versions = {"torch": "2.13.0+cpu", "jax": "0.10.2.dev+anna", "numpy": "2.4.6"}
    (record,) = shared.reduced([make_record(machine=machine, versions=versions)], NONE).records
    assert record.machine.system == "Linux 6.1 x86_64"
    assert record.versions == {"torch": "2.13.0+cpu", "jax": "0.10.2", "numpy": "2.4.6"}


def test_what_is_read_back_compares_as_the_folder_does(tmp_path: Path) -> None:
    results = Results(REFERENCE)
    records = results.require_records()
    path = tmp_path / f"mine{shared.ENDING}"
    assert share.main([str(REFERENCE), "--out", str(path)]) == 0
    assert path.stat().st_size < 650_000
    content = shared.load(path)
    assert len(content.records) == len(records)
    own = runs.replicates(records, results.evidence())
    theirs = runs.replicates(content.records, content.evidence)
    assert [group.experiment for group in theirs] == [group.experiment for group in own]
    for group, other in zip(own, theirs, strict=True):
        for statistic in (runs.throughput_images_per_s, runs.test_accuracy, runs.start_up_s):
            assert other.summary(statistic) == group.summary(statistic)
        assert verdict.noise_floor_of(other) == verdict.noise_floor_of(group)
        assert (other.certificate is None) == (group.certificate is None)
        if other.certificate and group.certificate:
            assert other.certificate.passed == group.certificate.passed
    assert shared.reduced(content.records, content.evidence) == content


def test_a_file_that_is_there_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Results(tmp_path / "mine").save(make_record())
    assert share.main([str(tmp_path / "mine")]) == 0
    path = tmp_path / f"mine{shared.ENDING}"
    before = path.read_bytes()
    Results(tmp_path / "mine").save(make_record(seed=1))
    assert share.main([str(tmp_path / "mine")]) == 2
    assert path.read_bytes() == before
    assert "exists already and is left as it is; remove it, or name another" in (
        capsys.readouterr().err
    )


def test_runs_on_a_users_own_data_are_not_handed_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Results(tmp_path / "mine").save(make_record(task="annas-digits", source="own"))
    assert share.main([str(tmp_path / "mine")]) == 2
    assert "every run is on data of your own" in capsys.readouterr().err
    Results(tmp_path / "mine").save(make_record())
    assert share.main([str(tmp_path / "mine")]) == 0
    assert "Left out: 1 run on data of your own." in capsys.readouterr().out
    assert b"annas" not in gzip.decompress((tmp_path / f"mine{shared.ENDING}").read_bytes())


def test_a_folder_without_records_and_another_ending_are_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert share.main([str(tmp_path)]) == 2
    assert "no records in" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        share.main([str(tmp_path), "--out", "mine.zip"])
    assert ended.value.code == 2
    assert "must end in NAME.glyphbench.json.gz" in capsys.readouterr().err


def _garbage(path: Path, _: bytes) -> None:
    path.write_bytes(b"\x1f\x8b no gzip at all")


def _cut(path: Path, content: bytes) -> None:
    path.write_bytes(content[:-20])


def _bomb(path: Path, _: bytes) -> None:
    path.write_bytes(gzip.compress(bytes(shared.MOST_BYTES + 1)))


def _changed(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(gzip.decompress(content).replace(b'"cores": 2', b'"cores": 3')))


def _version(path: Path, content: bytes) -> None:
    body = gzip.decompress(content).rpartition(b',\n "sha256"')[0] + b"\n}\n"
    path.write_bytes(body.replace(b'"schema_version": 1', b'"schema_version": 9'))


def _other(path: Path, _: bytes) -> None:
    path.write_text('{"schema_version": 1, "records": "all"}')


def _impossible(path: Path, _: bytes) -> None:
    record = replace(make_record(), run_id="../../anna")
    path.write_bytes(shared.packed(shared.Shared(records=(record,))))


def _twice(path: Path, _: bytes) -> None:
    path.write_bytes(shared.packed(shared.Shared(records=(make_record(), make_record()))))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_garbage, "damaged"),
        (_cut, "damaged: it ends too early"),
        (_bomb, "unpacked, larger than 64 MiB"),
        (_changed, "its checksum does not fit"),
        (_version, "version 9 of shared files, wanted 1"),
        (_other, "not a shared file"),
        (_impossible, "this cannot be a shared file: run_id"),
        (_twice, "a run is in it twice"),
    ],
)
def test_a_file_that_cannot_be_what_it_says_is_an_error(
    tmp_path: Path, spoil: Callable[[Path, bytes], None], message: str
) -> None:
    path = write(tmp_path / "a.glyphbench.json.gz", shared.reduced([make_record()], EVIDENCE))
    spoil(path, path.read_bytes())
    with pytest.raises(RecordError, match=message) as error:
        shared.load(path)
    assert str(error.value).startswith(str(path))


def test_a_file_that_a_browser_unpacked_is_read_too(tmp_path: Path) -> None:
    content = shared.reduced([make_record()], EVIDENCE)
    (tmp_path / "a.glyphbench.json").write_bytes(encode(content))
    assert shared.load(tmp_path / "a.glyphbench.json") == content


def test_what_a_hostile_file_says_is_reduced_as_it_is_read(tmp_path: Path) -> None:
    machine = replace(MACHINE, cpu="<script>anna</script>")
    path = write(tmp_path / "a", shared.Shared(records=(make_record(machine=machine),)))
    assert shared.load(path).records[0].machine.cpu == shared.UNKNOWN_CPU


def test_a_shared_file_is_compared_with_a_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Results(tmp_path / "A").save(make_record())
    theirs = [make_record(train_s=(0.5, 0.5), machine=replace(MACHINE, cpu="Slowium"))]
    path = write(tmp_path / "b.glyphbench.json.gz", shared.reduced(theirs, EVIDENCE))
    assert compare.main([str(tmp_path / "A"), str(path)]) == 0
    out = capsys.readouterr().out
    assert "- processor: Testium 9000 in A, Slowium in B" in out
    assert "| 2.00 × |" in out
    assert "- system" not in out  # of which a shared file tells less
    path.write_bytes(b"{}")
    assert compare.main([str(tmp_path / "A"), str(path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: {path}: not a shared file")
