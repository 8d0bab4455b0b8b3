"""The files that tocsin reads, and the command."""
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from networks import NETWORKS, converted_metadata
from safetensors.numpy import load_file, save_file

from tocsin_convert import Unsupported, tocsin_file
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
    (tmp_path / "broken.keras").write_bytes(b"no zip file")
    assert main([str(tmp_path / "broken.keras"), "-o", str(tmp_path / "m.safetensors")]) == 1


def test_the_package_runs_as_a_module(tmp_path):
    tocsin_file.write(NETWORKS["forecaster"](), tmp_path / "a.safetensors")
    package = pathlib.Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "tocsin_convert.command", str(tmp_path / "a.safetensors"), "-o",
         str(tmp_path / "b.safetensors")], cwd=package, capture_output=True, text=True, check=True)
    assert [layer["kind"] for layer in json.loads(done.stdout)["layers"]] == [
        "lstm", "lstm", "dense", "relu", "dense"]
