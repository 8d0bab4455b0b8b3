"""The files that tocsin reads, and the command."""
import importlib.util
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from networks import NETWORKS, converted_metadata
from safetensors.numpy import load_file, save_file

from tocsin_convert import (BatchNorm, Conv1d, Dense, Fixed, Lstm, Network, Unsupported,
                            tocsin_file)
from tocsin_convert.command import main


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_written_is_read_again(tmp_path, name):
    network = NETWORKS[name]()
    tocsin_file.write(network, tmp_path / "model.safetensors")
    again = tocsin_file.read(tmp_path / "model.safetensors")
    assert again.description() == network.description()
    series, output = network.probe(seed=9)
    assert np.abs(again.forward(series) - output).max() < 1e-5


def test_a_state_dict_with_lstm_and_head_is_read(tmp_path):
    network = NETWORKS["forecaster"]()
    tensors = {}
    for k, layer in enumerate(network.layers[:2]):
        tensors |= {f"lstm.{name[:-1]}{k}": v for name, v in layer.tensors().items()}
    for name, layer in zip(("head.0", "head.2"), (network.layers[2], network.layers[4])):
        tensors |= {f"{name}.{part}": v for part, v in layer.tensors().items()}
    save_file(tensors, tmp_path / "dict.safetensors")
    assert tocsin_file.read(tmp_path / "dict.safetensors").description() == network.description()
    save_file({**tensors, "more": np.zeros(2)}, tmp_path / "dict.safetensors")
    with pytest.raises(Unsupported, match="left over"):
        tocsin_file.read(tmp_path / "dict.safetensors")


def test_a_changed_weight_is_noticed(tmp_path):
    path = tmp_path / "model.safetensors"
    tocsin_file.write(NETWORKS["bidirectional_classifier"](), path)
    tensors = load_file(path)
    network = NETWORKS["bidirectional_classifier"]()
    for name in ("0.weight_hh_l0_reverse", "2.bias", "4.weight"):
        changed = {**tensors, name: tensors[name] + 0.5}
        save_file(changed, path, converted_metadata(network))
        with pytest.raises(Unsupported, match="the probe differ"):
            tocsin_file.read(path)


def test_a_converted_file_without_both_parts_of_its_probe_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    tocsin_file.write(NETWORKS["forecaster"](), path)
    tensors = load_file(path)
    metadata = converted_metadata(NETWORKS["forecaster"]())
    save_file(tensors, path, metadata)
    assert tocsin_file.read(path).description() == NETWORKS["forecaster"]().description()
    for left_out in (["probe.input"], ["probe.output"], ["probe.input", "probe.output"]):
        save_file({name: tensors[name] for name in tensors if name not in left_out}, path, metadata)
        with pytest.raises(Unsupported, match=f"'{left_out[0]}' is missing"):
            tocsin_file.read(path)


@pytest.mark.parametrize("version", ["2", "", None])
def test_a_file_of_another_version_is_refused_by_name(tmp_path, version):
    path = tmp_path / "model.safetensors"
    tocsin_file.write(NETWORKS["forecaster"](), path)
    metadata = converted_metadata(NETWORKS["forecaster"]())
    if version is None:
        del metadata["tocsin_convert"]
    else:
        metadata["tocsin_convert"] = version
    save_file(load_file(path), path, metadata)
    found = "is missing" if version is None else f"is '{version}'"
    with pytest.raises(Unsupported, match=f"'tocsin_convert' {found}, expected '1'"):
        tocsin_file.read(path)


def test_bad_numbers_and_endings_are_refused(tmp_path, capsys):
    network = NETWORKS["forecaster"]()
    network.layers[0].bias[3] = np.nan
    with pytest.raises(Unsupported, match="not finite"):
        tocsin_file.write(network, tmp_path / "model.safetensors")
    network = NETWORKS["mixed"]()
    network.layers[0].variance[1] = -1
    with pytest.raises(Unsupported, match="a smallest variance of -1"):
        tocsin_file.write(network, tmp_path / "model.safetensors")
    assert not list(tmp_path.iterdir())
    assert main(["model.pt", "-o", str(tmp_path / "model.safetensors")]) == 1
    assert ".pt" in capsys.readouterr().err
    for ending in (".h5", ".keras", ""):
        tocsin_file.write(NETWORKS["forecaster"](), tmp_path / "a.safetensors")
        assert main([str(tmp_path / "a.safetensors"), "-o", str(tmp_path / f"b{ending}")]) == 1
        assert f"b{ending}' cannot be written: '{ending}' is not one of .onnx, .safetensors" in (
            capsys.readouterr().err)
        assert [each.name for each in tmp_path.iterdir()] == ["a.safetensors"]
    for ending in (".SafeTensors", ".ONNX") if importlib.util.find_spec("onnx") else (".SafeTensors",):
        assert main([str(tmp_path / "a.safetensors"), "-o", str(tmp_path / f"b{ending}")]) == 0
    (tmp_path / "broken.keras").write_bytes(b"no zip file")
    assert main([str(tmp_path / "broken.keras"), "-o", str(tmp_path / "m.safetensors")]) == 1


