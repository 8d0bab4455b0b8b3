"""Shared by the tests: the packages, as far as they are installed."""
import importlib.util
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
if importlib.util.find_spec("torch"):
    os.environ.setdefault("KERAS_BACKEND", "torch")
elif importlib.util.find_spec("jax"):
    os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture(scope="session")
def keras():
    """Keras 3 with PyTorch or JAX, or Keras 2 with TensorFlow."""
    found = pytest.importorskip("keras")
    found.utils.set_random_seed(3)
    return found


@pytest.fixture(scope="session")
def torch():
    pytest.importorskip("onnx")
    found = pytest.importorskip("torch")
    found.manual_seed(1)
    return found
