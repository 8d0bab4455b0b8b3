"""Reads and writes ONNX models of LSTM and dense layers. Needs the package onnx."""
import numpy as np

from .network import Dense, Lstm, Network, Unsupported

# Nodes that only change the shape of what passes.
RESHAPING = {"Squeeze", "Unsqueeze", "Transpose", "Reshape", "Identity", "Flatten", "Dropout"}
FOR_SHAPES = {"Shape", "Constant", "ConstantOfShape", "Concat", "Expand", "Cast", "Unsqueeze",
              "Gather", "Slice"}
ONNX_TO_OURS = (0, 2, 3, 1)  # i o f c to i f c o


def _reordered(values, order):
    """Rows [4H, ...] with the gates in another order."""
    blocks = np.split(values, 4)
    return np.concatenate([blocks[k] for k in order])


def _lstm(node, constants, attributes):
    name = node.name or node.op_type

    def constant(index):
        if len(node.input) <= index or not node.input[index]:
            return None
        if node.input[index] not in constants:
            raise Unsupported(f"node '{name}': input {index} is not a constant")
        return constants[node.input[index]]

    direction = attributes.get("direction", b"forward")
    direction = direction.decode() if isinstance(direction, bytes) else direction
    if direction != "forward":
        raise Unsupported(f"node '{name}': direction '{direction}', expected 'forward'")
    if constant(7) is not None:
        raise Unsupported(f"node '{name}': peepholes are not supported")
    for key in ("clip", "input_forget"):
        if attributes.get(key):
            raise Unsupported(f"node '{name}': {key} is not supported")
    activations = [a.decode().lower() for a in attributes.get("activations", [])]
    if activations not in ([], ["sigmoid", "tanh", "tanh"]):
        raise Unsupported(f"node '{name}': activations {activations}")
    weights, recurrent, biases = constant(1)[0], constant(2)[0], constant(3)
    rows = weights.shape[0]
    bias = np.zeros(rows) if biases is None else biases[0][:rows] + biases[0][rows:]
    return Lstm(*(_reordered(v.astype(np.float64), ONNX_TO_OURS) for v in (weights, recurrent, bias)))


def read(path):
    """The network of an ONNX file: a chain of LSTM and dense layers, checked by running the model."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(path))
    onnx.checker.check_model(model)
    graph = model.graph
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            value = node.attribute[0]
            if value.name == "value":
                constants[node.output[0]] = numpy_helper.to_array(value.t)
    network = Network()
    inputs = [entry for entry in graph.input if entry.name not in constants]
    if len(inputs) != 1:
        raise Unsupported(f"the model has {len(inputs)} inputs, expected 1")
    flowing = {inputs[0].name}  # values that depend on the input's numbers, not on its shape alone
    for node in graph.node:
        if not flowing & set(node.input):
            if node.op_type not in FOR_SHAPES | RESHAPING | {"Transpose"}:
                raise Unsupported(f"node '{node.name}' ({node.op_type}) is not supported")
            continue
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        others = [constants.get(name) for name in node.input if name not in flowing]
        if node.op_type == "Shape":
            continue
        if node.op_type == "LSTM":
            if network.dense:
                raise Unsupported(f"node '{node.name}': an LSTM follows a dense layer")
            network.lstm.append(_lstm(node, constants, attributes))
            flowing |= {output for output in node.output if output}
            continue
        if node.op_type == "MatMul" and others and others[0] is not None:
            network.dense.append(Dense(others[0].T.astype(np.float64), np.zeros(others[0].shape[1])))
        elif node.op_type == "Gemm":
            weights = others[0] if attributes.get("transB") else others[0].T
            bias = others[1] if len(others) > 1 else np.zeros(weights.shape[0])
            network.dense.append(Dense(weights.astype(np.float64), bias.astype(np.float64)))
        elif node.op_type == "Add" and network.dense and others and others[0] is not None:
            network.dense[-1].bias = network.dense[-1].bias + others[0].reshape(-1)
        elif node.op_type == "Relu" and network.dense:
            network.dense[-1].activation = "relu"
        elif node.op_type not in RESHAPING | {"Gather", "Slice"}:
            raise Unsupported(f"node '{node.name}' ({node.op_type}) is not supported")
        flowing |= set(node.output)
    network.check()
    _replay(model, inputs[0], network)
    return network


def _replay(model, entry, network):
    """Refuses a network that does not compute what the model computes; finds out how it is fed."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    shape = [d.dim_value for d in entry.type.tensor_type.shape.dim]
    if len(shape) != 3:
        raise Unsupported(f"the model's input has {len(shape)} dimensions, expected 3")
    features = network.lstm[0].inputs
    fixed = [size for size in shape[:2] if size > 1]
    steps = fixed[0] if fixed else 9
    series = np.random.default_rng(1).standard_normal((steps, features)).astype(np.float32)
    evaluator = ReferenceEvaluator(model)
    differences = []
    # Time is the first or the second axis; the output has each step, or the last one.
    for axis in (0, 1):
        if shape[1 - axis] > 1:
            continue
        try:
            outputs = evaluator.run(None, {entry.name: np.expand_dims(series, 1 - axis)})
        except (ValueError, IndexError, RuntimeError):
            continue
        for last_step_only in (False, True):
            network.last_step_only = last_step_only
            expected = network.forward(series.astype(np.float64))
            for output in outputs:
                if output.size == expected.size:
                    difference = np.abs(output.reshape(expected.shape) - expected).max()
                    if difference < 1e-5:
                        return
                    differences.append(difference)
    raise Unsupported(f"the network that was read does not compute what the model computes; "
                      f"differences {[f'{d:.2g}' for d in differences]}")


