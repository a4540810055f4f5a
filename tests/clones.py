"""A copy of the project in another folder, and an environment with other people's packages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path

from tests.imports import PACKAGES, ROOT

FOREIGN = "raise SystemExit('another project\\'s package was imported: ' + __name__)\n"


def copy_of_the_project(folder: Path) -> Path:
    """What runs need, as a clone has it."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(ROOT / "run_all.py", folder)
    return folder


def bare_environment(folder: Path) -> Path:
    """An environment with nothing installed, not even pip; its interpreter."""
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def environment_with_foreign_packages(folder: Path) -> Path:
    """The packages of this environment, and before them others of the project's names."""
    python = bare_environment(folder)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    asked = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    installed = Path(asked.stdout.strip())
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (installed / "ours.pth").write_text("\n".join(sorted(ours)), encoding="utf-8")
    for package in PACKAGES:
        (installed / package).mkdir()
        (installed / package / "__init__.py").write_text(FOREIGN)
    return python
