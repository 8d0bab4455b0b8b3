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

from .network import (NUMBER_OF, WITH_WEIGHTS, WITHOUT_WEIGHTS, Dense, Fixed, Lstm, Network,
                      Unsupported, largest_difference)
from .reading import Unreadable, expect, field, reading

FORMAT = "1"
LARGEST_DIFFERENCE = 1e-4
LONGEST_ARCHITECTURE = 1 << 16  # bytes that C++ reads
LARGEST_NUMBER = 1e9  # among the sizes and constants of a layer


def write(network, path, seed=0):
    """Checks a network, then writes it."""
    network.check()
    architecture = json.dumps(network.description(), separators=(",", ":"))
    if len(architecture) > LONGEST_ARCHITECTURE:
        raise Unsupported(f"{len(network.layers)} layers, whose description has {len(architecture)} bytes; "
                          f"expected at most {LONGEST_ARCHITECTURE}")
    tensors = {}
    for position, layer in enumerate(network.layers):
        for name, values in layer.tensors().items():
            tensors[f"{position}.{name}"] = np.ascontiguousarray(values, np.float32)
    probe, output = network.probe(seed)
    tensors["probe.input"] = probe
    tensors["probe.output"] = np.ascontiguousarray(output)
    metadata = {
        "tocsin_convert": FORMAT,
        "architecture": architecture,
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
    with reading():
        with safe_open(str(path), "numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            metadata = file.metadata() or {}
        architecture = json.loads(metadata.get("architecture", "null"))
    for name, values in tensors.items():
        if values.dtype.kind != "f":
            raise Unsupported(f"tensor {name} holds {values.dtype}, expected floats")
    probe = []
    if architecture is None:
        network = _forecaster(tensors)
    else:
        _check_version(metadata.get("tocsin_convert"))
        for name in ("probe.input", "probe.output"):
            if name not in tensors:
                raise Unsupported(f"'{name}' is missing: the file was not written by tocsin-convert")
            probe.append(tensors.pop(name))
        network = _by_position(architecture, tensors)
    if tensors:
        raise Unsupported(f"tensors are left over: {sorted(tensors)}")
    network.check()
    if probe:
        _compare(network, *probe)
    return network


def _check_version(version):
    """Refuses a file whose architecture may mean something else."""
    if version != FORMAT:
        found = "is missing" if version is None else f"is '{version:.20}'"
        raise Unsupported(f"'tocsin_convert' {found}, expected '{FORMAT}': the file was not written by this "
                          "version of tocsin-convert")


def _compare(network, samples, expected):
    """Refuses a network that does not compute the output of the probe."""
    if samples.ndim != 2 or len(samples) == 0 or samples.shape[1] != network.inputs:
        raise Unsupported(f"probe.input of the shape {list(samples.shape)}, expected [time, "
                          f"{network.inputs}]")
    output = network.forward(samples)
    if output.shape != expected.shape:
        raise Unsupported(f"probe.output of the shape {list(expected.shape)}, expected "
                          f"{list(output.shape)}")
    difference = largest_difference(output, expected)
    if not difference <= LARGEST_DIFFERENCE:
        raise Unsupported(f"the outputs of the probe differ by {difference:.3g}")


def _by_position(architecture, tensors):
    network = Network()
    layers = field(expect(architecture, dict, "the architecture"), "layers", list, "the architecture")
    for position, layer in enumerate(layers):
        kind = field(expect(layer, dict, f"layer {position}"), "kind", str, f"layer {position}")
        for name in set(layer) - {"kind"}:
            number = expect(layer[name], (float, int), f"'{name}' of layer {position}")
            if not abs(number) < LARGEST_NUMBER:
                raise Unreadable(f"'{name}' of layer {position} is out of range")
        if kind in WITH_WEIGHTS:
            start = f"{position}."
            own = {name[len(start):]: tensors.pop(name) for name in list(tensors)
                   if name.startswith(start)}
            network.layers.append(WITH_WEIGHTS[kind].of(layer, own))
            if network.layers[-1].numbers() != {k: v for k, v in layer.items() if k != "kind"}:
                raise Unsupported(f"layer {position}, {layer}, has tensors of "
                                  f"{network.layers[-1].numbers()}")
        elif kind in WITHOUT_WEIGHTS:
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
            own = {part: tensors.pop(f"{name}.{part}") for part in ("weight", "bias")
                   if f"{name}.{part}" in tensors}
            network.layers.append(Dense.of({}, own))
    return network