def values(*shape):
    """Zeros that take no memory, however many they are."""
    return np.broadcast_to(0.0, shape)


def norm(channels, epsilon):
    return BatchNorm(*(values(channels) for _ in range(4)), epsilon)


LARGE = 70_000
NOT_LOADED = {  # by C++
    "layer 1 (leaky_relu): a leaky ReLU with the slope 0,": [Fixed("leaky_relu", 0.0)],
    "layer 1 (leaky_relu): a leaky ReLU with the slope 1.5": [Fixed("leaky_relu", 1.5)],
    "layer 1 (leaky_relu): a leaky ReLU with the slope -0.1": [Fixed("leaky_relu", -0.1)],
    "layer 1 (leaky_relu): a leaky ReLU with the slope nan": [Fixed("leaky_relu", np.nan)],
    "layer 1 (hard_sigmoid): a hard sigmoid with the divisor 3, expected 5 or 6": [Fixed("hard_sigmoid", 3)],
    "layer 1 (last_step_of_both_directions): 3 values, an odd number": [
        Fixed("last_step_of_both_directions")],
    "layer 1 (lstm): hard sigmoids with the divisor 4": [
        Lstm(values(8, 3), values(8, 2), values(8), 4)],
    "layer 1 (lstm): room for 1800480000 weights": [
        Lstm(values(60_000, 3), values(60_000, 15_000), values(60_000))],
    "layer 1 (dense): 70000 outputs, expected 1 to 65536": [Dense(values(LARGE, 3), values(LARGE))],
    "layer 2 (dense): room for 3600060000 weights": [
        Dense(values(60_000, 3), values(60_000)), Dense(values(60_000, 60_000), values(60_000))],
    "layer 1 (conv1d): a convolution with a kernel of 40000 for 3 inputs": [
        Conv1d(values(1, 3, 40_000), values(1))],
    "layer 1 (batch_norm): a batch normalisation with epsilon 1e-39": [norm(3, 1e-39)],
}


@pytest.mark.parametrize("reason", NOT_LOADED)
def test_what_is_not_loaded_is_not_written(tmp_path, reason):
    network = Network([Dense(values(3, 2), values(3)), *NOT_LOADED[reason]])
    with pytest.raises(Unsupported) as refusal:
        tocsin_file.write(network, tmp_path / "model.safetensors")
    assert reason in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_the_weights_and_the_description_of_a_network_are_bounded(tmp_path, monkeypatch):
    from tocsin_convert import network as of

    layers = [Dense(values(3, 3), values(3)) for _ in range(4)]
    monkeypatch.setattr(of, "MOST_WEIGHTS", 48)
    Network(layers).check()
    with pytest.raises(Unsupported, match="room for 60 weights, expected at most 48"):
        Network([*layers, layers[0]]).check()
    many = Network([layers[0], *[Fixed("tanh")] * 5000])
    with pytest.raises(Unsupported, match="5001 layers, whose description has 8"):
        tocsin_file.write(many, tmp_path / "model.safetensors")


def test_the_package_runs_as_a_module(tmp_path):
    tocsin_file.write(NETWORKS["forecaster"](), tmp_path / "a.safetensors")
    package = pathlib.Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "tocsin_convert.command", str(tmp_path / "a.safetensors"), "-o",
         str(tmp_path / "b.safetensors")], cwd=package, capture_output=True, text=True, check=True)
    assert [layer["kind"] for layer in json.loads(done.stdout)["layers"]] == [
        "lstm", "lstm", "dense", "relu", "dense"]
