"""Reads ONNX models that are a chain of the layers of network.py. Needs the package onnx.

Axes are not followed: what was read is run beside the model, and refused when they differ.
"""
import itertools

import numpy as np

from .network import (LONGEST_REACH, MOST_REPEATS, BatchNorm, BidirectionalLstm, Conv1d, Dense, Lstm,
                      Network, Unsupported, check_numbers, largest_difference)
from .reading import reading

# Nodes that only change the shape of a value.
RESHAPING = {"Squeeze", "Unsqueeze", "Transpose", "Reshape", "Identity", "Flatten", "Dropout", "Cast"}
FOR_SHAPES = RESHAPING | {"Shape", "Constant", "ConstantOfShape", "Concat", "Expand", "Gather",
                          "Slice", "Mul", "Add", "Sub", "Div", "Range", "Max", "Min", "Equal",
                          "Where"}
POOLING_NODES = {"GlobalAveragePool": "global_average_pooling", "ReduceMean": "global_average_pooling",
                 "GlobalMaxPool": "global_max_pooling", "ReduceMax": "global_max_pooling"}
GATES_FROM_ONNX = (0, 2, 3, 1)  # i o f c to i f c o
TOLERANCE = 1e-5
LARGEST_BATCH = 10_000_000  # numbers in a batch of more than one that is run for the reason of a refusal


def reordered(values, order):
    """Rows [4H, ...] with the gates in another order."""
    blocks = np.split(values, 4)
    return np.concatenate([blocks[k] for k in order])


def _decimal(value):
    """A float32 of a file as the intended number: 0.001 and not 0.0010000000474974513."""
    return float(str(np.float32(value)))


class _Node:
    """A node with its attributes and the constants among its inputs."""

    def __init__(self, node, constants):
        from onnx import helper

        standard = node.domain in ("", "ai.onnx")
        self.kind = node.op_type if standard else f"{node.domain}.{node.op_type}"
        self.name = node.name or node.op_type
        self.inputs, self.outputs = list(node.input), list(node.output)
        self.attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        self.constants = constants

    def refuse(self, why):
        raise Unsupported(f"node '{self.name}' ({self.kind}): {why}")

    def attribute(self, name, default=None):
        value = self.attributes.get(name, default)
        return value.decode() if isinstance(value, bytes) else value

    def given(self, index):
        """Whether there is an input at a position."""
        return len(self.inputs) > index and self.inputs[index] != ""

    def constant(self, index):
        """The numbers of an optional input, or None."""
        if not self.given(index):
            return None
        if self.inputs[index] not in self.constants:
            self.refuse(f"input {index} is not a constant")
        values = self.constants[self.inputs[index]]
        if values.dtype.kind in "OSUc":
            self.refuse(f"input {index} does not hold real numbers")
        if values.dtype.kind == "f":
            try:
                check_numbers(f"input '{self.inputs[index]}'", values)
            except Unsupported as problem:
                self.refuse(problem)
        return values

    def needed(self, index, dimensions=None):
        """The numbers of an input, of a given number of dimensions."""
        values = self.constant(index)
        if values is None:
            self.refuse(f"has no input {index}")
        if dimensions is not None and values.ndim != dimensions:
            self.refuse(f"weights of {values.ndim} dimensions, expected {dimensions}")
        return values

    def weights(self, index, dimensions):
        return self.needed(index, dimensions).astype(np.float64)

    def bias(self, index, outputs):
        """A bias for each output, which may be given as one number or not at all."""
        if not self.given(index):
            return np.zeros(outputs)
        values = self.needed(index).reshape(-1)
        if values.size not in (1, outputs):
            self.refuse(f"a bias of the shape {list(self.needed(index).shape)} for {outputs} outputs")
        return np.broadcast_to(values, outputs).astype(np.float64)

    def built(self, kind, *arguments):
        """A layer of the network; the message of a refusal names the node."""
        try:
            return kind(*arguments)
        except Unsupported as problem:
            return self.refuse(problem)

    def check(self, layers):
        """Refuses layers that were made of the node and are not loaded by C++."""
        try:
            for layer in layers:
                layer.check()
        except Unsupported as problem:
            self.refuse(problem)

    def numbers(self, name, index, default=None):
        """A value that is an attribute in old models and an input in newer ones, as a list."""
        value = self.attributes[name] if name in self.attributes else self.constant(index)
        value = default if value is None else value
        if np.size(value) == 0 or value is None:
            self.refuse(f"has no {name}")
        return np.ravel(value).tolist()


