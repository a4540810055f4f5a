"""A results folder: the one module that knows where everything lies, and that reads and writes it.

NAME/records/RUN.json       one record a run
NAME/disturbed/RUN.N.json   earlier tries, which other programs disturbed
NAME/checkpoints/RUN.safetensors
NAME/models/RUN.safetensors (or .keras)   the best weights with their card, ready for use
NAME/predictions/RUN.npz    what that model says of the test images
NAME/exports/RUN.onnx       that model for ONNX Runtime; RUN.json beside it: how it was compared
NAME/logs/RUN.log           what the frameworks printed
NAME/certificates/NAME.json, NAME/audit.json, NAME/ensembling.json, NAME/suite.json
NAME/command.txt            the command lines that made the folder
NAME/images.png             a few of its images, for the page (bench.results.images)
NAME/tables/ plots/ study/TASK/ README.md details.md index.html   made from the records
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bench.results import write_atomically
from bench.results.record import Record, decode, encode
from bench.results.sound import RecordError, printable

if TYPE_CHECKING:
    from bench.results.evidence import Audit, Certificate, Ensembling, Evidence, Export, SuiteFacts

PAGE = "README.md"  # of a results folder, and of the study of a task
MOVE_AWAY = "move the file away to go on without it"

Content = TypeVar("Content")


class ResultsError(Exception):
    """A results folder that cannot be used as asked; the message says what to do."""


@dataclass(frozen=True)
class Results:
    """One results folder. A command makes one of these and hands it on.

    A file is parsed once, and again only where it has changed since: the records of a suite are
    written by its workers, which are other processes.
    """

    folder: Path
    # file -> how the file was when it was parsed, and what it said
    _parsed: dict[Path, tuple[tuple[int, ...], Any]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    # Where everything lies

    def record_path(self, run_id: str) -> Path:
        """The record of a run."""
        return self.folder / "records" / f"{run_id}.json"

    def checkpoint_path(self, run_id: str) -> Path:
        """The best weights of a run."""
        return self.folder / "checkpoints" / f"{run_id}.safetensors"

    def model_path(self, run_id: str, ending: str) -> Path:
        """The saved model of a run; ``ending`` is its framework's ``model_ending``."""
        return self.folder / "models" / f"{run_id}{ending}"

    def predictions_path(self, run_id: str) -> Path:
        """What a run's saved model says of the test images."""
        return self.folder / "predictions" / f"{run_id}.npz"

    def onnx_path(self, run_id: str) -> Path:
        """The exported model of a run; ``export_path`` says where its record lies."""
        return self.folder / "exports" / f"{run_id}.onnx"

    def keep_disturbed(self, record: Record, number: int) -> None:
        """Keep the record of a try that another has been made for; no report reads it."""
        self._write(self.folder / "disturbed" / f"{record.run_id}.{number}.json", record)

    def log_path(self, run_id: str) -> Path:
        """The output of a run's process."""
        return self.folder / "logs" / f"{run_id}.log"

    def study_folder(self, task: str) -> Path:
        """The study of a task, whose page is ``PAGE``."""
        return self.folder / "study" / task

    @property
    def tables(self) -> Path:
        """The folder of the tables."""
        return self.folder / "tables"

    @property
    def plots(self) -> Path:
        """The folder of the plots."""
        return self.folder / "plots"

    @property
    def page(self) -> Path:
        """The page that leads through tables and plots."""
        return self.folder / PAGE

    @property
    def _command_lines(self) -> Path:
        return self.folder / "command.txt"

    def studied(self) -> list[str]:
        """The tasks whose study has a page, by name."""
        return sorted(page.parent.name for page in self.folder.glob(f"study/*/{PAGE}"))

    # Records

    def records(self) -> list[Record]:
        """All records, in the order in which they were made; none where there is no folder yet.

        Raises ResultsError naming a file that is broken.
        """
        paths = sorted((self.folder / "records").glob("*.json"))
        records = (self._read(path, _record_of_its_name) for path in paths)
        return sorted(
            (record for record in records if record is not None),
            key=lambda record: (record.started_at, record.run_id),
        )

    def require_records(self) -> list[Record]:
        """Like ``records``, but raises ResultsError where there is none."""
        records = self.records()
        if not records:
            raise ResultsError(
                f"no records in {self.folder / 'records'}; a results folder is made by "
                "run_all.py --out"
            )
        return records

    def record(self, run_id: str) -> Record | None:
        """The record of a run; None where there is none. Raises ResultsError where it is broken."""
        return self._read(self.record_path(run_id), _record_of_its_name)

    def save(self, record: Record) -> None:
        """Write a record, whole or not at all; what frameworks say in it is put on one line."""
        reason = None if record.reason is None else printable(record.reason)
        settings = {name: printable(value) for name, value in record.settings.items()}
        record = replace(record, reason=reason, settings=settings)
        self._write(self.record_path(record.run_id), record)

    # What lies beside them; its types are imported late, since a worker needs records alone

    def evidence(self) -> Evidence:
        """All that reports use; raises ResultsError naming a file that is broken."""
        from bench.results.evidence import Audit, Certificate, Evidence, Export, SuiteFacts

        return Evidence(
            certificates=self._every("certificates", Certificate),
            audit=self._only(Audit),
            suite=self._only(SuiteFacts) or SuiteFacts(),
            exports=self._every("exports", Export),
        )

    def ensembling(self) -> Ensembling | None:
        """The measurement of ensembles; None where there is none.

        Raises ResultsError where the file is no such record.
        """
        from bench.results.evidence import Ensembling

        return self._only(
            Ensembling, f"make it again with 'python -m bench ensemble --out {self.folder}'"
        )

    def export(self, run_id: str) -> Export | None:
        """How a run's export was compared; None where it was not.

        Raises ResultsError where the file is broken.
        """
        from bench.results.evidence import Export

        return self._evidence(export_path(self.onnx_path(run_id)), Export)

    def save_evidence(self, content: Audit | Ensembling | SuiteFacts) -> Path:
        """Write what a folder has one of, whole or not at all, and return where it lies."""
        from bench.results.evidence import FILES

        return self._write(self.folder / FILES[type(content)], content)

    def save_certificate(self, certificate: Certificate) -> Path:
        """Write a certificate, whole or not at all, and return where it lies.

        One that could not be made leaves an earlier one of its name as it is.
        """
        path = self.folder / "certificates" / f"{certificate.name}.json"
        if certificate.failure is not None and path.exists():
            return path
        return self._write(path, certificate)

    def note_command(self, words: Sequence[str]) -> None:
        """Add a command line to those that made the folder."""
        with self._command_lines.open("a", encoding="utf-8") as file:
            file.write(shlex.join(words) + "\n")

    def commands(self) -> list[str]:
        """The command lines that made the folder, oldest first; empty where none was noted."""
        path = self._command_lines
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    @contextmanager
    def lock(self, work: str = "") -> Iterator[None]:
        """Hold the folder, made where it is not there, for one process.

        ``work``: hold it for that alone, such as 'report', which goes on beside runs.
        Raises ResultsError at once where another process holds it, or nothing can be written
        there, or it holds links: what is written through one would land in another folder.
        """
        import filelock  # late: a worker does without

        lock_file = filelock.FileLock(self.folder / f".{work}lock")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._refuse_links()
            lock_file.acquire(timeout=0)
        except filelock.Timeout:
            raise ResultsError(
                f"{self.folder} is in use by another process; wait for it, or choose another --out"
            ) from None
        except OSError as error:
            raise ResultsError(
                f"{self.folder} cannot be written to ({error.strerror or error}); "
                "choose another --out"
            ) from error
        try:
            yield
        finally:
            lock_file.release()

    # Files

    def _refuse_links(self) -> None:
        for path in self.folder.rglob("*"):
            if path.is_symlink():
                raise ResultsError(
                    f"{path} is a link, and nothing is written to a folder that holds one; "
                    "put what it points to in its place, or remove it"
                )

    def _only(self, kind: type[Content], advice: str = MOVE_AWAY) -> Content | None:
        from bench.results.evidence import FILES

        return self._evidence(self.folder / FILES[kind], kind, advice)

    def _every(self, folder: str, kind: type[Content]) -> tuple[Content, ...]:
        paths = sorted((self.folder / folder).glob("*.json"))
        contents = (self._evidence(path, kind) for path in paths)
        return tuple(content for content in contents if content is not None)

    def _evidence(self, path: Path, kind: type[Content], advice: str = MOVE_AWAY) -> Content | None:
        from bench.results import evidence

        return self._read(path, partial(evidence.decode, kind=kind), advice)

    def _read(
        self, path: Path, parse: Callable[[bytes, Path], Content], advice: str = MOVE_AWAY
    ) -> Content | None:
        """What a file says, parsed where it is new or has changed; None where there is none."""
        try:
            state = path.stat()
            # A file that is written whole is another file (inode), however soon it follows.
            stamp = (state.st_mtime_ns, state.st_size, state.st_ino)
            known = self._parsed.get(path)
            if known is None or known[0] != stamp:
                known = self._parsed[path] = (stamp, parse(path.read_bytes(), path))
        except FileNotFoundError:
            return None
        except (RecordError, OSError) as error:
            raise ResultsError(f"{error}; {advice}") from error
        content: Content = known[1]
        return content

    def _write(self, path: Path, content: object) -> Path:
        write_atomically(path, encode(content))
        self._parsed.pop(path, None)
        return path


def _record_of_its_name(content: bytes, path: Path) -> Record:
    """The record in a file; a copy under another name would be counted as a further run."""
    record = decode(content, path)
    if path.stem != record.run_id:
        raise RecordError(f"{path}: the record of {record.run_id}, which is not the file's name")
    return record


def export_path(onnx_file: Path) -> Path:
    """Where the record of an exported model lies: beside it."""
    return onnx_file.with_suffix(".json")


def save_export(onnx_file: Path, export: Export) -> None:
    """Write the record of an exported model, in a results folder or not, whole or not at all."""
    write_atomically(export_path(onnx_file), encode(export))
