"""ONNX: what PyTorch exports is read, what is written runs in ONNX Runtime."""
import pathlib
import sys

import numpy as np
import pytest
from models import TIME, torch_blind_to_time, torch_models, torch_refused
from networks import NETWORKS
from safetensors.numpy import load_file

from tocsin_convert import tocsin_file
from tocsin_convert.command import main

FIXTURES = sorted((pathlib.Path(__file__).parents[3] / "tests" / "fixtures" / "converted").glob("*"))
NAMES = ["every_step", "two_layers", "last_step", "last_state", "bidirectional",
         "bidirectional_last_states", "fully_convolutional", "normalised_first", "dilated", "causal",
         "repeated_state", "expanded_state", "repeated_step", "repeated_directions", "upsampling",
         "leaky_relu_without_slope"]
REASONS = ["(GRU)", "stride", "group", "zeros before and 2 after", "(MaxPool)", "(Elu)",
           "does not follow", "reads other states", "reads other states than",
           "(LeakyRelu): a leaky ReLU with the slope 2,", "(LayerNormalization)", "expected zeros",
           "weights of 4 dimensions"]


def export(torch, module, sample, path, dynamo):
    module.eval()
    # Without constant folding a normalisation is kept instead of becoming part of a convolution.
    settings = {} if dynamo else {"do_constant_folding": False}
    try:
        torch.onnx.export(module, (sample,), str(path), dynamo=dynamo, **settings)
    except Exception as problem:  # the exporter's own requirements
        pytest.skip(f"PyTorch does not export here: {problem}")


@pytest.mark.parametrize("dynamo", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_what_pytorch_exports_is_read(torch, tmp_path, name, dynamo):
    from tocsin_convert import onnx_reader

    module = torch_models(torch)[name]
    sample = torch.randn(1, TIME, 3)
    export(torch, module, sample, tmp_path / "model.onnx", dynamo)
    network = onnx_reader.read(tmp_path / "model.onnx")
    expected = module(sample).detach().numpy().squeeze()
    output = network.forward(sample[0].numpy().astype(float)).squeeze()
    expected = expected if expected.shape == output.shape else expected.T
    assert np.abs(output - expected).max() < 2e-6
    assert all(0 < layer.number < 1 for layer in network.layers if layer.kind == "leaky_relu")
    assert main([str(tmp_path / "model.onnx"), "-o", str(tmp_path / "model.safetensors")]) == 0
    again = tocsin_file.read(tmp_path / "model.safetensors")
    assert again.description() == network.description()


@pytest.mark.parametrize("reason", REASONS)
def test_what_tocsin_does_not_compute_is_refused_by_name(torch, tmp_path, capsys, reason):
    module, shape = torch_refused(torch)[reason]
    export(torch, module, torch.randn(shape), tmp_path / "model.onnx", dynamo=False)
    assert main([str(tmp_path / "model.onnx"), "-o", str(tmp_path / "m.safetensors")]) == 1
    message = capsys.readouterr().err
    assert reason in message
    assert not list(tmp_path.glob("*.safetensors*"))


def export_of_any_length(torch, module, path):
    """The usual export of a model for series of any length: [1, time, 3]."""
    torch.onnx.export(module.eval(), (torch.randn(1, TIME, 3),), str(path), dynamo=False,
                      input_names=["x"], dynamic_axes={"x": {1: "time"}})


@pytest.mark.parametrize("name", ["every_step", "last_step", "last_state", "bidirectional",
                                  "bidirectional_last_states", "normalised_first", "dilated", "causal"])
def test_models_for_series_of_any_length_are_read(torch, tmp_path, name):
    from tocsin_convert import onnx_reader

    module = torch_models(torch)[name]
    export_of_any_length(torch, module, tmp_path / "model.onnx")
    sample = torch.randn(1, 2 * TIME, 3)
    expected = module(sample).detach().numpy().squeeze()
    output = onnx_reader.read(tmp_path / "model.onnx").forward(sample[0].numpy().astype(float)).squeeze()
    expected = expected if expected.shape == output.shape else expected.T
    assert np.abs(output - expected).max() < 2e-6


@pytest.mark.parametrize("name", ["flip, then the last step", "flip, then the mean", "mean over features",
                                  "maximum over features"])
def test_what_differs_only_over_several_steps_is_refused(torch, tmp_path, name):
    from tocsin_convert import Unsupported, onnx_reader

    export_of_any_length(torch, torch_blind_to_time(torch)[name], tmp_path / "model.onnx")
    with pytest.raises(Unsupported, match="does not compute what the model computes|end to the start"):
        onnx_reader.read(tmp_path / "model.onnx")


def test_a_recurrent_weight_that_the_reader_changed_would_be_noticed(torch, tmp_path, monkeypatch):
    from tocsin_convert import Unsupported, onnx_reader

    export_of_any_length(torch, torch_models(torch)["last_step"], tmp_path / "model.onnx")
    read = onnx_reader._lstm

    def changed(node):
        layer = read(node)
        layer.recurrent_weights = layer.recurrent_weights + 0.5
        return layer

    monkeypatch.setattr(onnx_reader, "_lstm", changed)
    with pytest.raises(Unsupported, match="a relative difference of"):
        onnx_reader.read(tmp_path / "model.onnx")


def test_a_code_that_is_repeated_as_often_as_the_series_is_long_is_refused(torch, tmp_path, capsys):
    path = tmp_path / "model.onnx"
    export_of_any_length(torch, torch_models(torch)["repeated_state"], path)
    assert main([str(path), "-o", str(tmp_path / "m.safetensors")]) == 1
    assert "export the model for a series of one length" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["double", "float16"])