def _hard_sigmoid_divisor(node, alpha, beta):
    for divisor in (5, 6):
        if abs(alpha - 1 / divisor) < 1e-6 and abs(beta - 0.5) < 1e-6:
            return divisor
    return node.refuse(f"a hard sigmoid with alpha {alpha:.6g} and beta {beta:.6g}; expected 0.2 or "
                       "1/6, and 0.5")


def _lstm(node):
    direction = node.attribute("direction", "forward")
    if direction not in ("forward", "bidirectional"):
        node.refuse(f"direction '{direction}', expected 'forward' or 'bidirectional'")
    directions = 2 if direction == "bidirectional" else 1
    if node.given(4):
        node.refuse("sequence_lens is not supported")
    for index, name in ((5, "initial_h"), (6, "initial_c")):
        # Zeros are the default. Their number often depends on the batch; then they are not known here.
        if node.given(index) and np.any(node.constants.get(node.inputs[index], 0)):
            node.refuse(f"{name} is not zero")
    if node.given(7):
        node.refuse("P (peepholes) is not supported")
    for key in ("clip", "input_forget"):
        if node.attributes.get(key):
            node.refuse(f"{key} is not supported")
    names = [a.decode().lower() for a in node.attributes.get("activations", [])]
    names = names or ["sigmoid", "tanh", "tanh"] * directions
    divisor = 0
    if names == ["hardsigmoid", "tanh", "tanh"] * directions:
        alpha = node.attributes.get("activation_alpha") or [0.2]
        beta = node.attributes.get("activation_beta") or [0.5]
        divisor = _hard_sigmoid_divisor(node, alpha[0], beta[0])
    elif names != ["sigmoid", "tanh", "tanh"] * directions:
        node.refuse(f"activations {names}")
    weights, recurrent = node.weights(1, 3), node.weights(2, 3)
    biases = node.weights(3, 2) if node.given(3) else np.zeros((directions, 2 * weights.shape[1]))
    if {len(weights), len(recurrent), len(biases)} != {directions}:
        node.refuse(f"weights of {len(weights)}, {len(recurrent)} and {len(biases)} directions, expected "
                    f"{directions}")
    rows = 4 * recurrent.shape[2]
    if (weights.shape[1], recurrent.shape[1], biases.shape[1]) != (rows, rows, 2 * rows):
        node.refuse(f"weights of the shapes {list(weights.shape)}, {list(recurrent.shape)} and "
                    f"{list(biases.shape)}")
    layers = [node.built(Lstm, *(reordered(values, GATES_FROM_ONNX) for values in (
        weights[k], recurrent[k], biases[k, :rows] + biases[k, rows:])), divisor)
        for k in range(directions)]
    return node.built(BidirectionalLstm, *layers) if directions == 2 else layers[0]


