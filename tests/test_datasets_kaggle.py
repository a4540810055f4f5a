"""Fetching the letters, with a stand-in for kagglehub: Kaggle itself is far away."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from datasets.errors import DataError, Unreachable
from datasets.kaggle import CSV_NAME, fetch_letters


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
    with pytest.raises(Unreachable, match=r"pip install -e '\.\[kaggle\]'") as caught:
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
    with pytest.raises(DataError, match="cannot be written to") as caught:
        fetch_letters(tmp_path / "letters")
    assert not isinstance(caught.value, Unreachable)
