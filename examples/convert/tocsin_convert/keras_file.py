"""Reads Keras models without Keras: `.keras` (Keras 3) and `.h5` (Keras 2 and 3)."""
import contextlib
import io
import json
import pathlib
import re
import zipfile

import h5py
import numpy as np

from .network import (BatchNorm, BidirectionalLstm, Conv1d, Dense, Lstm, Network,
                      Unsupported, check_numbers)
from .reading import Unreadable, expect, field, reading

# Layers that do nothing at inference.
PASSED_OVER = {"InputLayer", "Dropout", "SpatialDropout1D", "GaussianDropout", "AlphaDropout",
               "GaussianNoise", "ActivityRegularization"}

# The types of the settings that are read, for all layers.
NUMBER, NONE = (float, int), type(None)
SETTINGS = {
    **dict.fromkeys(("activation", "recurrent_activation"), (str, dict)),
    **dict.fromkeys(("go_backwards", "return_sequences", "return_state", "time_major", "use_bias",
                     "scale", "center", "renorm", "stateful"), (bool, NONE)),
    **dict.fromkeys(("strides", "dilation_rate", "axis"), (int, list)),
    **dict.fromkeys(("max_value", "threshold", "negative_slope", "alpha"), (*NUMBER, NONE)),
    **dict.fromkeys(("groups", "n", "size"), int), "padding": str, "epsilon": NUMBER, "layer": dict,
    "backward_layer": (dict, NONE), "merge_mode": (str, NONE), "data_format": (str, NONE)}
NEEDED = {"Bidirectional": "layer", "TimeDistributed": "layer", "Conv1D": "padding",
          "BatchNormalization": "epsilon", "RepeatVector": "n", "UpSampling1D": "size"}

POLICIES_OF_16_BITS = {"mixed_float16", "mixed_bfloat16", "float16", "bfloat16"}

MEMBERS = ("config.json", "metadata.json", "model.weights.h5")  # of an archive
LARGEST_NUMBER = 1e9  # among the settings of a layer
SMALL_MEMBER = 16 << 20  # bytes of an archive's member that are never too many
LARGEST_PACKING = 32  # a larger member has at most so many times the bytes of the archive
LARGEST_COMPRESSION = 1100  # deflate makes data at most about a thousand times shorter