def _conv(node, zeros):
    weights = node.weights(1, 3)
    for key in ("strides", "group"):
        if np.any(np.array(node.attributes.get(key, 1)) != 1):
            node.refuse(f"{key} {node.attributes[key]}, expected 1")
    dilation, *others = node.attributes.get("dilations", [1])
    reach = (weights.shape[2] - 1) * dilation
    auto_pad = node.attribute("auto_pad", "NOTSET")
    pads = {"NOTSET": tuple(node.attributes.get("pads", (0, 0))), "VALID": (0, 0),
            "SAME_UPPER": (reach // 2, reach - reach // 2),
            "SAME_LOWER": (reach - reach // 2, reach // 2)}.get(auto_pad, ())
    if others or len(pads) != 2:
        node.refuse(f"pads {list(pads)} and dilations {[dilation, *others]}, expected those of one axis")
    return node.built(Conv1d, weights, node.bias(2, len(weights)), dilation, pads[0] + zeros[0],
                      pads[1] + zeros[1])


def _zeros(node):
    """The zeros that a Pad node puts around time."""
    pads = node.numbers("pads", 1)
    if node.attribute("mode", "constant") != "constant" or np.any(node.numbers("value", 2, 0)):
        node.refuse("expected zeros")
    size = len(pads) // 2
    around = [(before, after) for before, after in zip(pads[:size], pads[size:]) if before or after]
    return around[0] if len(around) == 1 else node.refuse(f"pads {pads}")


class _Reader:
    """Builds a network from the nodes of a graph in their order.

    `places` has, for each value that depends on the samples, the layer that it comes from: the number
    of layers up to it. `ends` has the last states of LSTM layers that a value contains: pairs of such
    a number and `whole`, `ahead` or `behind`. `shapes` has the sizes of values, as far as they are
    known: numbers and names.
    """

    def __init__(self, constants, samples, shapes):
        self.network = Network()
        self.constants = constants
        self.shapes = shapes
        self.places = {samples: 0}
        self.ends = {}
        self.zeros = (0, 0)

    def consume(self, node, value):
        """The value must come from the last layer; last states become a layer of their own."""
        if value in self.ends:
            last = len(self.network.layers)
            kinds = {((last, "whole"),): "last_step",
                     ((last, "ahead"), (last, "behind")): "last_step_of_both_directions"}
            kind = kinds.get(tuple(self.ends[value]))
            if kind is None:
                node.refuse("reads other states than the last ones of the layer before it")
            self.network.add(kind)
        elif self.places[value] != len(self.network.layers):
            node.refuse("does not follow only the layer before it")

    def take(self, original):
        node = _Node(original, self.constants)
        flowing = [name for name in node.inputs if name in self.places or name in self.ends]
        if not flowing:
            self.fold(node, original)
            return
        if node.kind == "Shape":
            return
        repeats = 1
        if node.kind in ("Tile", "Expand", "Resize") and flowing == node.inputs[:1]:
            repeats = self.repeats(node)
            node.kind = "Identity" if repeats == 1 else node.kind
        if all(name in self.ends for name in flowing) and (
                node.kind in RESHAPING or node.kind in ("Concat", "Gather", "Slice")):
            self.pick(node, flowing)
            return
        if node.kind == "Add" and flowing == node.inputs[1:]:
            node.inputs.reverse()
        if len(flowing) != 1 or flowing[0] != node.inputs[0]:
            node.refuse("does not follow only the layer before it")
        elif node.kind in RESHAPING:
            self.places[node.outputs[0]] = self.places[flowing[0]]
        else:
            self.consume(node, flowing[0])
            before = len(self.network.layers)
            if repeats > 1:
                self.network.add("repeat", repeats)
            else:
                self.compute(node)
            node.check(self.network.layers[before:])
            self.places[node.outputs[0]] = len(self.network.layers)

    def fold(self, node, original):
        """A node that does not depend on the samples: a constant, or one that uses only their shape."""
        from onnx.reference import ReferenceEvaluator

        if node.kind not in FOR_SHAPES:
            node.refuse("is not supported")
        if all(name in self.constants for name in node.inputs if name):
            feeds = {name: self.constants[name] for name in node.inputs if name}
            with reading():
                values = ReferenceEvaluator(original).run(None, feeds)
            self.constants.update((name, np.asarray(each)) for name, each in zip(node.outputs, values))

    def repeats(self, node):
        """How often a node repeats each step."""
        before, after = (self.shapes.get(name, []) for name in (node.inputs[0], node.outputs[0]))
        if node.kind == "Resize":
            if node.attribute("mode", "nearest") != "nearest":
                node.refuse(f"mode '{node.attribute('mode')}', expected 'nearest'")
            counts = node.numbers("scales", 2)
        elif before and len(before) == len(after) and all(
                a == b or (isinstance(a, int) and isinstance(b, int)) for a, b in zip(before, after)):
            counts = [b / a for a, b in zip(before, after) if a != b]
        elif node.given(1) and node.inputs[1] not in self.constants:
            return node.refuse("repeats as often as the series is long; export the model for a "
                               "series of one length")
        else:
            counts = node.needed(1).reshape(-1).tolist()
            if node.kind == "Expand" and len(before) == len(counts):
                counts = [count for size, count in zip(before, counts) if size == 1]
            elif node.kind == "Expand" and self.network.outputs in counts:
                counts.remove(self.network.outputs)  # the size of a step, which does not change
        counts = [count for count in counts if count != 1]
        if len(counts) > 1 or any(not 1 < c <= MOST_REPEATS or c != int(c) for c in counts):
            node.refuse(f"repeats {counts} times, expected one number up to {MOST_REPEATS}")
        return int(counts[0]) if counts else 1

    def pick(self, node, flowing):
        """A node that selects among last states."""
        if node.kind == "Concat":
            picked = [end for name in flowing for end in self.ends[name]]
        else:
            picked = self.ends[flowing[0]]
            try:
                if node.kind == "Gather":
                    picked = [picked[int(k)] for k in node.needed(1).reshape(-1)]
                elif node.kind == "Slice":
                    (start, *_), (end, *_) = (node.numbers("starts", 1), node.numbers("ends", 2))
                    picked = picked[int(start):int(end)]
            except IndexError:
                node.refuse("takes a state that is not there")
        self.ends[node.outputs[0]] = picked

    def compute(self, node):
        """Appends the layers of a node."""
        network, layers = self.network, self.network.layers
        if node.kind != "Conv" and self.zeros != (0, 0):
            node.refuse("reads a sequence with zeros around it")
        if node.kind == "LSTM":
            layers.append(_lstm(node))
            halves = ["ahead", "behind"] if layers[-1].kind == "bidirectional_lstm" else ["whole"]
            if len(node.outputs) > 1:
                self.ends[node.outputs[1]] = [(len(layers), half) for half in halves]
            if len(node.outputs) > 2:
                self.ends[node.outputs[2]] = [(len(layers), "cell")]
        elif node.kind == "Conv":
            layers.append(_conv(node, self.zeros))
            self.zeros = (0, 0)
        elif node.kind == "Pad":
            self.zeros = _zeros(node)
        elif node.kind == "BatchNormalization":
            if node.attributes.get("training_mode"):
                node.refuse("training_mode is not supported")
            values = [node.weights(k, 1) for k in range(1, 5)]
            layers.append(node.built(BatchNorm, *values, _decimal(node.attributes.get("epsilon", 1e-5))))
        elif node.kind == "MatMul":
            weights = node.weights(1, 2)
            layers.append(node.built(Dense, weights.T, np.zeros(weights.shape[1])))
        elif node.kind == "Gemm":
            for key, expected in (("alpha", 1), ("beta", 1), ("transA", 0)):
                if node.attributes.get(key, expected) != expected:
                    node.refuse(f"{key} {node.attributes[key]}, expected {expected}")
            weights = node.weights(1, 2)
            weights = weights if node.attributes.get("transB") else weights.T
            layers.append(node.built(Dense, weights, node.bias(2, len(weights))))
        elif node.kind == "Add" and network.last == "dense":
            layers[-1].bias = layers[-1].bias + node.bias(1, layers[-1].outputs)
        elif node.kind in POOLING_NODES:
            network.add(POOLING_NODES[node.kind])
        elif node.kind in ("Gather", "Slice"):
            index = node.numbers("indices" if node.kind == "Gather" else "starts", 1)
            if index != [-1]:
                node.refuse(f"takes {index}, expected the last step, -1")
            if node.kind == "Slice" and node.numbers("steps", 4, 1) != [1]:
                node.refuse("reads from the end to the start")
            network.add("last_step")
        elif node.kind == "LeakyRelu":
            network.add("leaky_relu", _decimal(node.attributes.get("alpha", 0.01)))
        elif node.kind == "HardSigmoid":
            network.add("hard_sigmoid", _hard_sigmoid_divisor(
                node, node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)))
        elif node.kind in ("Relu", "Sigmoid", "Tanh", "Softmax"):
            network.add(node.kind.lower())
        else:
            node.refuse("is not supported")


def _needed(graph):
    """The nodes that the output depends on, in their order."""
    wanted, nodes = {graph.output[0].name}, []
    for node in reversed(graph.node):
        if wanted & set(node.output):
            nodes.append(node)
            wanted |= set(node.input)
    return nodes[::-1]


def _shapes(model):
    """The sizes of the values of a model: numbers, names, or None where nothing is known."""
    from onnx import shape_inference

    with reading():
        graph = shape_inference.infer_shapes(model, data_prop=True).graph
    return {value.name: [size.dim_value or size.dim_param or None
                         for size in value.type.tensor_type.shape.dim]
            for value in (*graph.input, *graph.value_info, *graph.output)}


def read(path):
    """The network of an ONNX file, checked by running the model."""
    import onnx
    from onnx import numpy_helper

    with reading():
        model = onnx.load(str(path))
        onnx.checker.check_model(model)
        graph = model.graph
        constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in constants]
    for end, entries in (("inputs", inputs), ("outputs", graph.output)):
        if len(entries) != 1:
            names = ", ".join(entry.name for entry in entries)
            raise Unsupported(f"the model has {len(entries)} {end} ({names}), expected 1")
    _check_type(inputs[0])
    reader = _Reader(constants, inputs[0].name, _shapes(model))
    for node in _needed(graph):
        reader.take(node)
    output = graph.output[0].name
    if output in reader.ends:
        reader.consume(_Node(graph.node[-1], constants), output)
    elif output not in reader.places:
        raise Unsupported(f"the output '{output}' does not depend on the input")
    reader.network.check()
    _replay(model, inputs[0], reader.network)
    return reader.network


def _check_type(entry):
    """Refuses a model whose samples are not floats of 32 bits, which not all runtimes compute with."""
    from onnx import TensorProto

    kind = entry.type.tensor_type.elem_type
    if kind != TensorProto.FLOAT:
        names = {number: name.lower() for name, number in TensorProto.DataType.items()}
        raise Unsupported(f"the model's input '{entry.name}' is {names.get(kind, kind)}, expected float (32 "
                          "bits)")


def runner(model, network):
    """A function that runs the model: ONNX Runtime, or the evaluator of the package onnx, or None if the
    latter does not compute the network's gates."""
    try:
        import onnxruntime
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        if any(getattr(layer, "divisor", 0) for layer in network.layers) or any(
                layer.kind == "bidirectional_lstm" and layer.ahead.divisor for layer in network.layers):
            return None
        return ReferenceEvaluator(model).run
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                        providers=["CPUExecutionProvider"]).run


