"""Workers of pytest-xdist do not compete for the cores: each computes with one thread, in NumPy and in PyTorch."""

from __future__ import annotations

import subprocess
import sys

import pytest
from threadpoolctl import threadpool_info

from tests.fixtures.one_thread import PARALLEL

pytestmark = pytest.mark.skipif(not PARALLEL, reason="only workers of pytest-xdist are limited to one thread")


def test_numpy_and_torch_compute_with_one_thread() -> None:
    import numpy as np
    import torch

    _ = np.ones((2, 2)) @ np.ones((2, 2))
    assert torch.get_num_threads() == 1
    pools = threadpool_info()
    assert any(pool["internal_api"] == "openblas" for pool in pools) or any(
        pool["internal_api"] == "mkl" for pool in pools
    )
    assert {pool["num_threads"] for pool in pools} == {1}, pools


def test_child_processes_compute_with_one_thread() -> None:
    program = "import numpy, threadpoolctl; print({pool['num_threads'] for pool in threadpoolctl.threadpool_info()})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{1}"


def test_a_verb_takes_one_thread() -> None:
    from tumorlens.cli.common import use_threads

    assert use_threads(None) == 1
