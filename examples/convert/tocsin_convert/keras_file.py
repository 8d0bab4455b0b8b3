"""Reads Keras models without Keras: `.keras` (Keras 3) and `.h5` (Keras 2 and 3)."""
import io
import json
import re
import zipfile

import h5py
import numpy as np

from .network import Dense, Lstm, Network, Unsupported

# Layers that do nothing at inference.
PASSED_OVER = {"InputLayer", "Dropout", "SpatialDropout1D", "GaussianNoise"}


def _snake_case(name):
    """As Keras derives folder names from class names: LSTM is lstm, TimeDistributed time_distributed."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _activation(config, key):
    value = config.get(key, "linear")
    return value if isinstance(value, str) else value.get("config", {}).get("name", str(value))


class _KerasWeights:
    """Weights of a .keras archive. Its folders are named by class and count, not by layer."""

    def __init__(self, file, layers):
        self.file = file
        self.folders = {}
        counts = {}
        for layer in layers:
            kind = _snake_case(layer["class_name"])
            seen = counts.get(kind, 0)
            counts[kind] = seen + 1
            self.folders[id(layer)] = f"layers/{kind}" + (f"_{seen}" if seen else "")

    def of(self, layer):
        folder = self.file.get(self.folders[id(layer)])
        if folder is None:
            raise Unsupported(f"no weights for layer '{_name(layer)}' in the file")
        for inner in ("cell", "layer"):
            if inner in folder and "vars" in folder[inner] and len(folder[inner]["vars"]):
                folder = folder[inner]
        found = folder["vars"]
        return [np.array(found[str(k)], np.float64) for k in range(len(found))]


class _H5Weights:
    """Weights of an .h5 file, by the names of the layers."""

    def __init__(self, file):
        self.file = file["model_weights"] if "model_weights" in file else file

    def of(self, layer):
        group = self.file.get(_name(layer))
        if group is None:
            raise Unsupported(f"no weights for layer '{_name(layer)}' in the file")
        names = [n.decode() if isinstance(n, bytes) else n for n in group.attrs["weight_names"]]
        return [np.array(group[name], np.float64) for name in names]


def _name(layer):
    return layer["config"].get("name", layer["class_name"])


def _refuse(layer, why):
    raise Unsupported(f"layer '{_name(layer)}' ({layer['class_name']}): {why}")


def _lstm(layer, weights):
    config = layer["config"]
    if _activation(config, "activation") != "tanh":
        _refuse(layer, f"activation '{_activation(config, 'activation')}', expected 'tanh'")
    recurrent = _activation(config, "recurrent_activation")
    if recurrent == "hard_sigmoid":
        _refuse(layer, "recurrent activation 'hard_sigmoid', whose slope depends on the version of "
                "Keras (0.2, 1/6 since Keras 3); expected 'sigmoid'")
    if recurrent != "sigmoid":
        _refuse(layer, f"recurrent activation '{recurrent}', expected 'sigmoid'")
    for key in ("go_backwards", "return_state"):
        if config.get(key):
            _refuse(layer, f"{key} is not supported")
    if config.get("use_bias", True):
        kernel, recurrent_kernel, bias = weights
    else:
        kernel, recurrent_kernel = weights
        bias = np.zeros(kernel.shape[1])
    if bias.ndim != 1:
        _refuse(layer, f"a bias of shape {bias.shape}")
    return Lstm(kernel.T, recurrent_kernel.T, bias)  # Keras' gates are i, f, c, o


def _dense(layer, config, weights):
    kernel, *bias = weights
    activation = _activation(config, "activation")
    if activation not in ("linear", "relu"):
        _refuse(layer, f"activation '{activation}', expected 'relu' or 'linear'")
    return Dense(kernel.T, bias[0] if bias else np.zeros(kernel.shape[1]), activation)


def _network(layers, weights):
    network = Network()
    for layer in layers:
        kind, config = layer["class_name"], layer["config"]
        if kind in PASSED_OVER:
            continue
        if kind == "LSTM":
            if network.last_step_only:
                _refuse(layer, "follows a layer without return_sequences")
            if network.dense:
                _refuse(layer, "follows a dense layer")
            network.lstm.append(_lstm(layer, weights.of(layer)))
            network.last_step_only = not config.get("return_sequences", False)
        elif kind == "Dense":
            network.dense.append(_dense(layer, config, weights.of(layer)))
        elif kind == "TimeDistributed" and config["layer"]["class_name"] == "Dense":
            network.dense.append(_dense(layer, config["layer"]["config"], weights.of(layer)))
        elif kind == "Activation" and network.dense and network.dense[-1].activation == "linear":
            network.dense[-1].activation = _activation(config, "activation")
        else:
            _refuse(layer, "is not supported")
    network.check()
    return network


def _chain(config):
    """The layers of a model in order; a functional model must be one chain."""
    layers = config["config"]["layers"]
    if config["class_name"] == "Sequential":
        return layers
    if config["class_name"] not in ("Functional", "Model"):
        raise Unsupported(f"a model of class '{config['class_name']}', expected Sequential or Functional")
    for before, layer in zip(layers, layers[1:]):
        text = json.dumps(layer.get("inbound_nodes", []))
        others = [other for other in layers if f'"{_name(other)}"' in text]
        if others != [before]:
            _refuse(layer, "is not connected to the layer before it alone")
    return layers


def read(path):
    """The network of a Keras file."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            layers = _chain(json.loads(archive.read("config.json")))
            with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
                return _network(layers, _KerasWeights(file, layers))
    with h5py.File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise Unsupported(f"{path}: weights alone, without the model; save the whole model")
        config = file.attrs["model_config"]
        layers = _chain(json.loads(config.decode() if isinstance(config, bytes) else config))
        return _network(layers, _H5Weights(file))
