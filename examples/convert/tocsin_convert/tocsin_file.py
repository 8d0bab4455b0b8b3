"""Files that tocsin loads: the weights of a chain of layers, its architecture, and a probe.

The tensors of the layer at position k are `k.weight`, `k.bias` and so on, as PyTorch names those of
an nn.Sequential. The metadata hold the layers as JSON. `probe.input` [time, inputs] is random,
`probe.output` is the output of the network for it; loading compares both.
"""
import json
import pathlib

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save

from .network import (ACTIVATIONS, NUMBER_OF, POOLING, WITH_WEIGHTS, Dense, Fixed, Lstm, Network,
                      Unsupported)

FORMAT = "1"
LARGEST_DIFFERENCE = 1e-4


def write(network, path, seed=0):
    """Checks a network, then writes it."""
    network.check()
    tensors = {}
    for position, layer in enumerate(network.layers):
        for name, values in layer.tensors().items():
            tensors[f"{position}.{name}"] = np.ascontiguousarray(values, np.float32)
    probe, output = network.probe(seed)
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
    """The network of a file made by write(), by tocsin's save_converted(), or by its save_pytorch() with
    the modules `lstm` and `head`."""
    with safe_open(str(path), "numpy") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata() or {}
    probe = [tensors.pop(name, None) for name in ("probe.input", "probe.output")]
    if "architecture" in metadata:
        network = _by_position(json.loads(metadata["architecture"]), tensors)
    else:
        network = _forecaster(tensors)
    if tensors:
        raise Unsupported(f"{path}: tensors are left over: {sorted(tensors)}")
    network.check()
    if probe[0] is not None and probe[1] is not None:
        difference = np.abs(network.forward(probe[0]) - probe[1])
        if not (difference <= LARGEST_DIFFERENCE * np.maximum(1, np.abs(probe[1]))).all():
            raise Unsupported(f"{path}: the outputs of the probe differ by {difference.max():.3g}")
    return network


def _by_position(architecture, tensors):
    network = Network()
    for position, layer in enumerate(architecture["layers"]):
        kind = layer["kind"]
        if kind in WITH_WEIGHTS:
            start = f"{position}."
            own = {name[len(start):]: tensors.pop(name) for name in list(tensors)
                   if name.startswith(start)}
            network.layers.append(WITH_WEIGHTS[kind].of(layer, own))
            if network.layers[-1].numbers() != {k: v for k, v in layer.items() if k != "kind"}:
                raise Unsupported(f"layer {position}, {layer}, has tensors of "
                                  f"{network.layers[-1].numbers()}")
        elif kind in ACTIVATIONS or kind in POOLING:
            network.layers.append(Fixed(kind, layer.get(NUMBER_OF.get(kind), 0)))
        else:
            raise Unsupported(f"layer {position} ({kind}) is not supported")
    return network


def _forecaster(tensors):
    """LSTM layers in `lstm`, dense layers with ReLU between them in `head`."""
    network = Network()
    k = 0
    while f"lstm.weight_ih_l{k}" in tensors:
        ending = f"_l{k}"
        own = {name[len("lstm."):-len(ending)] + "_l0": tensors.pop(name) for name in list(tensors)
               if name.startswith("lstm.") and name.endswith(ending)}
        network.layers.append(Lstm.of({}, own))
        k += 1
    names = ["head"] if "head.weight" in tensors else [f"head.{2 * j}" for j in range(len(tensors))]
    for name in names:
        if f"{name}.weight" in tensors:
            if network.last == "dense":
                network.add("relu")
            network.layers.append(Dense(tensors.pop(f"{name}.weight"), tensors.pop(f"{name}.bias")))
    return network
