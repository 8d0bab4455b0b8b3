"""Reads Keras models without Keras: `.keras` (Keras 3) and `.h5` (Keras 2 and 3)."""
import io
import json
import re
import zipfile

import h5py
import numpy as np

from .network import (POOLING, BatchNorm, BidirectionalLstm, Conv1d, Dense, Lstm, Network,
                      Unsupported)

# Layers that do nothing at inference.
PASSED_OVER = {"InputLayer", "Dropout", "SpatialDropout1D", "GaussianDropout", "AlphaDropout",
               "GaussianNoise", "ActivityRegularization"}


def _snake_case(name):
    """As Keras derives folder names from class names: LSTM is lstm, TimeDistributed time_distributed."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _activation(config, key):
    """The name of an activation, given as a string or an object with its configuration."""
    value = config.get(key, "linear")
    if isinstance(value, dict):
        inner = value.get("config")
        value = inner.get("name", str(value)) if isinstance(inner, dict) else inner
    return str(value)


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
        return _variables(folder)


def _variables(folder):
    """The weights in a folder, or in those of its parts: both directions, a cell, a wrapped layer."""
    for parts in (("forward_layer", "backward_layer"), ("cell",), ("layer",)):
        if all(part in folder for part in parts):
            found = [values for part in parts for values in _variables(folder[part])]
            if found:
                return found
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


class _Reader:
    """Builds a network from the layers of a model, one by one."""

    def __init__(self, weights, version):
        self.network = Network()
        self.weights = weights
        self.version = version

    def divisor(self, layer):
        """Divisor of the slope of a hard sigmoid: 0.2 in Keras 1 and 2, 1/6 since Keras 3."""
        major = re.match(r"\d+", self.version or "")
        if not major:
            _refuse(layer, "a hard sigmoid, whose slope depends on the version of Keras (0.2, 1/6 "
                    "since Keras 3), and the file does not say its version")
        return 5 if int(major.group()) < 3 else 6

    def activation(self, layer, config, key="activation"):
        name = _activation(config, key)
        if name == "hard_sigmoid":
            self.network.add(name, self.divisor(layer))
        elif name == "leaky_relu":
            self.network.add(name, 0.2)  # the default of the function with that name
        elif name in ("linear", "relu", "sigmoid", "tanh", "softmax"):
            self.network.add(name)
        else:
            _refuse(layer, f"activation '{name}' is not supported")

    def one_lstm(self, layer, config, weights):
        if _activation(config, "activation") != "tanh":
            _refuse(layer, f"activation '{_activation(config, 'activation')}', expected 'tanh'")
        gates = _activation(config, "recurrent_activation")
        if gates not in ("sigmoid", "hard_sigmoid"):
            _refuse(layer, f"recurrent activation '{gates}', expected 'sigmoid' or 'hard_sigmoid'")
        divisor = self.divisor(layer) if gates == "hard_sigmoid" else 0
        for key in ("go_backwards", "return_state", "time_major"):
            if config.get(key):
                _refuse(layer, f"{key} is not supported")
        kernel, recurrent_kernel, *bias = weights
        bias = bias[0] if bias else np.zeros(kernel.shape[1])
        if bias.ndim != 1:
            _refuse(layer, f"a bias of shape {bias.shape}")
        return Lstm(kernel.T, recurrent_kernel.T, bias, divisor)  # Keras' gates are i, f, c, o

    def lstm(self, layer, config):
        self.network.layers.append(self.one_lstm(layer, config, self.weights.of(layer)))
        if not config.get("return_sequences", False):
            self.network.add("last_step")

    def bidirectional(self, layer, config):
        inner = config["layer"]
        if inner["class_name"] != "LSTM":
            _refuse(layer, f"of {inner['class_name']}, expected of LSTM")
        if config.get("merge_mode", "concat") != "concat":
            _refuse(layer, f"merge_mode '{config['merge_mode']}', expected 'concat'")
        ahead = inner["config"]
        # Keras writes the backward layer with go_backwards, which makes it run backward.
        behind = {**(config.get("backward_layer") or inner)["config"], "go_backwards": False}
        if ahead.get("return_sequences", False) != behind.get("return_sequences", False):
            _refuse(layer, "one direction with return_sequences and one without")
        weights = self.weights.of(layer)
        half = len(weights) // 2
        both = BidirectionalLstm(self.one_lstm(layer, ahead, weights[:half]),
                                 self.one_lstm(layer, behind, weights[half:]))
        both.check()
        self.network.layers.append(both)
        if not ahead.get("return_sequences", False):
            self.network.add("last_step_of_both_directions")

    def conv1d(self, layer, config):
        if _one(config.get("strides", 1)) != 1:
            _refuse(layer, f"strides {config['strides']}, expected 1")
        if config.get("groups", 1) != 1:
            _refuse(layer, f"groups {config['groups']}, expected 1")
        self.channels_last(layer, config)
        kernel, *bias = self.weights.of(layer)  # [kernel, inputs, outputs]
        dilation = _one(config.get("dilation_rate", 1))
        reach = (kernel.shape[0] - 1) * dilation
        zeros = {"valid": (0, 0), "same": (reach // 2, reach - reach // 2), "causal": (reach, 0)}
        if config["padding"] not in zeros:
            _refuse(layer, f"padding '{config['padding']}' is not supported")
        self.network.layers.append(Conv1d(
            kernel.transpose(2, 1, 0), bias[0] if bias else np.zeros(kernel.shape[2]), dilation,
            *zeros[config["padding"]]))
        self.activation(layer, config)

    def batch_normalization(self, layer, config):
        weights = self.weights.of(layer)
        mean, variance = weights[-2:]
        axis = config.get("axis", -1)
        axis = axis[0] if isinstance(axis, list) else axis
        last = 1 if set(POOLING) & {each.kind for each in self.network.layers} else 2
        if axis not in (-1, last):
            _refuse(layer, f"axis {axis}, expected -1, the features")
        if config.get("renorm"):
            _refuse(layer, "renorm is not supported")
        scale = weights.pop(0) if config.get("scale", True) else np.ones_like(mean)
        shift = weights.pop(0) if config.get("center", True) else np.zeros_like(mean)
        self.network.layers.append(BatchNorm(scale, shift, mean, variance, config["epsilon"]))

    def dense(self, layer, config):
        kernel, *bias = self.weights.of(layer)
        self.network.layers.append(Dense(kernel.T, bias[0] if bias else np.zeros(kernel.shape[1])))
        self.activation(layer, config)

    def channels_last(self, layer, config):
        if config.get("data_format", "channels_last") != "channels_last":
            _refuse(layer, f"data_format '{config['data_format']}', expected 'channels_last'")

    def relu(self, layer, config):
        if config.get("max_value") is not None or config.get("threshold", 0) != 0:
            _refuse(layer, "a maximum or a threshold is not supported")
        below = config.get("negative_slope", 0)
        self.network.add("leaky_relu" if below else "relu", float(below))

    def leaky_relu(self, layer, config):
        self.network.add("leaky_relu", float(config.get("negative_slope", config.get("alpha", 0.3))))

    def softmax(self, layer, config):
        if config.get("axis", -1) != -1:
            _refuse(layer, f"axis {config['axis']}, expected -1")
        self.network.add("softmax")

    def add(self, layer):
        """Appends what a layer computes."""
        kind, config = layer["class_name"], layer["config"]
        if kind in PASSED_OVER:
            return
        if kind == "TimeDistributed" and config["layer"]["class_name"] == "Dense":
            kind, config = "Dense", config["layer"]["config"]
        pooling = {"GlobalAveragePooling1D": "global_average_pooling",
                   "GlobalMaxPooling1D": "global_max_pooling"}
        readers = {"LSTM": self.lstm, "Bidirectional": self.bidirectional, "Conv1D": self.conv1d,
                   "BatchNormalization": self.batch_normalization, "Dense": self.dense,
                   "Activation": self.activation, "ReLU": self.relu, "LeakyReLU": self.leaky_relu,
                   "Softmax": self.softmax}
        one_step = any(each.kind in POOLING for each in self.network.layers)
        if one_step and kind in ("LSTM", "Bidirectional", "Conv1D", *pooling):
            _refuse(layer, "reads a sequence, and a layer before it gives one step")
        if kind in pooling:
            self.channels_last(layer, config)
            self.network.add(pooling[kind])
        elif kind in readers:
            readers[kind](layer, config)
        else:
            _refuse(layer, "is not supported")


def _one(value):
    return value[0] if isinstance(value, (list, tuple)) else value


def _network(layers, weights, version):
    reader = _Reader(weights, version)
    for layer in layers:
        reader.add(layer)
    reader.network.check()
    return reader.network


def _chain(config):
    """The layers of a model in order; a functional model must be one chain."""
    layers = config["config"]["layers"]
    if config["class_name"] == "Sequential":
        return layers
    if config["class_name"] not in ("Functional", "Model"):
        raise Unsupported(f"a model of class '{config['class_name']}', expected Sequential or "
                          "Functional")
    for before, layer in zip(layers, layers[1:]):
        text = json.dumps(layer.get("inbound_nodes", []))
        others = [other for other in layers if f'"{_name(other)}"' in text]
        if others != [before]:
            _refuse(layer, "is not connected only to the layer before it")
    return layers


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


def read(path):
    """The network of a Keras file."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            layers = _chain(json.loads(archive.read("config.json")))
            version = json.loads(archive.read("metadata.json")).get("keras_version")
            with h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r") as file:
                return _network(layers, _KerasWeights(file, layers), version)
    with h5py.File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise Unsupported(f"{path}: weights alone, without the model; save the whole model")
        layers = _chain(json.loads(_text(file.attrs["model_config"])))
        version = file.attrs.get("keras_version")
        return _network(layers, _H5Weights(file), _text(version))
