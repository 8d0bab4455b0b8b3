"""Writes a network as ONNX (opset 22). Needs the package onnx."""
import numpy as np

from .network import Unsupported, largest_difference
from .onnx_reader import TOLERANCE, reordered, runner

GATES_TO_ONNX = (0, 3, 1, 2)  # i f c o to i o f c
END = np.iinfo(np.int64).max  # of an axis
NODES = {"relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh"}


class _Writer:
    """Appends nodes. A value is [time, 1, features], or [1, features, time] if nodes need that; `width`
    is its number of features."""

    def __init__(self, width):
        self.nodes, self.tensors = [], []
        self.value, self.channels_first = "samples", False
        self.width = width
        self.name = ""

    def constant(self, name, values, kind=np.float32):
        from onnx import numpy_helper

        name = f"{self.name}.{name}"
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values, kind), name))
        return name

    def node(self, kind, *others, outputs=None, **attributes):
        """A node of the current value and further inputs; its first output is the next value."""
        from onnx import helper

        name = f"{self.name}.{kind.lower()}.{len(self.nodes)}"
        outputs = outputs or [name]
        self.nodes.append(helper.make_node(kind, [self.value, *others], outputs, name=name,
                                           **attributes))
        self.value = outputs[0]

    def turn(self, channels_first):
        if channels_first != self.channels_first:
            self.node("Transpose", perm=[1, 2, 0] if channels_first else [2, 0, 1])
            self.channels_first = channels_first

    def lstm(self, directions):
        self.turn(False)
        one = directions[0]
        weights = [np.stack([reordered(layer.input_weights, GATES_TO_ONNX) for layer in directions]),
                   np.stack([reordered(layer.recurrent_weights, GATES_TO_ONNX) for layer in directions]),
                   np.stack([np.concatenate([reordered(layer.bias, GATES_TO_ONNX),
                                             np.zeros_like(layer.bias)]) for layer in directions])]
        names = [self.constant(name, values)
                 for name, values in zip(("weights", "recurrent", "bias"), weights)]
        attributes = {"hidden_size": one.outputs}
        if len(directions) == 2:
            attributes["direction"] = "bidirectional"
        if one.divisor:
            attributes["activations"] = ["HardSigmoid", "Tanh", "Tanh"] * len(directions)
            attributes["activation_alpha"] = [1 / one.divisor] * len(directions)
            attributes["activation_beta"] = [0.5] * len(directions)
        ends = f"{self.name}.ends"
        self.node("LSTM", *names, outputs=[f"{self.name}.lstm", ends], **attributes)
        # [time, directions, 1, hidden] to [time, 1, directions * hidden]
        self.node("Transpose", perm=[0, 2, 1, 3])
        self.node("Reshape", self.constant("shape", [0, 0, -1], np.int64))
        return ends

    def both_ends(self):
        """The last step of the first half of the features, the first step of the others."""
        self.turn(False)
        whole, half = self.value, self.width // 2
        axes = self.constant("axes", [0, 2], np.int64)
        parts = []
        for name, start, end in (("last", [-1, 0], [END, half]), ("first", [0, half], [1, END])):
            self.value = whole
            self.node("Slice", self.constant(f"{name}.from", start, np.int64),
                      self.constant(f"{name}.to", end, np.int64), axes)
            parts.append(self.value)
        self.value = parts[0]
        self.node("Concat", parts[1], axis=2)

    def layer(self, layer, ends):
        """The nodes of a layer; `ends` are the last states if the layer before it is an LSTM in both
        directions. Returns those of this one."""
        kind = layer.kind
        if kind == "lstm":
            self.lstm([layer])
        elif kind == "bidirectional_lstm":
            return self.lstm([layer.ahead, layer.behind])
        elif kind == "conv1d":
            self.turn(True)
            self.node("Conv", self.constant("weights", layer.weights), self.constant("bias", layer.bias),
                      pads=[layer.before, layer.after], dilations=[layer.dilation])
        elif kind == "batch_norm":
            self.turn(True)
            self.node("BatchNormalization",
                      *(self.constant(name, values) for name, values in layer.tensors().items()),
                      epsilon=layer.epsilon)
        elif kind == "dense":
            self.turn(False)
            self.node("MatMul", self.constant("weights", layer.weights.T))
            self.node("Add", self.constant("bias", layer.bias))
        elif kind == "last_step":
            self.turn(False)
            self.node("Gather", self.constant("last", [-1], np.int64), axis=0)
        elif kind == "last_step_of_both_directions" and ends is None:
            self.both_ends()
        elif kind == "last_step_of_both_directions":
            self.turn(False)
            self.value = ends  # [2, 1, hidden]
            self.node("Transpose", perm=[1, 0, 2])
            self.node("Reshape", self.constant("shape", [1, 1, -1], np.int64))
        elif kind == "repeat":  # into the axis of the batch, which becomes that of time
            self.turn(False)
            self.node("Tile", self.constant("times", [1, layer.number, 1], np.int64))
            self.node("Reshape", self.constant("shape", [-1, 1, self.width], np.int64))
        elif kind == "softmax":
            self.turn(False)
            self.node("Softmax", axis=-1)
        elif kind == "leaky_relu":
            self.node("LeakyRelu", alpha=layer.number)
        elif kind == "hard_sigmoid":
            self.node("HardSigmoid", alpha=1 / layer.number, beta=0.5)
        elif kind == "global_average_pooling":
            self.turn(True)
            self.node("GlobalAveragePool")
        elif kind == "global_max_pooling":  # the evaluator of onnx 1.23 drops the axis of GlobalMaxPool
            self.turn(False)
            self.node("ReduceMax", self.constant("axis", [0], np.int64))
        else:
            self.node(NODES[kind])
        return None


def _replay(model, network):
    """Refuses a model that does not compute what the network computes, if it can be run here."""
    run = runner(model, network)
    if run is None:
        return
    series, expected = network.probe()
    output = run(None, {"samples": series[:, None].astype(np.float32)})[0][:, 0]
    if output.shape != expected.shape:
        raise Unsupported(f"the ONNX model gives outputs of the shape {list(output.shape)}, the network of "
                          f"{list(expected.shape)}")
    difference = largest_difference(output, expected)
    if not difference < TOLERANCE:
        raise Unsupported("the ONNX model does not compute what the network computes: a relative difference "
                          f"of {difference:.2g}")


def write(network, path):
    """Input [time, 1, features], output [time of the outputs, 1, outputs]. Not written if the model, where
    it can be run, computes something else."""
    import onnx
    from onnx import TensorProto, helper

    network.check()
    writer = _Writer(network.inputs)
    ends = None
    for position, layer in enumerate(network.layers):
        writer.name = f"{position}.{layer.kind}"
        ends = writer.layer(layer, ends)
        writer.width = getattr(layer, "outputs", writer.width)
    writer.name = "outputs"
    writer.turn(False)
    writer.node("Identity", outputs=["outputs"])
    graph = helper.make_graph(
        writer.nodes, "tocsin",
        [helper.make_tensor_value_info("samples", TensorProto.FLOAT, ["time", 1, network.inputs])],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT,
                                       ["output_time", 1, network.outputs])],
        writer.tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    _replay(model, network)
    onnx.save(model, str(path))
