"""``python -m bench class DIR``: thirty laptops, made of the reference run's records."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from bench.report.classroom import laptops, page, picture, predictions
from bench.report.classroom.laptops import letter
from bench.results import shared
from bench.results.evidence import Evidence
from bench.results.folder import Results
from bench.results.record import Record
from bench.results.shared import Shared
from bench.results.sound import RecordError
from bench.stats.uncertainty import OUTLYING, modified_z
from tests.imports import ROOT

REFERENCE = Results(ROOT / "results/reference/cpu-2core")
KINDS = (("Intel(R) Core(TM) i5-1135G7 @ 2.40GHz", 8), ("AMD Ryzen 7 5800H", 16), ("Apple M2", 8))
CONTENDERS = (("pytorch", "eager"), ("keras-jax", "compiled"), ("keras-torch", "eager"))
SIZE = 30
SLOW, BUSY = 7, 11  # the laptops that are odd, and that others disturbed


@dataclass(frozen=True, kw_only=True)
class Class:
    """A folder of shared files, and the folder that was made of it."""

    folder: Path
    out: Path
    code: int
    printed: str
    errors: str

    @property
    def readme(self) -> str:
        return (self.out / "README.md").read_text()

    @property
    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO((self.out / "class.csv").read_text())))


def chosen(networks: tuple[str, ...] = ("mlp", "cnn")) -> Iterator[Record]:
    """The reference's training steps on digits at batch size 128, three seeds."""
    for record in REFERENCE.records():
        experiment = record.experiment
        if (
            (experiment.task, experiment.batch_size) == ("digits", 128)
            and experiment.goal == "throughput"
            and experiment.architecture in networks
            and (experiment.framework, experiment.execution) in CONTENDERS
            and record.seed < 3
        ):
            yield record


def laptop(number: int, records: list[Record]) -> Shared:
    """One laptop: its ratios vary a little; the SLOW one's JAX is slow, and its audit rough."""
    random = np.random.default_rng(number)
    cpu, cores = KINDS[number % len(KINDS)]
    factors = {contender: math.exp(random.uniform(-0.08, 0.08)) for contender in CONTENDERS}
    if number == SLOW:
        factors["keras-jax", "compiled"] *= 4
    made = []
    for record in records:
        measured = record.measurement
        assert measured is not None
        experiment = record.experiment
        factor = factors[experiment.framework, experiment.execution]
        segments = tuple(replace(s, train_s=s.train_s * factor) for s in measured.segments)
        odd = number == SLOW and experiment.framework == "keras-jax"
        made.append(
            replace(
                record,
                machine=replace(record.machine, cpu=cpu, cores=cores),
                measurement=replace(
                    measured, segments=segments, others_share=0.4 if number == BUSY else 0.0
                ),
                settings={
                    **record.settings,
                    "threads": "1" if odd else str(cores),
                    "CPU governor": "powersave" if number == SLOW else "performance",
                },
                started_at=f"2026-01-{number + 1:02}T00:00:{record.seed:02}+00:00",
            )
        )
    audit = REFERENCE.evidence().audit
    assert audit is not None
    audit = replace(audit, machine=made[0].machine)
    if number == SLOW and audit.arms:
        rough = tuple(second * (1.5 + i % 2) for i, second in enumerate(audit.arms.same_s))
        audit = replace(audit, arms=replace(audit.arms, same_s=rough))
    return shared.reduced(made, Evidence(audit=audit))


@pytest.fixture(scope="module")
def thirty(tmp_path_factory: pytest.TempPathFactory) -> Class:
    """A class of thirty, with one file twice, one broken, and one that is something else."""
    folder = tmp_path_factory.mktemp("class")
    records = list(chosen())
    for number in range(SIZE):
        path = folder / f"student-{SIZE - number:02}{shared.ENDING}"
        path.write_bytes(shared.packed(laptop(number, records)))
    some = laptop(3, records)
    path = folder / f"again{shared.ENDING}"
    path.write_bytes(shared.packed(replace(some, records=some.records[:5])))
    (folder / f"broken{shared.ENDING}").write_bytes(b"\x1f\x8b")
    (folder / "notes.txt").write_text("not shared")
    return made(folder, folder.parent / "out")


