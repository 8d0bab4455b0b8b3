"""Writes a network as ONNX (opset 22). Needs the package onnx."""
import numpy as np

from .onnx_reader import reordered

GATES_TO_ONNX = (0, 3, 1, 2)  # i f c o to i o f c
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

    def layer(self, layer, ends):
        """The nodes of a layer. Returns the last states of an LSTM."""
        kind = layer.kind
        if kind == "lstm":
            return self.lstm([layer])
        if kind == "bidirectional_lstm":
            return self.lstm([layer.ahead, layer.behind])
        if kind == "conv1d":
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


def write(network, path):
    """Input [time, 1, features], output [time of the outputs, 1, outputs]."""
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
    onnx.save(model, str(path))
