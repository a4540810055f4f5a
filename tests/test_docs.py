"""What the pages say can be done: every link leads somewhere, every command can be read."""

from __future__ import annotations

import argparse
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import front
from bench.__main__ import COMMANDS
from tests.imports import ROOT
from tests.test_cli import Read, read_only

PAGES = sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("results/*.md")))
LINK = re.compile(r"\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each command of the project in the blocks of a page."""
    for block in BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["python"] and not {"…", "..."} & {*words}:
                yield words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    linked = LINK.findall(page.read_text(encoding="utf-8"))
    files = {link.partition("#")[0] for link in linked if "://" not in link}
    assert [file for file in files if file and not (page.parent / file).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_can_be_read(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", read_only)
    for words in commands(page):
        if words[1].endswith("run_all.py"):
            command, given = front.run_all, words[2:]
        elif words[1:3] == ["-m", "bench"]:
            module, _, function = COMMANDS[words[3]][0].partition(":")
            command, given = getattr(importlib.import_module(module), function or "main"), words[4:]
        else:
            continue
        with pytest.raises(Read) as caught:
            command(given)
        assert caught.value.args == ([],), words


def test_the_command_line_s_page_has_every_command() -> None:
    named = [words for words in commands(ROOT / "docs/command-line.md") if words[1] == "-m"]
    assert {words[3] for words in named} == {*COMMANDS}