def made(folder: Path, out: Path) -> Class:
    with pytest.MonkeyPatch.context() as patch:
        printed, errors = io.StringIO(), io.StringIO()
        patch.setattr("sys.stdout", printed)
        patch.setattr("sys.stderr", errors)
        code = page.main([str(folder), "--out", str(out)])
    return Class(
        folder=folder, out=out, code=code, printed=printed.getvalue(), errors=errors.getvalue()
    )


def test_every_laptop_has_a_row_of_its_own_though_their_records_have_the_same_names(
    thirty: Class,
) -> None:
    of_one = [row for row in thirty.rows if row["comparison"].startswith("MLP")]
    assert [row["laptop"] for row in of_one] == [letter(number) for number in range(SIZE)]
    assert len(thirty.rows) == 2 * SIZE
    assert {row["cpu"] for row in of_one} == {cpu for cpu, _ in KINDS}
    assert f"# A class of {SIZE} laptops" in thirty.readme


def test_a_ratio_is_that_of_the_laptop_to_its_own_pytorch(thirty: Class) -> None:
    own = laptop(0, list(chosen()))
    rates: dict[tuple[str, int], float] = {}
    for record in own.records:
        if record.experiment.architecture == "mlp" and record.measurement:
            segments = record.measurement.segments
            rate = sum(s.images for s in segments) / sum(s.train_s for s in segments)
            rates[record.experiment.framework, record.seed] = rate
    logs = [math.log(rates["keras-torch", s] / rates["pytorch", s]) for s in range(3)]
    ours = f"student-{SIZE}{shared.ENDING}"
    (line,) = (line for line in thirty.printed.splitlines() if line.endswith(ours))
    rows = [row for row in thirty.rows if row["laptop"] == line.partition(" ")[0]]
    (row,) = (row for row in rows if row["comparison"].startswith("MLP"))
    assert float(row["keras_torch_eager_ratio"]) == pytest.approx(math.exp(sum(logs) / 3))
    assert float(row["keras_torch_eager_ratio_low"]) < float(row["keras_torch_eager_ratio"])


def test_the_one_that_is_odd_is_named_with_what_differs_from_most(thirty: Class) -> None:
    (odd,) = (line for line in thirty.readme.splitlines() if " is odd: " in line)
    assert "keras-jax compiled trains at" in odd
    assert "threads of keras-jax compiled: 1 for 16 processors, on most laptops one for each" in odd
    assert "power mode (CPU governor): powersave, on most laptops performance" in odd
    assert "the class's median 5.2 %" in odd  # its noise floor
    assert "version of" not in odd
    assert "disturbed" not in odd
    assert "1 more ratio of it is odd too" in odd
    assert odd.removeprefix("- ") in thirty.printed
    assert {row["laptop"] for row in thirty.rows if row["keras_jax_compiled_odd"] == "True"} == {
        odd.split()[1]
    }


def test_disturbed_runs_are_counted_and_name_no_winner(thirty: Class) -> None:
    (busy, _) = (row for row in thirty.rows if row["disturbed_runs"] != "0")
    assert busy["disturbed_runs"] == busy["runs"] == str(len(list(chosen())))


def test_a_laptop_that_was_disturbed_or_has_other_versions_is_unlike_most() -> None:
    records = list(chosen(("mlp",)))
    old = [
        replace(record, versions={**record.versions, "torch": "1.13.1"})
        if record.experiment.framework == "pytorch"
        else record
        for record in records
    ]
    class_ = laptops.laptops(laptop(n, old if n == BUSY else records) for n in range(12))
    (busy,) = (each for each in class_ if each.disturbed)
    (oddity,) = laptops.oddities(class_, laptops.subjects(class_))
    slow = replace(oddity.ratio, laptop=busy)
    found = laptops.explain(class_, slow)
    assert found == (
        "version of torch of pytorch eager: 1.13, on most laptops 2.13",
        f"disturbed: other programs or heat held up 9 of its {len(busy.measured)} runs",
    )
    usual = next(each for each in class_ if each not in (busy, oddity.laptop))
    assert laptops.explain(class_, replace(slow, laptop=usual)) == ()


def test_how_many_laptops_show_it_by_their_own_runs_is_said(thirty: Class) -> None:
    (mlp,) = (line for line in thirty.printed.splitlines() if line.startswith("MLP on digits"))
    assert "is ahead on 29 of 30 laptops" in mlp
    # the disturbed one's runs name no winner
    assert mlp.endswith(
        "That it is faster is shown by the runs of 28 of 30 by themselves, that it is slower by "
        "those of 1."
    )