def _orders(shape, inputs):
    """The axes of an input that can be time, batch and features, for a network that reads `inputs` values.

    Over a single step flips, means over features and recurrent weights would change nothing: an axis of
    one step is not time. Axes that make a batch of more than one come last: they only serve to give the
    reason of a refusal.
    """
    orders = [order for order in itertools.permutations(range(3)) if shape[order[2]] in (0, inputs)]
    if not orders:
        raise Unsupported(f"the model's input has the shape {shape}, the network reads {inputs} values of "
                          "each step")
    orders = [order for order in orders if shape[order[0]] != 1]
    if not orders:
        raise Unsupported(f"the model's input has the shape {shape}, a single step; export the model for a "
                          "series of at least 2 steps")
    return sorted(orders, key=lambda order: shape[order[1]] > 1)


def _lengths(fixed, network):
    """The lengths of the series that are compared: two where the model reads any (`fixed` is 0). They differ
    from the number of features, or axes would be confused."""
    if fixed:
        return [fixed]
    lengths = (steps + network.shorter_by for steps in (12, 17))
    return [steps + (steps == network.inputs) for steps in lengths]


def _difference(run, name, network, steps, copies, order):
    """The largest relative difference between model and network for a random series; or text, the reason why
    they cannot be compared."""
    series = np.random.default_rng(1).standard_normal((steps, 1, network.inputs))
    given = np.repeat(series, copies, axis=1).transpose(np.argsort(order)).astype(np.float32)
    try:
        expected = network.forward(series[:, 0]).squeeze()
        output = run(None, {name: given})[0]
    except Exception as problem:  # this order of axes does not fit; runtimes raise different errors
        return str(problem)[:200]
    one_each = [output] if copies == 1 else [
        output.take(0, axis) for axis in range(output.ndim) if output.shape[axis] == copies]
    # [time, outputs] and [outputs, time] are distinguished by their values.
    differences = [largest_difference(seen, expected)
                   for one in one_each for seen in (one.squeeze(), one.squeeze().T)
                   if seen.shape == expected.shape]
    return min(differences, default=f"an output of the shape {list(output.shape)}, expected one of "
               f"{list(expected.shape)}")


