"""Real files of Keras and PyTorch's ONNX exporter, converted and compared with the original.

    python -m pytest examples/convert/tests

Without Keras, PyTorch, onnx or onnxruntime the tests that need them say so.
"""
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from tocsin_convert import Dense, Lstm, Network, Unsupported, keras_file, tocsin_file
from tocsin_convert.command import main

TIME = 10


@pytest.fixture(scope="session")
def keras():
    pytest.importorskip("torch")
    found = pytest.importorskip("keras")
    found.utils.set_random_seed(3)
    return found


def chain(keras, *layers, features=3, name=None):
    return keras.Sequential([keras.Input((TIME, features)), *layers], name=name)


# What is built, and how many features it reads.
KERAS_MODELS = {
    "one_layer": lambda k: chain(k, k.layers.LSTM(5, return_sequences=True)),
    "last_step": lambda k: chain(k, k.layers.LSTM(5), k.layers.Dense(2)),
    "two_layers": lambda k: chain(
        k, k.layers.LSTM(6, return_sequences=True), k.layers.LSTM(4), k.layers.Dense(3)),
    "three_layers": lambda k: chain(
        k, *(k.layers.LSTM(n, return_sequences=True) for n in (7, 5, 3)), k.layers.Dense(1)),
    "dropout": lambda k: chain(
        k, k.layers.LSTM(4, return_sequences=True, dropout=0.3, recurrent_dropout=0.2),
        k.layers.Dropout(0.5), k.layers.Dense(3)),
    "time_distributed": lambda k: chain(
        k, k.layers.LSTM(4, return_sequences=True), k.layers.TimeDistributed(k.layers.Dense(3))),
    "deep_head": lambda k: chain(
        k, k.layers.LSTM(4), k.layers.Dense(6, activation="relu"), k.layers.Dense(5),
        k.layers.Activation("relu"), k.layers.Dense(2)),
    "no_bias": lambda k: chain(
        k, k.layers.LSTM(4, use_bias=False, return_sequences=True), k.layers.Dense(2, use_bias=False)),
    "names_out_of_order": lambda k: chain(
        k, k.layers.LSTM(4, return_sequences=True, name="z_first"),
        k.layers.LSTM(4, name="a_second"), k.layers.Dense(4, activation="relu", name="lstm"),
        k.layers.Dense(4, name="dense_7")),
    "odd_sizes": lambda k: chain(k, k.layers.LSTM(1), k.layers.Dense(1), features=9),
}


def functional(keras):
    samples = keras.Input((TIME, 2))
    hidden = keras.layers.LSTM(3, return_sequences=True)(samples)
    return keras.Model(samples, keras.layers.Dense(2)(hidden))


def set_biases(model):
    """Keras starts with zero biases, which would hide a mistake."""
    generator = np.random.default_rng(5)
    model.set_weights([w + 0.3 * generator.standard_normal(w.shape).astype(w.dtype)
                       for w in model.get_weights()])


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("name", [*KERAS_MODELS, "functional"])
def test_keras_models_compute_the_same(keras, tmp_path, name, ending):
    model = functional(keras) if name == "functional" else KERAS_MODELS[name](keras)
    set_biases(model)
    path = tmp_path / f"model.{ending}"
    model.save(path)
    network = keras_file.read(path)
    series = np.random.default_rng(7).standard_normal((TIME, network.lstm[0].inputs))
    expected = np.array(model(series[None].astype(np.float32)).detach().cpu())[0]
    assert np.abs(network.forward(series) - expected.reshape(-1, expected.shape[-1])).max() < 2e-6

    # The written file holds the network and a probe of it.
    output = tmp_path / "model.safetensors"
    assert main([str(path), "-o", str(output)]) == 0
    again = tocsin_file.read(output)
    assert again.description() == network.description()
    assert np.abs(again.forward(series) - network.forward(series)).max() < 1e-6


KERAS_REFUSED = {
    "activation 'relu'": lambda k: chain(k, k.layers.LSTM(3, activation="relu")),
    "hard_sigmoid": lambda k: chain(k, k.layers.LSTM(3, recurrent_activation="hard_sigmoid")),
    "go_backwards": lambda k: chain(k, k.layers.LSTM(3, go_backwards=True)),
    "(GRU): is not supported": lambda k: chain(k, k.layers.GRU(3)),
    "(Bidirectional): is not": lambda k: chain(k, k.layers.Bidirectional(k.layers.LSTM(3))),
    "(Conv1D): is not supported": lambda k: chain(k, k.layers.Conv1D(4, 3), k.layers.LSTM(3)),
    "(BatchNormalization): is not": lambda k: chain(
        k, k.layers.LSTM(3), k.layers.BatchNormalization()),
    "expected 'linear'": lambda k: chain(k, k.layers.LSTM(3), k.layers.Dense(2, activation="relu")),
    "activation 'softmax'": lambda k: chain(
        k, k.layers.LSTM(3), k.layers.Dense(2, activation="softmax")),
    "follows a dense layer": lambda k: chain(
        k, k.layers.LSTM(3, return_sequences=True), k.layers.Dense(2), k.layers.LSTM(3)),
    "a hidden dense layer": lambda k: chain(k, k.layers.LSTM(3), k.layers.Dense(2), k.layers.Dense(2)),
    "has no LSTM layer": lambda k: chain(k, k.layers.Dense(2)),
}