def test_one_seed_a_laptop_shows_nothing_by_itself(tmp_path: Path) -> None:
    records = [record for record in chosen(("mlp",)) if record.seed == 0]
    for number in range(2):
        path = tmp_path / f"{number}{shared.ENDING}"
        path.write_bytes(shared.packed(laptop(number, records)))
    two = made(tmp_path, tmp_path / "out")
    assert "is ahead on all 2 laptops. With one seed a laptop, no laptop shows it" in two.readme


def test_files_that_cannot_be_used_are_named_and_the_others_go_on(thirty: Class) -> None:
    assert thirty.code == 1
    broken, again = thirty.errors.splitlines()
    assert broken.startswith("left out: ")
    assert f"broken{shared.ENDING}: damaged" in broken
    assert again == (
        f"left out: again{shared.ENDING}: the same runs as in student-27{shared.ENDING}, of the "
        "same laptop"
    )
    assert "2 files of the folder could not be used" in thirty.readme


def test_no_files_name_is_written_where_others_read_it(thirty: Class) -> None:
    for path in thirty.out.iterdir():
        assert b"student-" not in path.read_bytes(), path.name
    assert f"student-01{shared.ENDING}" in thirty.printed


def test_the_order_of_letters_does_not_follow_the_names_of_files(
    thirty: Class, tmp_path: Path
) -> None:
    paths = sorted(thirty.folder.glob("student-*"))[:6]
    for number, path in enumerate(reversed(paths)):
        shutil.copy(path, tmp_path / f"{number}{shared.ENDING}")
    (tmp_path / "b").mkdir()
    for path in paths:
        shutil.copy(path, tmp_path / "b" / path.name)
    first, second = (made(at, tmp_path / f"out{at.name}") for at in (tmp_path, tmp_path / "b"))
    assert first.code == second.code == 0
    assert first.rows == second.rows


def test_the_picture_has_a_dot_a_laptop_and_says_what_it_found(thirty: Class) -> None:
    class_ = laptops.laptops(shared.load(p) for p in sorted(thirty.folder.glob("student-*")))
    subjects = laptops.subjects(class_)
    figure = picture.draw(subjects)
    assert len(figure.axes) == len(subjects) == 2
    for axes, subject in zip(figure.axes, subjects, strict=True):
        dots = [line for line in axes.get_lines() if line.get_linestyle() == "None"]
        assert len(dots) == SIZE * len(subject.ratios)
        assert axes.get_xscale() == "log"
    faster = picture.finding(subjects[0])
    assert faster == (  # the odd one's is slow
        "keras-jax compiled is ahead of pytorch eager on 29 of 30 laptops: MLP on digits (mnist)"
    )
    with Image.open(thirty.out / "class.png") as image:
        assert image.size == (1920, 1080)
    text = "".join(ElementTree.parse(thirty.out / "class.svg").getroot().itertext())
    assert faster in text


def test_what_students_predicted_is_told_by_lesson_beside_their_laptops(tmp_path: Path) -> None:
    records = list(chosen(("mlp",)))
    for number in range(3):
        path = tmp_path / f"{number}{shared.ENDING}"
        path.write_bytes(shared.packed(laptop(number, records)))
    for number, high in enumerate((2, 4, 5)):
        answer = {"lesson": "batch", "low": 1, "high": high, "truth": 3.5}
        content = {"kind": "glyphbench predictions", "version": 1, "answers": [answer]}
        ending = shared.ENDINGS[1] if number else ".json"  # as a lesson saves it
        (tmp_path / f"student-{number}{ending}").write_text(json.dumps(content))
    (tmp_path / "notes.json").write_text("{}")
    (tmp_path / "turned.json").write_text(
        json.dumps({**content, "answers": [{**answer, "low": 9, "high": 1}]})
    )
    three = made(tmp_path, tmp_path / "out")
    sentence = "batch: 2 of 3 had what was measured (3.50) in their range."
    assert f"## What the class predicted\n\n- {sentence}" in three.readme
    assert sentence in three.printed
    assert three.code == 1
    notes, turned = three.errors.splitlines()
    assert "notes.json: not a file of predictions, as a lesson saves it: " in notes
    assert turned.endswith("cannot be predictions: batch: the range ends at 1, below its 9")
    assert "student-" not in three.readme
    with Image.open(three.out / "predictions.png") as image:
        assert image.size == (1920, 1080)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"version": 2}, "version 2, wanted 1"),
        ({"answers": []}, "0 answers; wanted 1 to 200"),
        ({"kind": "other"}, "Invalid enum value 'other'"),
        ({"answers": [{"lesson": "a/b", "low": 1, "high": 2, "truth": 1}]}, "a lesson's name"),
        ({"answers": [{"lesson": "a", "low": 1, "high": 2, "truth": 1e40}]}, "a number beyond"),
        ({"answers": [{"lesson": "a", "low": 1, "high": 2, "truth": 1}] * 2}, "in it twice"),
    ],
)
def test_predictions_that_cannot_be_are_refused(
    changes: dict[str, object], problem: str, tmp_path: Path
) -> None:
    answer = {"lesson": "a", "low": 1, "high": 2, "truth": 1}
    content = {"kind": "glyphbench predictions", "version": 1, "answers": [answer], **changes}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(content))
    with pytest.raises(RecordError, match=re.escape(problem)):
        predictions.load(path)