def _replay(model, entry, network):
    """Refuses a network whose results differ from those of the model, whichever axis is time."""
    shape = [d.dim_value for d in entry.type.tensor_type.shape.dim]
    if len(shape) != 3:
        raise Unsupported(f"the model's input has {len(shape)} dimensions, expected 3")
    if not all(0 <= size <= LONGEST_REACH for size in shape):
        raise Unsupported(f"the model's input has the shape {shape}")
    with reading():
        run = runner(model, network)
    if run is None:
        raise Unsupported("gates that are hard sigmoids can only be checked with the package "
                          "onnxruntime, which is not installed")
    reasons = []
    for order in _orders(shape, network.inputs):
        time, batch, _ = order
        copies = max(shape[batch], 1)
        lengths = _lengths(shape[time], network)
        if copies > 1 and copies * max(lengths) * network.inputs > LARGEST_BATCH:
            continue
        found = [_difference(run, entry.name, network, steps, copies, order) for steps in lengths]
        wrong = [each for each in found if isinstance(each, str) or not each < TOLERANCE]
        if not wrong:
            if copies > 1:
                raise Unsupported(f"the model's input has a batch of {copies}, expected 1 or free")
            return
        if copies == 1:
            reasons.append(wrong[0] if isinstance(wrong[0], str)
                           else f"a relative difference of {wrong[0]:.2g}")
    raise Unsupported("the network that was read does not compute what the model computes: "
                      + "; ".join(reasons))
