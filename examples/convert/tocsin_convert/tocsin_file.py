"""Files that tocsin loads: the tensors of a PyTorch state_dict, and a probe.

`lstm.weight_ih_l0` and so on, `head.weight` and `head.bias` for one dense layer, `head.0.weight`,
`head.2.weight`, ... for several. `probe.input` [time, inputs] is random, `probe.output` what the
network computes from it; loading replays both. The metadata hold the architecture as JSON.
"""
import json
import pathlib

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from .network import Dense, Lstm, Network, Unsupported

FORMAT = "1"
PROBE_STEPS = 12


def _dense_name(k, count):
    return "head" if count == 1 else f"head.{2 * k}"


def write(network, path, seed=0):
    """Checks a network, then writes it."""
    network.check()
    tensors = {}
    for k, layer in enumerate(network.lstm):
        tensors[f"lstm.weight_ih_l{k}"] = layer.input_weights
        tensors[f"lstm.weight_hh_l{k}"] = layer.recurrent_weights
        tensors[f"lstm.bias_ih_l{k}"] = layer.bias
        tensors[f"lstm.bias_hh_l{k}"] = np.zeros_like(layer.bias)
    for k, layer in enumerate(network.dense):
        name = _dense_name(k, len(network.dense))
        tensors[f"{name}.weight"] = layer.weights
        tensors[f"{name}.bias"] = layer.bias
    probe = np.random.default_rng(seed).standard_normal((PROBE_STEPS, network.lstm[0].inputs))
    output = network.forward(probe)
    tensors = {name: np.ascontiguousarray(values, np.float32) for name, values in tensors.items()}
    tensors["probe.input"] = probe
    tensors["probe.output"] = np.ascontiguousarray(output)
    metadata = {
        "tocsin_convert": FORMAT,
        "architecture": json.dumps(network.description(), separators=(",", ":")),
    }
    partial = pathlib.Path(str(path) + ".partial")
    try:
        partial.write_bytes(save(tensors, metadata))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read(path):
    """The network of a file by write(), or of save_pytorch() with the modules `lstm` and `head`."""
    with safe_open(str(path), "numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata() or {}
    architecture = json.loads(metadata.get("architecture", "{}"))
    network = Network(last_step_only=architecture.get("last_step_only", False))
    k = 0
    while f"lstm.weight_ih_l{k}" in tensors:
        bias = tensors[f"lstm.bias_ih_l{k}"] + tensors[f"lstm.bias_hh_l{k}"]
        network.lstm.append(
            Lstm(tensors[f"lstm.weight_ih_l{k}"], tensors[f"lstm.weight_hh_l{k}"], bias)
        )
        k += 1
    names = ["head"] if "head.weight" in tensors else [f"head.{2 * j}" for j in range(len(tensors))]
    for name in names:
        if f"{name}.weight" in tensors:
            network.dense.append(Dense(tensors[f"{name}.weight"], tensors[f"{name}.bias"], "relu"))
    if network.dense:
        network.dense[-1].activation = "linear"
    known = 4 * len(network.lstm) + 2 * len(network.dense)
    left_over = sorted(name for name in tensors if not name.startswith("probe."))
    if len(left_over) != known:
        raise Unsupported(f"{path}: {len(left_over)} tensors, {known} are used: {left_over}")
    network.check()
    return network
