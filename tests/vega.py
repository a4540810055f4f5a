"""Writes ``bench/report/web/vega.js`` as the package vl-convert-python brings it: ``make vega``."""

from __future__ import annotations

from importlib.metadata import version

import vl_convert

from bench.report.web.page import HERE
from bench.results import write_atomically

PACKAGE = "vl-convert-python"
VEGA = HERE / "vega.js"
EXPORTS = "window.vegaEmbed=vegaEmbed;"


def bundle() -> bytes:
    """Vega and Vega-Lite for a page, minified, with a line that says where they come from."""
    origin = (
        "/* Vega, Vega-Lite and Vega-Embed, (c) University of Washington Interactive Data Lab and "
        "contributors, BSD-3-Clause, https://vega.github.io; "
        f"as bundled by {PACKAGE} {version(PACKAGE)} */\n"
    )
    # It is a module: in a function its names are no global ones, and it is strict.
    module = vl_convert.javascript_bundle(EXPORTS)
    return f'{origin}(() => {{"use strict";{module}\n}})();\n'.encode()


if __name__ == "__main__":
    write_atomically(VEGA, bundle())
