"""``index.html`` of a task's study: all pictures and tables in one file that a double click opens.

Texts are escaped by the template, those with explained words here; it has no data and one line of
script, and what it draws is in it: pictures in less width and fewer colours than their files have.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from bench.report.tables.table import Table, as_shown
from bench.study.glossary import WORDS

if TYPE_CHECKING:
    from markupsafe import Markup

WIDTH, COLOURS = 1440, 64  # of a picture on the page, at most: a fifth of the bytes, sharp enough
MOST_BYTES = 6_000_000  # of all pictures as they stand on the page: enough for the study's presets
MOST_ROWS = 250  # of a table on the page: the whole is in its file
TERM = re.compile(
    rf"(?<!\w)({'|'.join(map(re.escape, sorted(WORDS, key=len, reverse=True)))})(?:s|es)?(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """A picture or a table, as the study's pages show it."""

    name: str  # of its files, without the ending
    title: str  # the data's name, which stands above all of them, is left out
    caption: str
    main: bool = False  # True: a picture that shows what its part found
    image: bytes | None = None  # of a picture: PNG, made ``small``
    table: Table | None = None  # of a table


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a step of the study left."""

    title: str
    finding: str  # a sentence or two; empty: none
    needs: str  # what must have been run for it to leave anything
    exhibits: Sequence[Exhibit]

    @property
    def anchor(self) -> str:
        """Where it stands on the page: 'the-best-checkpoint'."""
        return re.sub(r"\W+", "-", self.title.lower())

    @property
    def in_order(self) -> list[tuple[Exhibit, bool]]:
        """What shows its finding first; then the others, and whether each is folded.

        Open are pictures of another kind than those before them: of a kind are those with the
        same caption, such as one a model, and a caption is read once.
        """
        seen: set[str] = set()
        ordered = []
        for exhibit in sorted(self.exhibits, key=lambda exhibit: not exhibit.main):
            ordered.append((exhibit, exhibit.table is not None or exhibit.caption in seen))
            seen.add(exhibit.caption)
        return ordered


def page(title: str, opening: Sequence[str], parts: Sequence[Part]) -> bytes:
    """The page of a study; the same parts give the same bytes.

    Args:
        title: above it.
        opening: paragraphs below the title, notices first.
        parts: in the order of the steps.
    """
    import jinja2  # late: a study has other things to do first

    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"explained": explained, "as_shown": as_shown}
    style = (files("bench.report.web") / "style.css").read_text("utf-8")
    html = environment.from_string((files("bench.study") / "page.html").read_text("utf-8")).render(
        title=title,
        opening=opening,
        parts=parts,
        images=images(parts),
        style=environment.filters["safe"](style),  # our own
        glossary=WORDS,
        most_rows=MOST_ROWS,
    )
    return html.encode()


def images(parts: Iterable[Part]) -> dict[str, str]:
    """The pictures that there is room for, in base64, by name: what parts found before the rest."""
    pictures = [each for part in parts for each in part.exhibits if each.image is not None]
    room, inlined = MOST_BYTES, {}
    for picture in sorted(pictures, key=lambda picture: not picture.main):
        content = base64.b64encode(picture.image or b"").decode()
        if len(content) <= room:
            room -= len(content)
            inlined[picture.name] = content
    return inlined


def small(png: bytes) -> bytes:
    """The picture in less width and fewer colours; as it was where that is no smaller."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as opened:
        picture = opened.convert("RGB")
    if picture.width > WIDTH:
        size = (WIDTH, round(picture.height * WIDTH / picture.width))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    few = picture.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG")
    return min(out.getvalue(), png, key=len)


def explained(text: str) -> Markup:
    """The text, escaped, with each word of the glossary explained where it first stands."""
    from markupsafe import Markup

    return Markup("").join(_explained(text))


def _explained(text: str) -> Iterator[str]:
    from markupsafe import Markup, escape

    meanings = {word.lower(): meaning for word, meaning in WORDS.items()}
    said: set[str] = set()
    end = 0
    for match in TERM.finditer(text):
        word = match[1].lower()
        if word in said:
            continue
        said.add(word)
        yield escape(text[end : match.start()])
        yield Markup('<dfn tabindex="0">{}<span role="tooltip">{}</span></dfn>').format(
            match[0], meanings[word]
        )
        end = match.end()
    yield escape(text[end:])
