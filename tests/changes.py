"""Changes at random to what a file holds: bits of it, and values in its JSON."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

# What stands where something else should: other types, other sizes, and what is not to be shown.
ODD_VALUES: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        (
            *(None, True, "", [], {}, -1, 0, 1, 0.5, 10**9, 2**31, 2**63, 10**30, 1e308, -1e-308),
            *(float("nan"), float("inf"), "../../x", "\x1b[2J", "\u202e", "\ud800", "a" * 2000),
            *([[]], [1] * 1000, {"class_name": "Lambda"}, "mlp", "cnn", "F16", [784, 512], [0, 0]),
        )
    ),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
)


def flipped(
    content: bytes, data: st.DataObject, *, header_bytes: int = 0, footer_bytes: int = 0
) -> bytes:
    """The content with a few bits flipped, perhaps cut off, perhaps with bytes behind it.

    Half of the bits lie within the first ``header_bytes`` and the last ``footer_bytes``, where
    there are such: that is where a file says what it is.
    """
    ends = [st.integers(0, len(content) - 1)]
    if header_bytes:
        ends.append(st.integers(0, min(header_bytes, len(content)) - 1))
    if footer_bytes:
        ends.append(st.integers(max(0, len(content) - footer_bytes), len(content) - 1))
    places = data.draw(st.lists(st.one_of(ends), max_size=4))
    changed = bytearray(content)
    for place in places:
        changed[place] ^= 1 << data.draw(st.integers(0, 7))
    if data.draw(st.integers(0, 9)) == 0:
        del changed[data.draw(st.integers(0, len(changed) - 1)) :]
    if data.draw(st.integers(0, 9)) == 0:
        changed += data.draw(st.binary(max_size=50))
    return bytes(changed)


def changed_json(value: Any, data: st.DataObject) -> Any:
    """A copy of a JSON value in which one to three values are others, or gone."""
    changed = deepcopy(value)
    for _ in range(data.draw(st.integers(1, 3))):
        parents = list(_parents(changed))
        if not parents:
            return _odd_value(data)
        parent = data.draw(st.sampled_from(parents))
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()):
            parent[key] = _odd_value(data)
        else:
            del parent[key]
    return changed


def _odd_value(data: st.DataObject) -> Any:
    """A copy: what is put in may be changed in its turn."""
    return deepcopy(data.draw(ODD_VALUES))


def _parents(value: Any) -> Iterator[Any]:
    """Every object and array with something in it."""
    if isinstance(value, dict | list) and value:
        yield value
        for part in value.values() if isinstance(value, dict) else value:
            yield from _parents(part)