def test_a_model_that_reads_other_floats_is_refused_as_that(torch, tmp_path, capsys, name):
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    kind = {"double": torch.float64, "float16": torch.float16}[name]
    torch.onnx.export(module.eval().to(kind), (torch.randn(1, TIME, 3, dtype=kind),),
                      str(tmp_path / "model.onnx"), dynamo=False, input_names=["x"])
    assert main([str(tmp_path / "model.onnx"), "-o", str(tmp_path / "m.safetensors")]) == 1
    assert f"the model's input 'x' is {name}, expected float (32 bits)" in capsys.readouterr().err


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_written_runs_and_is_read_again(tmp_path, name):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    from tocsin_convert import Unsupported, onnx_reader, onnx_writer

    network = NETWORKS[name]()
    onnx_writer.write(network, tmp_path / "model.onnx")
    series, expected = network.probe(seed=2, steps=19)
    session = runtime.InferenceSession(str(tmp_path / "model.onnx"))
    output = session.run(None, {"samples": series[:, None].astype(np.float32)})[0]
    assert output.shape == (len(expected), 1, network.outputs)
    assert np.abs(output[:, 0] - expected).max() < 1e-5
    if name.startswith("ends_after"):  # the reader follows one chain
        with pytest.raises(Unsupported, match="expected the last step"):
            onnx_reader.read(tmp_path / "model.onnx")
        return
    again = onnx_reader.read(tmp_path / "model.onnx")
    assert again.description() == network.description()
    assert np.abs(again.forward(series) - expected).max() < 1e-6


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_files_of_tocsin_become_onnx(tmp_path, path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    assert main([str(path), "-o", str(tmp_path / "model.onnx")]) == 0
    tensors = load_file(path)
    session = runtime.InferenceSession(str(tmp_path / "model.onnx"))
    series = tensors["probe.input"][:, None].astype(np.float32)
    output = session.run(None, {"samples": series})[0][:, 0]
    # Files saved by tocsin were computed in float.
    assert np.abs(output - tensors["probe.output"]).max() < 1e-5


def test_without_onnxruntime_the_evaluator_of_onnx_runs_the_model(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    from tocsin_convert import Unsupported, onnx_reader, onnx_writer

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    for name, network in NETWORKS.items():
        onnx_writer.write(network(), tmp_path / "model.onnx")
        if name.startswith("ends_after"):
            continue
        if name == "hard_sigmoids":
            with pytest.raises(Unsupported, match="not installed"):
                onnx_reader.read(tmp_path / "model.onnx")
        else:
            assert onnx_reader.read(tmp_path / "model.onnx").layers


def test_outputs_in_large_units_are_compared_relative_to_their_size(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    from tocsin_convert import Unsupported, onnx_reader, onnx_writer

    network = NETWORKS["forecaster"]()
    network.layers[-1].weights = 1e4 * network.layers[-1].weights
    network.layers[-1].bias = 1e4 * network.layers[-1].bias
    onnx_writer.write(network, tmp_path / "model.onnx")
    assert onnx_reader.read(tmp_path / "model.onnx").description() == network.description()
    monkeypatch.setattr(onnx_reader, "GATES_FROM_ONNX", (0, 1, 2, 3))
    with pytest.raises(Unsupported, match="does not compute what the model computes"):
        onnx_reader.read(tmp_path / "model.onnx")


def test_a_changed_weight_of_the_reader_would_be_noticed(tmp_path, monkeypatch):
    pytest.importorskip("onnx")
    from tocsin_convert import Unsupported, onnx_reader, onnx_writer

    onnx_writer.write(NETWORKS["last_step"](), tmp_path / "model.onnx")
    monkeypatch.setattr(onnx_reader, "GATES_FROM_ONNX", (0, 1, 2, 3))
    with pytest.raises(Unsupported, match="does not compute what the model computes"):
        onnx_reader.read(tmp_path / "model.onnx")


@pytest.mark.parametrize("runtime", ["onnxruntime", "evaluator"])
def test_a_model_that_does_not_compute_the_same_is_not_written(tmp_path, monkeypatch, runtime):
    pytest.importorskip("onnx")
    from tocsin_convert import Unsupported, onnx_writer

    if runtime == "onnxruntime":
        pytest.importorskip("onnxruntime")
    else:
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr(onnx_writer, "GATES_TO_ONNX", (0, 1, 2, 3))
    with pytest.raises(Unsupported, match="does not compute what the network computes"):
        onnx_writer.write(NETWORKS["last_step"](), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_written_by_tocsin_becomes_onnx(tmp_path):
    pytest.importorskip("onnx")
    tocsin_file.write(NETWORKS["forecaster"](), tmp_path / "model.safetensors")
    assert main([str(tmp_path / "model.safetensors"), "-o", str(tmp_path / "model.onnx")]) == 0


def lstm_model(path, outputs=("y",), shape=("time", 1, 2), **optional):
    """An LSTM with 2 inputs and 3 units, and the optional inputs of its node, which are constants."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    generator = np.random.default_rng(1)
    given = {"W": generator.standard_normal((1, 12, 2)), "R": generator.standard_normal((1, 12, 3)),
             "B": generator.standard_normal((1, 24)), **optional}
    tensors = [numpy_helper.from_array(
        np.asarray(values, np.int32 if name == "sequence_lens" else np.float32), name)
        for name, values in given.items()]
    names = [name if name in given else ""
             for name in ("W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P")]
    node = helper.make_node("LSTM", ["x", *names], ["y", "h", "c"], name="one", hidden_size=3)
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * (4 if name == "y" else 3))
         for name in outputs], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10), path)


LSTM_REFUSED = {
    "sequence_lens is not supported": {"sequence_lens": [5]},
    "initial_h is not zero": {"initial_h": np.ones((1, 1, 3))},
    "initial_c is not zero": {"initial_c": np.ones((1, 1, 3))},
    "P (peepholes) is not supported": {"P": np.zeros((1, 9))},
    "the model has 2 outputs (y, h), expected 1": {"outputs": ("y", "h")},
    "input 'R' holds inf, which is not finite": {"R": np.full((1, 12, 3), np.inf)},
}


@pytest.mark.parametrize("reason", LSTM_REFUSED)
def test_optional_inputs_of_an_lstm_are_refused_by_name(tmp_path, capsys, reason):
    pytest.importorskip("onnx")
    lstm_model(tmp_path / "model.onnx", **LSTM_REFUSED[reason])
    assert main([str(tmp_path / "model.onnx"), "-o", str(tmp_path / "m.safetensors")]) == 1
    assert reason in capsys.readouterr().err


def test_initial_states_of_zeros_are_read(tmp_path):
    pytest.importorskip("onnx")
    from tocsin_convert import onnx_reader

    zeros = np.zeros((1, 1, 3))
    lstm_model(tmp_path / "model.onnx", initial_h=zeros, initial_c=zeros)
    assert [layer.kind for layer in onnx_reader.read(tmp_path / "model.onnx").layers] == ["lstm"]


@pytest.mark.parametrize("shape", [("time", 4, 2), (20, 4, 2), (4, 4, 2)])
def test_a_fixed_batch_of_several_series_is_refused_as_one(tmp_path, capsys, shape):
    pytest.importorskip("onnx")
    lstm_model(tmp_path / "model.onnx", shape=shape)
    assert main([str(tmp_path / "model.onnx"), "-o", str(tmp_path / "m.safetensors")]) == 1
    assert "a batch of 4, expected 1 or free" in capsys.readouterr().err


@pytest.mark.parametrize("shape", [("time", "batch", 2), (20, "batch", 2), (20, 1, 2)])
def test_a_batch_that_is_free_or_one_is_read(tmp_path, shape):
    pytest.importorskip("onnx")
    from tocsin_convert import onnx_reader

    lstm_model(tmp_path / "model.onnx", shape=shape)
    assert [layer.kind for layer in onnx_reader.read(tmp_path / "model.onnx").layers] == ["lstm"]


@pytest.mark.parametrize("shape, reason", [
    ((1, 1, 2), "the shape [1, 1, 2], a single step; export the model for a series of at least 2 steps"),
    ((1, "batch", 2), "does not compute what the model computes"),
    ((4, 1, 5), "the shape [4, 1, 5], the network reads 2 values of each step")])
def test_a_model_that_cannot_be_run_over_several_steps_is_refused(tmp_path, capsys, shape, reason):
    pytest.importorskip("onnx")
    lstm_model(tmp_path / "model.onnx", shape=shape)
    assert main([str(tmp_path / "model.onnx"), "-o", str(tmp_path / "m.safetensors")]) == 1
    assert reason in capsys.readouterr().err