def test_nine_laptops_are_too_few_for_one_to_be_odd(tmp_path: Path) -> None:
    records = list(chosen(("mlp",)))
    for number in range(SLOW - 4, SLOW + 5):
        path = tmp_path / f"{number}{shared.ENDING}"
        path.write_bytes(shared.packed(laptop(number, records)))
    few = made(tmp_path, tmp_path / "out")
    assert few.code == 0
    assert "Of 9 laptops none can be called odd: it takes 10" in few.readme
    assert " is odd: " not in few.readme + few.printed


def test_a_folder_without_shared_files_is_an_error_that_says_how_to_make_one(
    tmp_path: Path,
) -> None:
    none = made(tmp_path, tmp_path / "out")
    assert none.code == 2
    assert "holds 0 shared files" in none.errors
    assert "'python -m bench share' writes one" in none.errors
    assert not (tmp_path / "out").exists()


def test_a_class_without_pytorch_is_an_error_that_says_what_is_missing(tmp_path: Path) -> None:
    records = [r for r in chosen(("mlp",)) if r.experiment.framework == "keras-jax"]
    (tmp_path / f"a{shared.ENDING}").write_bytes(shared.packed(laptop(0, records)))
    none = made(tmp_path, tmp_path / "out")
    assert none.code == 2
    assert "no laptop ran pytorch eager beside another framework" in none.errors


def test_a_folder_that_holds_other_files_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "README.md").write_text("mine")
    content = shared.packed(laptop(0, list(chosen(("mlp",)))))
    (tmp_path / "a" / f"a{shared.ENDING}").write_bytes(content)
    refused = made(tmp_path / "a", tmp_path / "out")
    assert refused.code == 2
    assert "holds other files; name a new folder with --out" in refused.errors
    assert (tmp_path / "out" / "README.md").read_text() == "mine"


def test_what_was_made_may_be_made_again(tmp_path: Path) -> None:
    records = list(chosen(("mlp",)))
    (tmp_path / f"0{shared.ENDING}").write_bytes(shared.packed(laptop(0, records)))
    first = made(tmp_path, tmp_path / "out")
    (tmp_path / f"1{shared.ENDING}").write_bytes(shared.packed(laptop(1, records)))
    second = made(tmp_path, tmp_path / "out")
    assert (first.code, second.code) == (0, 0)
    assert second.readme.startswith("# A class of 2 laptops")


@pytest.mark.parametrize(
    ("values", "odd"),
    [
        ([1.0, 1.1, 0.9, 1.05, 3.0], [4]),
        ([1.0, 1.0, 1.0, 1.0, 1.0], []),
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0], [7]),  # MAD is 0: the mean distance is taken
        ([1.0, 2.0, 3.0, 4.0, 5.0], []),
    ],
)
def test_what_is_far_from_the_median_is_odd(values: list[float], odd: list[int]) -> None:
    scores = modified_z(values)
    assert [i for i, score in enumerate(scores) if abs(score) > OUTLYING] == odd


def test_the_modified_z_is_that_of_iglewicz_and_hoaglin() -> None:
    assert modified_z([1.0, 2.0, 4.0, 8.0, 16.0])[4] == pytest.approx(0.6745 * 12 / 3, rel=1e-4)


def test_letters_go_on_after_z() -> None:
    assert [letter(n) for n in (0, 25, 26, 27, 51, 52, 702)] == [
        *("A", "Z", "AA", "AB", "AZ", "BA", "AAA")
    ]