def _snake_case(name):
    """As Keras derives folder names from class names: LSTM is lstm, TimeDistributed time_distributed."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def _activation(config, key):
    """The name of an activation, given as a string or as an object: a function or a layer."""
    value = config.get(key, "linear")
    if isinstance(value, dict):
        name = value.get("config")
        value = name if isinstance(name, str) else value.get("class_name")
    return value if isinstance(value, str) else "of unknown name"


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
        with reading():
            folder = self.file.get(self.folders[id(layer)])
            return None if folder is None else _variables(folder)


def _variables(folder):
    """The weights in a folder, or in those of its parts: both directions, a cell, a wrapped layer."""
    for parts in (("forward_layer", "backward_layer"), ("cell",), ("layer",)):
        if all(part in folder for part in parts):
            found = [pair for part in parts for pair in _variables(folder[part])]
            if found:
                return found
    found = folder["vars"]
    return [_values(found[str(k)]) for k in range(len(found))]


class _H5Weights:
    """Weights of an .h5 file, by the names of the layers."""

    def __init__(self, file):
        with reading():
            self.file = file["model_weights"] if "model_weights" in file else file

    def of(self, layer):
        with reading():
            group = self.file.get(_name(layer))
            if group is None:
                return None
            names = [_text(name) for name in group.attrs["weight_names"]]
            return [_values(group[name]) for name in names]


def _member(archive, name, size):
    """The bytes of a member of an archive of `size` bytes, from which it must not unpack to all memory."""
    unpacked = archive.getinfo(name).file_size
    if unpacked > SMALL_MEMBER + LARGEST_PACKING * size:
        raise Unreadable(f"'{name}' unpacks to {unpacked} bytes, from an archive of {size}")
    return archive.read(name)


def _check_links(file):
    """Refuses a file of weights with links to other files."""
    here = (h5py.h5l.TYPE_HARD, h5py.h5l.TYPE_SOFT)
    away = file.id.links.visit(lambda name, link: None if link.type in here else name, info=True)
    if away is not None:
        raise Unreadable(f"'{_text(away)}' is in another file")


def _numbers(dataset):
    """The values of a dataset. Keras stores bfloat16, which HDF5 does not know, as two bytes and says so."""
    if _text(dataset.attrs.get("dtype", "")) == "bfloat16" and dataset.dtype.itemsize == 2:
        halves = np.frombuffer(dataset[()].tobytes(), "<u2").reshape(dataset.shape)
        return (halves.astype("<u4") << 16).view("<f4").astype(np.float64)
    if dataset.dtype.kind not in "fiu":
        raise Unsupported(f"weight '{dataset.name}' is of the type {dataset.dtype}, expected floats")
    return np.array(dataset, np.float64)


def _values(dataset):
    """The name of a dataset, and its values; a damaged shape must not take all memory."""
    if dataset.external or dataset.is_virtual:
        raise Unreadable(f"the values of '{dataset.name}' are in another file")
    stored = dataset.id.get_storage_size()
    if dataset.nbytes > (stored if dataset.chunks is None else LARGEST_COMPRESSION * stored):
        raise Unreadable(f"'{dataset.name}' holds fewer values than its shape says")
    return dataset.name, _numbers(dataset)


def _name(layer):
    return layer["config"].get("name", layer["class_name"])


def _title(layer):
    return f"layer '{_name(layer)}' ({layer['class_name']})"


def _refuse(layer, why):
    raise Unsupported(f"{_title(layer)}: {why}")


def _check_settings(layer, config):
    """Refuses a configuration with settings of other types than Keras writes."""
    for name in sorted(SETTINGS.keys() & config.keys()):
        what = f"'{name}' of {_title(layer)}"
        value = expect(config[name], SETTINGS[name], what)
        if isinstance(value, list):
            value = expect(value[0] if value else None, int, f"the first of {what}")
        if isinstance(value, NUMBER) and not abs(value) < LARGEST_NUMBER:
            raise Unreadable(f"{what} is out of range")


def _policy(config):
    """The name of the policy of a configuration, which says in what type a layer computes, or None."""
    value = config.get("dtype") if isinstance(config, dict) else None
    if isinstance(value, dict):
        inner = value.get("config")
        value = inner.get("name") if isinstance(inner, dict) else None
    return value if isinstance(value, str) else None


def _inner(layer, name):
    """The class and configuration of a layer inside another one."""
    what = f"the inner layer of {_title(layer)}"
    inner = layer["config"][name]
    config = field(inner, "config", dict, what)
    _check_settings(layer, config)
    return field(inner, "class_name", str, what), config


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

    def weights_of(self, layer):
        """The weights of a layer, in the order of Keras."""
        try:
            found = self.weights.of(layer)
            if found is None:
                raise Unsupported("no weights for it in the file")
            for name, values in found:
                check_numbers(f"weight '{name}'", values)
        except Unreadable:
            raise
        except Unsupported as problem:
            _refuse(layer, problem)
        return [values for _, values in found]

    def with_bias(self, layer, config, weights, dimensions):
        """Weights of these numbers of dimensions, and the bias after them, which may be left out."""
        expected = [*dimensions, 1] if config.get("use_bias", True) else list(dimensions)
        if [values.ndim for values in weights] != expected:
            _refuse(layer, f"weights of the shapes {[list(values.shape) for values in weights]}, "
                    f"expected {len(expected)} weights of {expected} dimensions")
        return weights if len(weights) > len(dimensions) else [
            *weights, np.zeros(weights[-1].shape[-1])]

    def built(self, layer, kind, *arguments):
        """A layer of the network; the message of a refusal names the layer of Keras."""
        try:
            return kind(*arguments)
        except Unsupported as problem:
            return _refuse(layer, problem)

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
        if config.get("stateful"):
            self.network.note(f"{_title(layer)} is stateful in Keras; here each sequence starts from zeros")
        kernel, recurrent_kernel, bias = self.with_bias(layer, config, weights, (2, 2))
        return self.built(layer, Lstm, kernel.T, recurrent_kernel.T, bias, divisor)  # gates i, f, c, o

    def lstm(self, layer, config):
        self.network.layers.append(self.one_lstm(layer, config, self.weights_of(layer)))
        if not config.get("return_sequences", False):
            self.network.add("last_step")

    def bidirectional(self, layer, config):
        kind, ahead = _inner(layer, "layer")
        if kind != "LSTM":
            _refuse(layer, f"of {kind}, expected of LSTM")
        if config.get("merge_mode", "concat") != "concat":
            _refuse(layer, f"merge_mode '{config['merge_mode']}', expected 'concat'")
        kind, behind = _inner(layer, "backward_layer" if config.get("backward_layer") else "layer")
        if kind != "LSTM":
            _refuse(layer, f"of {kind}, expected of LSTM")
        # Keras writes the backward layer with go_backwards, which makes it run backward.
        behind = {**behind, "go_backwards": False}
        if ahead.get("return_sequences", False) != behind.get("return_sequences", False):
            _refuse(layer, "one direction with return_sequences and one without")
        weights = self.weights_of(layer)
        half = 3 if ahead.get("use_bias", True) else 2
        self.network.layers.append(BidirectionalLstm(self.one_lstm(layer, ahead, weights[:half]),
                                                     self.one_lstm(layer, behind, weights[half:])))
        if not ahead.get("return_sequences", False):
            self.network.add("last_step_of_both_directions")

    def conv1d(self, layer, config):
        if _one(config.get("strides", 1)) != 1:
            _refuse(layer, f"strides {config['strides']}, expected 1")
        if config.get("groups", 1) != 1:
            _refuse(layer, f"groups {config['groups']}, expected 1")
        self.channels_last(layer, config)
        kernel, bias = self.with_bias(layer, config, self.weights_of(layer), (3,))
        dilation = _one(config.get("dilation_rate", 1))
        reach = (kernel.shape[0] - 1) * dilation
        zeros = {"valid": (0, 0), "same": (reach // 2, reach - reach // 2), "causal": (reach, 0)}
        if config["padding"] not in zeros:
            _refuse(layer, f"padding '{config['padding']}' is not supported")
        self.network.layers.append(self.built(  # the kernel of Keras is [kernel, inputs, outputs]
            layer, Conv1d, kernel.transpose(2, 1, 0), bias, dilation, *zeros[config["padding"]]))
        self.activation(layer, config)

    def batch_normalization(self, layer, config):
        weights = self.weights_of(layer)
        count = 2 + bool(config.get("scale", True)) + bool(config.get("center", True))
        if len(weights) != count:
            _refuse(layer, f"{len(weights)} weights, expected {count}")
        mean, variance = weights[-2:]
        axis = config.get("axis", -1)
        axis = axis[0] if isinstance(axis, list) else axis
        last = 1 if self.network.gives_one_step else 2
        if axis not in (-1, last):
            _refuse(layer, f"axis {axis}, expected -1, the features")
        if config.get("renorm"):
            _refuse(layer, "renorm is not supported")
        scale = weights.pop(0) if config.get("scale", True) else np.ones_like(mean)
        shift = weights.pop(0) if config.get("center", True) else np.zeros_like(mean)
        self.network.layers.append(
            self.built(layer, BatchNorm, scale, shift, mean, variance, config["epsilon"]))

    def dense(self, layer, config):
        kernel, bias = self.with_bias(layer, config, self.weights_of(layer), (2,))
        self.network.layers.append(self.built(layer, Dense, kernel.T, bias))
        self.activation(layer, config)

    def repeat(self, layer, times):
        if times < 1:
            _refuse(layer, f"each step {times} times, expected at least 1")
        self.network.add("repeat", times)

    def channels_last(self, layer, config):
        if config.get("data_format", "channels_last") != "channels_last":
            _refuse(layer, f"data_format '{config['data_format']}', expected 'channels_last'")

    def relu(self, layer, config):
        if config.get("max_value") is not None or config.get("threshold"):
            _refuse(layer, "a maximum or a threshold is not supported")
        below = config.get("negative_slope") or 0
        self.network.add("leaky_relu", float(below))

    def leaky_relu(self, layer, config):
        below = config.get("negative_slope", config.get("alpha", 0.3))
        if below is None:
            _refuse(layer, "has no slope")
        self.network.add("leaky_relu", float(below))

    def softmax(self, layer, config):
        if config.get("axis", -1) != -1:
            _refuse(layer, f"axis {config['axis']}, expected -1")
        self.network.add("softmax")

    def add(self, layer):
        """Appends what a layer computes."""
        kind, config = layer["class_name"], layer["config"]
        if kind in PASSED_OVER:
            return
        wrapped = [config.get(name) for name in ("layer", "backward_layer")]
        for each in (config, *(inner.get("config") for inner in wrapped if isinstance(inner, dict))):
            if _policy(each) in POLICIES_OF_16_BITS:
                self.network.note(f"with the policy '{_policy(each)}' Keras computes in 16 bits; here all "
                                  "computations are in floats of the type that is chosen in C++, and "
                                  "outputs differ by the rounding")
        if kind in NEEDED:
            field(config, NEEDED[kind], SETTINGS[NEEDED[kind]], _title(layer))
        if kind == "TimeDistributed":
            kind, config = _inner(layer, "layer")
            if kind != "Dense":
                _refuse(layer, f"of {kind}, expected of Dense")
        pooling = {"GlobalAveragePooling1D": "global_average_pooling",
                   "GlobalMaxPooling1D": "global_max_pooling"}
        readers = {"LSTM": self.lstm, "Bidirectional": self.bidirectional, "Conv1D": self.conv1d,
                   "BatchNormalization": self.batch_normalization, "Dense": self.dense,
                   "Activation": self.activation, "ReLU": self.relu, "LeakyReLU": self.leaky_relu,
                   "Softmax": self.softmax,
                   "RepeatVector": lambda *_: self.repeat(layer, config["n"]),
                   "UpSampling1D": lambda *_: self.repeat(layer, config["size"])}
        if self.network.gives_one_step and kind in ("LSTM", "Bidirectional", "Conv1D",
                                                    "UpSampling1D", *pooling):
            _refuse(layer, "reads a sequence, and a layer before it gives one step")
        if kind in {*pooling, *readers}:
            _check_settings(layer, config)
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
        before = len(reader.network.layers)
        reader.add(layer)
        try:
            for made in reader.network.layers[before:]:
                made.check()
        except Unsupported as problem:
            _refuse(layer, problem)
    reader.network.check()
    return reader.network


def _layers(model):
    """The layers of a model in order. A functional model must be one chain."""
    expect(model, dict, "the model")
    kind = field(model, "class_name", str, "the model")
    config = field(model, "config", dict, "the model")
    if kind not in ("Sequential", "Functional", "Model"):
        raise Unsupported(f"a model of class '{kind}', expected Sequential or Functional")
    layers = field(config, "layers", list, "the model")
    for position, layer in enumerate(layers):
        what = f"layer {position} of the model"
        expect(layer, dict, what)
        field(layer, "class_name", str, what)
        expect(field(layer, "config", dict, what).get("name", ""), str, f"the name of {what}")
        if ">" in expect(layer.get("registered_name") or "", str, f"'registered_name' of {what}"):
            _refuse(layer, f"is a custom class, '{layer['registered_name']}'")
    if kind != "Sequential" and layers:
        _check_ends(config, "input", layers[0])
        for before, layer in zip(layers, layers[1:]):
            _check_call(layer, before)
        _check_ends(config, "output", layers[-1])
    return layers


def _check_ends(config, end, layer):
    """The model must have one input or output: that of the first or the last layer of the chain."""
    # Keras writes [name, node, tensor], a list of these, or an object with these.
    ends = field(config, f"{end}_layers", (list, dict), "the model")
    ends = list(ends.values()) if isinstance(ends, dict) else ends
    if ends and isinstance(ends[0], str):
        ends = [ends]
    if len(ends) != 1:
        names = [str(each[0]) for each in ends if isinstance(each, list) and each]
        raise Unsupported(f"the model has {len(ends)} {end}s ({', '.join(names)}), expected 1")
    if ends[0] != [_name(layer), 0, 0]:
        _refuse(layer, f"the {end} of the model is not that of this layer alone")


def _check_call(layer, before):
    """A layer must be called once, with the output of the layer before it, and with nothing else."""
    nodes = expect(layer.get("inbound_nodes", []), list, f"'inbound_nodes' of {_title(layer)}")
    if len(nodes) != 1:
        _refuse(layer, f"is called {len(nodes)} times, expected once")
    source, others = _arguments(nodes[0])
    if source != [_name(before), 0, 0]:
        _refuse(layer, "is not connected only to the layer before it")
    for name, value in others.items():
        # Keras also writes arguments that have their default values.
        if value is not None and value is not False:
            _refuse(layer, f"is called with {name}")


def _arguments(node):
    """Of a call: where its first argument comes from, and the other arguments by their names."""
    if isinstance(node, dict):  # since Keras 3: {"args": [tensor, ...], "kwargs": {...}}
        tensors = expect(node.get("args", []), list, "'args' of a call")
        others = dict(expect(node.get("kwargs", {}), dict, "'kwargs' of a call"))
        if not tensors:
            tensors = [others.pop(name) for name in ("inputs", "sequences") if name in others][:1]
        first = tensors[0] if tensors else None
        inner = first.get("config") if isinstance(first, dict) else None
        source = inner.get("keras_history") if isinstance(inner, dict) else None
    else:  # before: [[name, node, tensor, {...}], ...]
        tensors = expect(node, list, "a call")
        tensors = [tensors] if tensors and isinstance(tensors[0], str) else tensors
        first = tensors[0] if tensors and isinstance(tensors[0], list) else []
        source = first[:3]
        others = dict(expect(first[3], dict, "the arguments of a call")) if len(first) > 3 else {}
    return source, {**{f"argument {k + 2}": value for k, value in enumerate(tensors[1:])}, **others}


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


def read(path):
    """The network of a Keras file."""
    with contextlib.ExitStack() as files:
        with reading():
            if zipfile.is_zipfile(path):
                archive = files.enter_context(zipfile.ZipFile(path))
                size = pathlib.Path(path).stat().st_size
                config, metadata, weights = (_member(archive, name, size) for name in MEMBERS)
                model, metadata = json.loads(config), json.loads(metadata)
                file = files.enter_context(h5py.File(io.BytesIO(weights), "r"))
            else:
                archive = None
                file = files.enter_context(h5py.File(path, "r"))
                model = json.loads(_text(file.attrs.get("model_config", "null")))
                metadata = {"keras_version": _text(file.attrs.get("keras_version"))}
            _check_links(file)
        if archive is None and model is None:
            raise Unsupported("weights alone, without the model; save the whole model")
        layers = _layers(model)
        version = expect(metadata, dict, "the metadata").get("keras_version")
        expect(version, (str, NONE), "'keras_version'")
        return _network(layers, _KerasWeights(file, layers) if archive else _H5Weights(file), version)
