"""The C library's heap: having it keep the memory that a program frees. No framework.

By itself glibc gives every large block back to the system as soon as it is freed, and the system
hands out the next one page by page, each zeroed anew: a step of training then pays for fetching
its memory, each time.
"""

from __future__ import annotations

import ctypes
import platform

# glibc's malloc.h, and mallopt(3)
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
LARGEST = 2**31 - 1  # bytes, the largest that mallopt takes

KEPT = "kept by the process"
GIVEN_BACK = "as the system's C library does: it has no mallopt to be told by"


def keep() -> str:
    """Have freed memory kept from now on, for good; says in words whether it is.

    The blocks that this is for are larger than glibc's largest limit of itself, 32 MiB. They come
    from the heap then and no longer from the system (M_MMAP_THRESHOLD), and the heap's end is
    never given back (M_TRIM_THRESHOLD). macOS, Windows and musl have nothing like it.
    """
    if platform.libc_ver()[0] != "glibc":
        return GIVEN_BACK
    library = ctypes.CDLL(None)
    # mallopt answers 1 where it has taken a value; before 2.35 it takes no threshold above 32 MiB.
    kept = library.mallopt(M_MMAP_THRESHOLD, LARGEST) or library.mallopt(M_MMAP_MAX, 0)
    return KEPT if library.mallopt(M_TRIM_THRESHOLD, LARGEST) and kept else GIVEN_BACK
