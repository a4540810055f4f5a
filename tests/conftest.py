"""What every test is run under: a private cache, and no CUDA test without a GPU."""

from __future__ import annotations

import os
from collections.abc import Iterator

# Before NumPy is imported, which reads them once. Two threads of OpenBLAS slow each other down many
# times where anything else runs beside them. Threads that spin while they wait make PyTorch 16
# times slower where another program runs beside it, as another test does here; asleep they cost it
# less than a third: see docs/method.md.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import pytest
from hypothesis import HealthCheck, settings

from bench.machine import hardware
from bench.run import interpreters

# How many examples hypothesis tries: in every run of the tests, and by
# ``pytest --hypothesis-profile thorough`` for hours of patience.
USUAL = settings(
    max_examples=40,
    deadline=None,  # on a machine of any speed
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("usual", USUAL)
settings.register_profile("thorough", USUAL, max_examples=5_000)
settings.load_profile("usual")


@pytest.fixture(scope="session", autouse=True)
def private_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep converted data in a temporary folder: the user's cache is never touched.

    Nor is an environment of the clone used that lies beside the one in which the tests run. One
    folder, for what frameworks compile, is shared with the processes that test beside this one.
    """
    own = tmp_path_factory.getbasetemp()
    every = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLYPHBENCH_TEST_COMPILED", str(every / "compiled"))
        patch.setenv("GLYPHBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv(interpreters.FOLDER, str(tmp_path_factory.mktemp("environments")))
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests marked ``cuda`` where the NVIDIA driver knows of no GPU.

    Where it does, warnings are no errors in them: what a GPU, its age and its driver give rise to
    nobody has seen before the test runs there, and it must not fail of words.
    """
    skip = pytest.mark.skip(reason="no NVIDIA GPU: the driver is absent or lists none")
    mark = pytest.mark.filterwarnings("default") if hardware.gpus() else skip
    for item in items:
        if item.get_closest_marker("cuda"):
            item.add_marker(mark)
