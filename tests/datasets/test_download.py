"""Downloads, from real servers on this machine, and from a stand-in for kagglehub."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic

import pytest

from datasets.download import CSV_NAME, PROBE_S, STALL_S, RemoteFile, download, fetch_letters
from datasets.tasks import DataError, Stage, Unreachable, silent

CONTENTS = {"large": bytes(range(256)) * 4000, "small": b"some labels"}
FILES = tuple(
    RemoteFile(name=name, size_bytes=len(content), sha256=sha256(content).hexdigest())
    for name, content in CONTENTS.items()
)


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, *words: object) -> None:
        pass


class Portal(BaseHTTPRequestHandler):
    """Answers every request with the same page, as a hotel's network does."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>Welcome! Please log in.</html>")

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def serving(handler: Callable[..., BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def network(tmp_path: Path) -> Iterator[ExitStack]:
    with ExitStack() as servers:
        yield servers


def good(network: ExitStack, folder: Path, **changed: bytes | None) -> str:
    """A mirror with the right files, but for those changed; None leaves one out."""
    folder.mkdir()
    for name, content in {**CONTENTS, **changed}.items():
        if content is not None:
            (folder / name).write_bytes(content)
    return network.enter_context(serving(partial(Quiet, directory=str(folder))))


def silent_server(network: ExitStack) -> str:
    """Accepts connections and never answers."""
    listener = network.enter_context(closing(socket.create_server(("127.0.0.1", 0))))
    return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def refusing() -> str:
    """An address where nothing listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"


def fetched(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def left_beside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.parent.iterdir() if path.suffix != ".lock")


def test_files_arrive_whole_and_progress_is_told(network: ExitStack, tmp_path: Path) -> None:
    reported: list[tuple[Stage, int]] = []
    download(
        FILES,
        tmp_path / "into" / "mnist",
        mirrors=[good(network, tmp_path / "mirror")],
        progress=lambda stage, done: reported.append((stage, done)),
    )
    assert fetched(tmp_path / "into" / "mnist") == CONTENTS
    assert left_beside(tmp_path / "into" / "mnist") == ["mnist"]
    size = len(CONTENTS["large"])
    assert (Stage(name="downloading large", total=size, unit="B"), size) in reported


def test_a_mirror_that_refuses_is_passed_over(network: ExitStack, tmp_path: Path) -> None:
    addresses = [refusing(), silent_server(network), good(network, tmp_path / "mirror")]
    download(FILES, tmp_path / "mnist", mirrors=addresses, progress=silent)
    assert fetched(tmp_path / "mnist") == CONTENTS


def test_a_dead_network_is_known_in_time_and_each_mirror_named(
    network: ExitStack, tmp_path: Path
) -> None:
    addresses = [silent_server(network), silent_server(network), refusing()]
    begin_s = monotonic()
    with pytest.raises(Unreachable) as caught:
        download(FILES, tmp_path / "mnist", mirrors=addresses, progress=silent, probe_s=0.2)
    # all mirrors share one wait: the bound is what is promised, not how fast this machine is
    assert monotonic() - begin_s < 10
    for address in addresses:
        assert address in str(caught.value)
    assert "no answer within 0.2 s" in str(caught.value)
    assert "Connection refused" in str(caught.value)
    assert not (tmp_path / "mnist").exists()


def test_waiting_ends_within_ten_seconds_by_its_constants() -> None:
    assert PROBE_S + STALL_S < 10


def test_other_bytes_are_refused_with_both_checksums(network: ExitStack, tmp_path: Path) -> None:
    portal = network.enter_context(serving(Portal))
    with pytest.raises(Unreachable, match="sent other bytes for small") as caught:
        download(FILES, tmp_path / "mnist", mirrors=[portal], progress=silent)
    assert FILES[1].sha256 in str(caught.value)


def test_a_large_file_with_other_bytes_comes_from_the_next_mirror(
    network: ExitStack, tmp_path: Path
) -> None:
    bad = good(network, tmp_path / "bad", large=b"other")
    with pytest.raises(Unreachable, match="checksum differs"):
        download(FILES, tmp_path / "mnist", mirrors=[bad], progress=silent)
    assert not (tmp_path / "mnist").exists()
    addresses = [bad, good(network, tmp_path / "good")]
    download(FILES, tmp_path / "mnist", mirrors=addresses, progress=silent)
    assert fetched(tmp_path / "mnist") == CONTENTS


def test_a_missing_file_is_said(network: ExitStack, tmp_path: Path) -> None:
    address = good(network, tmp_path / "mirror", large=None)
    with pytest.raises(Unreachable, match="404"):
        download(FILES, tmp_path / "mnist", mirrors=[address], progress=silent)


class Stalling(Quiet):
    """Sends small files, and of large ones the beginning."""

    def do_GET(self) -> None:
        if self.path != "/large":
            return super().do_GET()
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENTS["large"])))
        self.end_headers()
        self.wfile.write(CONTENTS["large"][:1000])
        self.wfile.flush()
        self.rfile.read(1)  # until the client goes away


def test_a_mirror_that_stalls_in_a_file_is_left_for_the_next(
    network: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.download.STALL_S", 0.3)
    (tmp_path / "stalling").mkdir()
    for name, content in CONTENTS.items():
        (tmp_path / "stalling" / name).write_bytes(content)
    handler = partial(Stalling, directory=str(tmp_path / "stalling"))
    stalling = network.enter_context(serving(handler))
    with pytest.raises(Unreachable, match="Read timed out"):
        download(FILES, tmp_path / "mnist", mirrors=[stalling], progress=silent)
    addresses = [stalling, good(network, tmp_path / "good")]
    download(FILES, tmp_path / "mnist", mirrors=addresses, progress=silent)
    assert fetched(tmp_path / "mnist") == CONTENTS


def test_what_is_there_already_is_not_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    for name, content in CONTENTS.items():
        (tmp_path / "mnist" / name).write_bytes(content)
    download(FILES, tmp_path / "mnist", mirrors=[refusing()], progress=silent)
    assert fetched(tmp_path / "mnist") == CONTENTS


def test_a_place_that_cannot_be_written_to_is_no_matter_of_the_network(
    network: ExitStack, tmp_path: Path
) -> None:
    address = good(network, tmp_path / "mirror")
    (tmp_path / "mnist.partial").write_text("a file where a folder must be")
    with pytest.raises(DataError, match="cannot be written there") as caught:
        download(FILES, tmp_path / "mnist", mirrors=[address], progress=silent)
    assert not isinstance(caught.value, Unreachable)


# Fetching the letters, with a stand-in for kagglehub: Kaggle itself is far away.


@pytest.fixture
def kagglehub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of that name; what it 'downloads' is what the test puts into the folder."""
    folder = tmp_path / "versions" / "5"
    folder.mkdir(parents=True)
    (tmp_path / "kagglehub.py").write_text(
        "def dataset_download(handle):\n"
        "    assert handle == 'sachinpatel21/az-handwritten-alphabets-in-csv-format'\n"
        f"    return {str(folder)!r}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "kagglehub", raising=False)
    return folder


def test_without_kagglehub_the_message_says_what_to_install_or_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    with pytest.raises(
        Unreachable, match=r"pip install -c requirements-optional\.txt kagglehub"
    ) as caught:
        fetch_letters(tmp_path / "letters")
    assert "www.kaggle.com/datasets/sachinpatel21" in str(caught.value)
    assert str(tmp_path / "letters") in str(caught.value)


def test_the_csv_lies_in_the_folder_afterwards(kagglehub: Path, tmp_path: Path) -> None:
    (kagglehub / CSV_NAME).write_bytes(b"0,0")
    fetch_letters(tmp_path / "letters")
    assert (tmp_path / "letters" / CSV_NAME).read_bytes() == b"0,0"
    assert len(list((tmp_path / "letters").iterdir())) == 1


def test_fetching_again_replaces_it(kagglehub: Path, tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        (kagglehub / CSV_NAME).unlink(missing_ok=True)
        (kagglehub / CSV_NAME).write_bytes(content)
        fetch_letters(tmp_path / "letters")
    assert (tmp_path / "letters" / CSV_NAME).read_bytes() == b"new"


def test_a_delivery_without_the_csv_is_an_error(kagglehub: Path, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"holds no 'A_Z Handwritten Data\.csv'"):
        fetch_letters(tmp_path / "letters")


def test_whatever_kagglehub_raises_is_told(
    kagglehub: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kagglehub.py").write_text(
        "def dataset_download(handle):\n    raise KeyError('no account')\n"
    )
    with pytest.raises(Unreachable, match="no account"):
        fetch_letters(tmp_path / "letters")


def test_a_folder_that_cannot_be_made_is_an_error(kagglehub: Path, tmp_path: Path) -> None:
    (kagglehub / CSV_NAME).write_bytes(b"0,0")
    (tmp_path / "letters").write_text("a file")
    with pytest.raises(DataError, match="cannot be written there") as caught:
        fetch_letters(tmp_path / "letters")
    assert not isinstance(caught.value, Unreachable)
