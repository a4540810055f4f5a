"""Whether new runs may join the records of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bench.results.folder import Results
from bench.results.record import Gpu, Machine
from bench.run.scheduler import Site
from bench.suite import differences
from tests.records import MACHINE, make_record

FINGERPRINTS = {("digits", "mnist"): make_record().data.fingerprint}
VERSIONS = {"pytorch": {"python": "3.11.7", "torch": "2.13.0"}}


def site(
    machine: Machine,
    versions: Mapping[str, dict[str, str]],
    fingerprints: Mapping[tuple[str, str], str],
) -> Site:
    """Where the runs of now would happen; none of them does."""
    return Site(
        results=Results(Path("unused")),
        data={
            key: (Path("unused"), replace(make_record().data, fingerprint=fingerprint))
            for key, fingerprint in fingerprints.items()
        },
        machine=machine,
        timeout_s=1.0,
        pythons={},
        versions=versions,
    )


def test_the_same_machine_versions_and_data_do_not_differ() -> None:
    assert differences([make_record()], site(MACHINE, VERSIONS, FINGERPRINTS)) == []


def test_a_few_bytes_of_memory_more_are_no_other_machine() -> None:
    machine = replace(MACHINE, memory_bytes=MACHINE.memory_bytes + 4096)
    assert differences([make_record()], site(machine, VERSIONS, FINGERPRINTS)) == []


def test_what_differs_is_named_once() -> None:
    machine = replace(MACHINE, cpu="Other", gpus=(Gpu(name="H1", memory_bytes=1, driver="1"),))
    versions = {"pytorch": {"python": "3.11.7", "torch": "2.14.0"}}
    prints = {("digits", "mnist"): "f" * 64}
    records = [make_record(seed=0), make_record(seed=1)]
    assert differences(records, site(machine, versions, prints)) == [
        "processor: Testium 9000 in the records, Other now",
        "GPUs: () in the records, ('H1',) now",
        "torch for pytorch: 2.13.0 in the records, 2.14.0 now",
        "digits from mnist: the images are not the same as in the records",
    ]


def test_another_source_of_a_task_differs() -> None:
    prints = {("digits", "glyphs"): "f" * 64}
    (sentence,) = differences([make_record()], site(MACHINE, VERSIONS, prints))
    assert sentence == "digits: mnist in the records, glyphs now"


def test_a_task_that_is_not_run_now_does_not_differ() -> None:
    prints = {("letters", "az"): "f" * 64}
    assert differences([make_record()], site(MACHINE, VERSIONS, prints)) == []
