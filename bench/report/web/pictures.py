"""The folder's own plots as the page carries them: each as deflated SVG or as PNG, the smaller."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Plotted:
    """One page of a plot, as it lies in a folder of plots."""

    title: str
    caption: str  # how to read it
    conditions: str  # what is equal in all its panels
    stem: str  # of its PNG and its SVG, without the ending


@dataclass(frozen=True, kw_only=True)
class Image:
    """What the page draws."""

    stem: str
    kind: str  # its media type
    content: str  # deflated, in base64


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Those that there is room for, and those that there is none for."""

    shown: list[tuple[Plotted, Image]]
    left_out: list[Plotted]


def pictures(
    folder: Path, plots: Sequence[Sequence[Plotted]], most_characters: int
) -> Pictures | None:
    """As many as there is room for, the first page of every plot before all further ones.

    Args:
        folder: where their files lie.
        plots: the pages of each plot.
        most_characters: of all images together, in base64.

    Returns:
        Both lists in the order of ``plots``; None where nothing is plotted.

    Raises:
        OSError: where a file cannot be read.
    """
    images: dict[str, Image] = {}
    for plotted in filter(None, chain.from_iterable(zip_longest(*plots))):
        image = _image(folder, plotted.stem)
        if len(image.content) <= most_characters:
            most_characters -= len(image.content)
            images[plotted.stem] = image
    pages = list(chain.from_iterable(plots))
    if not pages:
        return None
    return Pictures(
        shown=[(page, images[page.stem]) for page in pages if page.stem in images],
        left_out=[page for page in pages if page.stem not in images],
    )


def _image(folder: Path, stem: str) -> Image:
    kinds: Iterable[tuple[str, str]] = ((".svg", "image/svg+xml"), (".png", "image/png"))
    images = (
        Image(stem=stem, kind=kind, content=packed((folder / f"{stem}{ending}").read_bytes()))
        for ending, kind in kinds
    )
    return min(images, key=lambda image: len(image.content))


def packed(content: bytes) -> str:
    """Deflated, in base64, as ``unpack.js`` reads it."""
    return base64.b64encode(zlib.compress(content, 9)).decode()