def write(network, path):
    """Writes a network as ONNX (opset 22): input [time, 1, features], output [time, 1, outputs]."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    network.check()
    nodes, tensors = [], []

    def constant(name, values, kind=np.float32):
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(values, kind), name))
        return name

    value = "samples"
    ours_to_onnx = (0, 3, 1, 2)
    for k, layer in enumerate(network.lstm):
        bias = _reordered(layer.bias, ours_to_onnx)
        names = [
            constant(f"lstm{k}.weights", _reordered(layer.input_weights, ours_to_onnx)[None]),
            constant(f"lstm{k}.recurrent", _reordered(layer.recurrent_weights, ours_to_onnx)[None]),
            constant(f"lstm{k}.bias", np.concatenate([bias, np.zeros_like(bias)])[None]),
        ]
        nodes.append(helper.make_node("LSTM", [value, *names], [f"lstm{k}.all"],
                                      hidden_size=layer.outputs, name=f"lstm{k}"))
        axis = constant(f"lstm{k}.direction", [1], np.int64)
        nodes.append(helper.make_node("Squeeze", [f"lstm{k}.all", axis], [f"lstm{k}.outputs"]))
        value = f"lstm{k}.outputs"
    if network.last_step_only:
        last = constant("last", [-1], np.int64)
        nodes.append(helper.make_node("Gather", [value, last], ["last_step"], axis=0))
        value = "last_step"
    for k, layer in enumerate(network.dense):
        weights = constant(f"dense{k}.weights", layer.weights.T)
        bias = constant(f"dense{k}.bias", layer.bias)
        nodes.append(helper.make_node("MatMul", [value, weights], [f"dense{k}.product"]))
        nodes.append(helper.make_node("Add", [f"dense{k}.product", bias], [f"dense{k}.sum"]))
        value = f"dense{k}.sum"
        if layer.activation == "relu":
            nodes.append(helper.make_node("Relu", [value], [f"dense{k}.relu"]))
            value = f"dense{k}.relu"
    nodes.append(helper.make_node("Identity", [value], ["outputs"]))
    outputs = (network.dense or network.lstm)[-1].outputs
    steps = 1 if network.last_step_only else "time"
    graph = helper.make_graph(
        nodes, "tocsin",
        [helper.make_tensor_value_info("samples", TensorProto.FLOAT,
                                       ["time", 1, network.lstm[0].inputs])],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, [steps, 1, outputs])],
        tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))
