"""The build backend that pyproject.toml names: it builds nothing, and says what to do instead.

The packages of this project are called bench, datasets and models. Installed, they would overwrite
others of those names without a word, such as Hugging Face's datasets, and uninstalling them would
leave those broken.
"""

from typing import NoReturn

REASON = (
    "glyphbench is not installed: it runs from its clone, since its packages bench, datasets and "
    "models would overwrite others of those names. In the clone's folder: "
    "python -m pip install -r requirements.txt, then python run_all.py"
)


def _refuse(*_: object, **__: object) -> NoReturn:
    raise SystemExit(REASON)


# All that a front end such as pip may ask a build backend for.
get_requires_for_build_wheel = get_requires_for_build_editable = _refuse
get_requires_for_build_sdist = build_wheel = build_editable = build_sdist = _refuse
