"""Vega-Lite with Vega, which draw the chart of the page, as vl-convert-python brings them."""

from __future__ import annotations

from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from bench.results import write_atomically
from datasets.cache import cache_folder

PACKAGE = "vl-convert-python"


def script(cache_dir: Path | None = None) -> str:
    """Both for a page, minified, with a line that says where they come from.

    Put together by the package once, which takes 1.5 s, and kept in the user's cache folder.

    Args:
        cache_dir: None for GLYPHBENCH_CACHE or the user's cache folder.
    """
    kept = cache_folder(cache_dir) / f"vega-{version(PACKAGE)}.js"
    with suppress(OSError, UnicodeDecodeError):  # not made yet, or not to be read
        return kept.read_text(encoding="utf-8")
    made = _bundle()
    with suppress(OSError):  # a cache that cannot be written costs the next report a second
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(kept, made.encode())
    return made


def _bundle() -> str:
    import vl_convert  # late: it is needed once

    origin = (
        "/* Vega, Vega-Lite and Vega-Embed, (c) University of Washington Interactive Data Lab and "
        "contributors, BSD-3-Clause, https://vega.github.io; "
        f"as bundled by {PACKAGE} {version(PACKAGE)} */\n"
    )
    # It is a module: in a function its names are no global ones, and it is strict.
    module = vl_convert.javascript_bundle("window.vegaEmbed=vegaEmbed;")
    return f'{origin}(() => {{"use strict";{module}\n}})();\n'
