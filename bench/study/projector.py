"""The files that TensorFlow's Embedding Projector reads: the spaces of the clusters.

    tensorboard --logdir results/NAME/study/TASK/projector

projector_config.pbtxt   one embedding a space, with paths relative to it
SPACE.tsv                vectors, a line each, numbers apart by tabs
SPACE_metadata.tsv       a line each below the names of its columns
sprite.png               all images in a grid, row by row, black on white, one for all spaces

The form is TensorBoard's: https://www.tensorflow.org/tensorboard/tensorboard_projector_plugin.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report.tables.table import Table, fact_table
from bench.results.made import making
from bench.study.artifact import Artifact, Study, Tables, facts
from bench.study.clusters import Points, Space, choose, spaces

TITLE = "The Embedding Projector"
NEEDS = "a run that ended well"
SIDE = 28  # pixels of an image in the sprite
CONFIG = "projector_config.pbtxt"
SPRITE = "sprite.png"


def make(study: Study) -> Iterator[Artifact]:
    """Write the files; yield the table that lists them."""
    if not study.predictions:
        return
    points = choose(study.dataset)
    listed = list(spaces(study, points))
    folder = study.folder / "projector"
    files = {
        SPRITE: sprite(points.images),
        CONFIG: config([space.name for space in listed]).encode(),
    }
    for space in listed:
        files[f"{space.name}.tsv"] = vectors(space.vectors).encode()
        files[f"{space.name}_metadata.tsv"] = metadata(points, space).encode()
    with making(folder) as made:
        for name, content in files.items():
            made.write(name, content)
    yield _table(study, listed, files)


def finding(tables: Tables) -> str:
    """That there are files to be looked at."""
    spaces = len(facts(tables, "projector"))
    return f"{spaces} spaces of the clusters, to be turned around in a browser." if spaces else ""


def vectors(values: NDArray[np.float32]) -> str:
    """(n, d) -> n lines of d numbers, four digits each: the eye sees no more."""
    lines = io.StringIO()
    np.savetxt(lines, values, fmt="%.4g", delimiter="\t")
    return lines.getvalue()


def metadata(points: Points, space: Space) -> str:
    """A line each: index among the test images, label, and what the space's model says of it."""
    columns: dict[str, Sequence[object]] = {
        "index": points.indices.tolist(),
        "label": [points.class_names[label] for label in points.labels],
    }
    if space.model is not None:
        predicted = space.model.shown.predicted[points.indices]
        columns |= {
            "said": [points.class_names[label] for label in predicted],
            "right": ["yes" if right else "NO" for right in predicted == points.labels],
            "probability": [f"{value:.4f}" for value in space.model.certainty[points.indices]],
        }
    return pd.DataFrame(columns).to_csv(sep="\t", index=False, lineterminator="\n")


def sprite(images: NDArray[np.uint8]) -> bytes:
    """(n, 28, 28) -> one PNG, as many columns as rows; the last row may have empty cells.

    Black on white: the projector multiplies an image by the colour of its point, so that white
    becomes the colour, and black tiles would hide one another on its white ground.
    """
    from PIL import Image

    side = math.ceil(math.sqrt(len(images)))
    tiles = np.full((side * side, SIDE, SIDE), 255, np.uint8)
    tiles[: len(images)] -= images
    grid = tiles.reshape(side, side, SIDE, SIDE).swapaxes(1, 2).reshape(side * SIDE, side * SIDE)
    content = io.BytesIO()
    Image.fromarray(grid).save(content, "PNG")
    return content.getvalue()


def config(names: Sequence[str]) -> str:
    """The protocol buffer ``ProjectorConfig`` as text."""
    form = (
        "embeddings {{\n"
        '  tensor_name: "{name}"\n'
        '  tensor_path: "{name}.tsv"\n'
        '  metadata_path: "{name}_metadata.tsv"\n'
        '  sprite {{ image_path: "{sprite}" single_image_dim: {side} single_image_dim: {side} }}\n'
        "}}\n"
    )
    return "".join(form.format(name=name, sprite=SPRITE, side=SIDE) for name in names)


def _table(study: Study, listed: Sequence[Space], files: Mapping[str, bytes]) -> Table:
    return fact_table(
        name="projector",
        title=f"Files for the Embedding Projector, {study.subject}",
        explanation=(
            "The spaces of the clusters to be turned around in a browser, with every image as its "
            "own point: `tensorboard --logdir` with the folder `projector` beside this page, then "
            "the tab 'Projector'. Colour by label, or by 'right' to find the errors; PCA, t-SNE "
            "and UMAP are computed there anew."
        ),
        rows=[
            {
                "space": space.title,
                "points": len(space.vectors),
                "dimensions": space.vectors.shape[1],
                "file": f"{space.name}.tsv",
                "bytes": len(files[f"{space.name}.tsv"]),
            }
            for space in listed
        ],
        formats={",d": ("points", "dimensions", "bytes")},
    )