@pytest.mark.parametrize("reason", KERAS_REFUSED)
def test_what_tocsin_does_not_compute_is_refused_by_name(keras, tmp_path, capsys, reason):
    path = tmp_path / "model.keras"
    KERAS_REFUSED[reason](keras).save(path)
    output = tmp_path / "model.safetensors"
    assert main([str(path), "-o", str(output)]) == 1
    assert reason in capsys.readouterr().err
    assert not list(tmp_path.glob("*.safetensors*"))


def test_two_branches_are_refused(keras, tmp_path):
    samples = keras.Input((TIME, 2))
    first = keras.layers.LSTM(3)(samples)
    second = keras.layers.LSTM(3)(samples)
    model = keras.Model(samples, keras.layers.Dense(1)(keras.layers.Concatenate()([first, second])))
    model.save(tmp_path / "model.keras")
    with pytest.raises(Unsupported):
        keras_file.read(tmp_path / "model.keras")


def test_weights_without_the_model_are_refused(keras, tmp_path):
    KERAS_MODELS["last_step"](keras).save_weights(tmp_path / "only.weights.h5")
    with pytest.raises(Unsupported, match="weights alone"):
        keras_file.read(tmp_path / "only.weights.h5")


def some_network(last_step_only=False):
    generator = np.random.default_rng(11)

    def values(*shape):
        return 0.5 * generator.standard_normal(shape)

    return Network([Lstm(values(16, 2), values(16, 4), values(16)),
                    Lstm(values(12, 4), values(12, 3), values(12))],
                   [Dense(values(5, 3), values(5), "relu"), Dense(values(2, 5), values(2))],
                   last_step_only)


@pytest.mark.parametrize("last_step_only", [False, True])
def test_onnx_is_written_and_read(tmp_path, last_step_only):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    from tocsin_convert import onnx_file

    network = some_network(last_step_only)
    onnx_file.write(network, tmp_path / "model.onnx")
    series = np.random.default_rng(2).standard_normal((TIME, 2))
    session = runtime.InferenceSession(str(tmp_path / "model.onnx"))
    output = session.run(None, {"samples": series[:, None].astype(np.float32)})[0]
    assert np.abs(output[:, 0] - network.forward(series)).max() < 1e-5
    again = onnx_file.read(tmp_path / "model.onnx")
    assert again.description() == network.description()
    assert np.abs(again.forward(series) - network.forward(series)).max() < 1e-6


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("layers", [1, 2])
def test_what_pytorch_exports_is_read(tmp_path, batch_first, layers):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from tocsin_convert import onnx_file

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = torch.nn.LSTM(3, 5, layers, batch_first=batch_first)
            self.head = torch.nn.Linear(5, 2)

        def forward(self, x):
            return self.head(self.lstm(x)[0])

    torch.manual_seed(1)
    model = Model()
    sample = torch.randn((1, TIME, 3) if batch_first else (TIME, 1, 3))
    try:
        torch.onnx.export(model, (sample,), tmp_path / "model.onnx", dynamo=False)
    except Exception as problem:  # the exporter's own requirements
        pytest.skip(f"PyTorch does not export here: {problem}")
    network = onnx_file.read(tmp_path / "model.onnx")
    series = sample.reshape(TIME, 3)
    expected = model(sample).detach().numpy().reshape(TIME, 2)
    assert np.abs(network.forward(series.numpy().astype(float)) - expected).max() < 1e-6


def test_onnx_that_is_not_a_chain_of_lstm_is_refused(tmp_path, capsys):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    for module, reason in ((torch.nn.GRU(3, 4), "GRU"), (torch.nn.LSTM(3, 4, bidirectional=True),
                                                         "bidirectional")):
        try:
            torch.onnx.export(module, (torch.randn(TIME, 1, 3),), tmp_path / "model.onnx",
                              dynamo=False)
        except Exception as problem:
            pytest.skip(f"PyTorch does not export here: {problem}")
        assert main([str(tmp_path / "model.onnx"), "-o", str(tmp_path / "m.safetensors")]) == 1
        assert reason in capsys.readouterr().err


def test_a_file_that_was_written_by_tocsin_becomes_onnx(tmp_path):
    pytest.importorskip("onnx")
    network = some_network()
    tocsin_file.write(network, tmp_path / "model.safetensors")
    assert main([str(tmp_path / "model.safetensors"), "-o", str(tmp_path / "model.onnx")]) == 0


def test_bad_numbers_and_endings_are_refused(tmp_path, capsys):
    network = some_network()
    network.lstm[0].bias[3] = np.nan
    with pytest.raises(Unsupported, match="not finite"):
        tocsin_file.write(network, tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())
    assert main(["model.pt", "-o", str(tmp_path / "model.safetensors")]) == 1
    assert ".pt" in capsys.readouterr().err
    (tmp_path / "broken.keras").write_bytes(b"no zip file")
    assert main([str(tmp_path / "broken.keras"), "-o", str(tmp_path / "m.safetensors")]) == 1


def test_the_package_runs_as_a_module(tmp_path):
    tocsin_file.write(some_network(), tmp_path / "a.safetensors")
    package = pathlib.Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "tocsin_convert.command", str(tmp_path / "a.safetensors"), "-o",
         str(tmp_path / "b.safetensors")], cwd=package, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["lstm"] == [4, 3]
