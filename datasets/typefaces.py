"""Printed characters as distance fields: what ``datasets.glyphs`` distorts.

A signed distance field holds, for every point of a grid, how far the outline of the
character is, positive inside (C. Green, 'Improved Alpha-Tested Magnification for Vector
Textures and Special Effects', SIGGRAPH 2007). Unlike pixels it can be sampled at any scale,
and adding a constant makes every stroke thicker.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

# The text fonts among those that matplotlib carries. Its others hold symbols, old-style
# figures (cmmi10) or placeholders (LastResort) where the digits and letters should be.
FONT_NAMES = (
    "DejaVuSans",
    "DejaVuSans-Bold",
    "DejaVuSans-BoldOblique",
    "DejaVuSans-Oblique",
    "DejaVuSansMono",
    "DejaVuSansMono-Bold",
    "DejaVuSansMono-BoldOblique",
    "DejaVuSansMono-Oblique",
    "DejaVuSerif",
    "DejaVuSerif-Bold",
    "DejaVuSerif-BoldItalic",
    "DejaVuSerif-Italic",
    "STIXGeneral",
    "STIXGeneralBol",
    "STIXGeneralBolIta",
    "STIXGeneralItalic",
    "cmb10",
    "cmr10",
    "cmss10",
    "cmti10",
    "cmtt10",
)

CELLS_PER_PIXEL = 4  # the grid of a field is this much finer than the 28x28 image
GRID_CELLS = 28 * CELLS_PER_PIXEL
BOX_CELLS = 20 * CELLS_PER_PIXEL  # MNIST fits each digit into 20x20 of its 28x28 pixels
_DRAWN_SIZE = 160  # points; large against BOX_CELLS, so that shrinking to it leaves no steps


def font_folder() -> Path:
    """Where matplotlib keeps its TrueType fonts; found without importing it.

    Raises FileNotFoundError where matplotlib is not installed.
    """
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            "drawing glyphs needs the fonts of matplotlib, which is not installed here"
        )
    return Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"


@cache
def distance_fields(characters: str) -> NDArray[np.float32]:
    """Each character in each font of ``FONT_NAMES``, centred on its centre of mass.

    Returns (characters, fonts, GRID_CELLS, GRID_CELLS) float32: the distance to the outline
    in pixels of the final image, positive inside the stroke.
    """
    folder = font_folder()
    return np.stack(
        [
            np.stack([_distance_field(_mask(c, folder / f"{name}.ttf")) for name in FONT_NAMES])
            for c in characters
        ]
    )


def _mask(character: str, font_path: Path) -> NDArray[np.bool_]:
    """The character, its longer side BOX_CELLS, as a (GRID_CELLS, GRID_CELLS) mask."""
    from PIL import Image, ImageDraw, ImageFont

    # The basic layout engine is part of Pillow itself: the same everywhere.
    font = ImageFont.truetype(font_path, _DRAWN_SIZE, layout_engine=ImageFont.Layout.BASIC)
    drawn = Image.new("L", (3 * _DRAWN_SIZE, 3 * _DRAWN_SIZE))
    ImageDraw.Draw(drawn).text((_DRAWN_SIZE, _DRAWN_SIZE), character, fill=255, font=font)
    cut = drawn.crop(drawn.getbbox())
    shrink = BOX_CELLS / max(cut.size)
    size = (max(1, round(cut.width * shrink)), max(1, round(cut.height * shrink)))
    ink = np.asarray(cut.resize(size, Image.Resampling.BOX)) >= 128
    return _centred(ink)


def _centred(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Put the ink's centre of mass into the middle of the grid, as MNIST does."""
    rows, columns = np.nonzero(ink)
    top = round(GRID_CELLS / 2 - rows.mean())
    left = round(GRID_CELLS / 2 - columns.mean())
    mask = np.zeros((GRID_CELLS, GRID_CELLS), dtype=np.bool_)
    # A lopsided character (L, J) may not fit so: then it stays as near as the grid allows.
    top = min(max(top, 0), GRID_CELLS - ink.shape[0])
    left = min(max(left, 0), GRID_CELLS - ink.shape[1])
    mask[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return mask


def _distance_field(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    from scipy.ndimage import distance_transform_edt

    inside, outside = distance_transform_edt(mask), distance_transform_edt(~mask)
    return np.asarray((inside - outside) / CELLS_PER_PIXEL, dtype=np.float32)
