"""What a command makes anew, and what it must not touch."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.results.made import LIST, making


def make(folder: Path, *names: str) -> None:
    with making(folder) as made:
        for name in names:
            made.write(name, f"content of {name}".encode())


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {LIST}


def test_what_an_earlier_command_made_and_this_one_does_not_is_removed(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.md")
    make(tmp_path, "a.md", "c.md")
    assert names(tmp_path) == {"a.md", "c.md"}


def test_files_of_other_people_stay(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.md")
    (tmp_path / "notes.md").write_text("mine")
    (tmp_path / "b.md").write_text("changed by hand")
    make(tmp_path, "a.md")
    assert names(tmp_path) == {"a.md", "b.md", "notes.md"}


def test_a_folder_without_a_list_keeps_everything(tmp_path: Path) -> None:
    (tmp_path / "old.png").write_bytes(b"of an earlier version")
    make(tmp_path, "a.md")
    assert names(tmp_path) == {"a.md", "old.png"}


@pytest.mark.parametrize("name", ["../outside.md", "/etc/passwd", "..", ".hidden", "sub/file.md"])
def test_a_list_that_names_what_lies_elsewhere_is_not_followed(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    make(folder, "a.md")
    outside = tmp_path / "outside.md"
    outside.write_bytes(b"content of a.md")
    checksum = (folder / LIST).read_text().split()[0]
    (folder / LIST).write_text(f"{checksum}  {name}\n")
    make(folder, "b.md")
    assert outside.exists()
    assert names(folder) == {"a.md", "b.md"}


def test_a_link_of_a_listed_name_is_left_alone_and_so_is_what_it_points_to(tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    make(folder, "a.md")
    kept = tmp_path / "kept.md"
    (folder / "a.md").rename(kept)
    (folder / "a.md").symlink_to(kept)
    make(folder, "b.md")
    assert kept.exists()
    assert (folder / "a.md").is_symlink()


def test_an_error_removes_nothing_and_forgets_nothing(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.md")
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(OSError, match="directory"):
        make(tmp_path, "c.md", "folder.md")
    (tmp_path / "folder.md").rmdir()
    assert names(tmp_path) == {"a.md", "b.md", "c.md"}
    make(tmp_path, "d.md")
    assert names(tmp_path) == {"d.md"}
