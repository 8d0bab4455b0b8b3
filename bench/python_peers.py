#!/usr/bin/env python3
"""Times Python packages on the data from `compare --export FOLDER`.

NumPy, SciPy, scikit-learn, pandas, PyTorch 2 and ONNX Runtime, each where it is installed.

Prints JSON: {"versions": {...}, "missing": [...], "times_ns": {case: {peer: median}}}. A peer whose
results differ from tocsin's is an error. Usage: python_peers.py FOLDER
"""

import json
import statistics
import sys
import time

ROUNDS = 9
versions = {}
missing = []
times = {}


def median_time(function):
    function()
    taken = []
    for _ in range(ROUNDS):
        begin = time.process_time_ns()
        function()
        taken.append(time.process_time_ns() - begin)
    return statistics.median(taken)


def report(case, peer, *functions):
    """Returns the fastest of several ways to do the same with one library."""
    times.setdefault(case, {})[peer] = min(median_time(function) for function in functions)


def agree(what, ours, theirs, tolerance=1e-9):
    difference = np.linalg.norm(np.asarray(ours) - np.asarray(theirs)) / np.linalg.norm(ours)
    if not difference <= tolerance:
        sys.exit(f"{what}: differs from tocsin by {difference}")


def load(name, kind):
    return np.fromfile(f"{folder}/{name}", dtype=kind)


folder = sys.argv[1]
try:
    import numpy as np
except ImportError:
    print(json.dumps({"versions": {}, "missing": ["numpy, scipy, scikit-learn"], "times_ns": {}}))
    sys.exit()
versions["numpy"] = np.__version__

errors = load("errors.f64", np.float64).reshape(-1, 8)
distances = load("distances.f64", np.float64)
moments = load("moments.f64", np.float64)
mean = errors.mean(axis=0)
covariance = np.cov(errors, rowvar=False)
precision = np.linalg.inv(covariance)

agree("numpy moments", moments, np.concatenate([mean, covariance.ravel()]))
report("moments/8", "numpy", lambda: (errors.mean(axis=0), np.cov(errors, rowvar=False)))


def by_product():
    centred = errors - mean
    return ((centred @ precision) * centred).sum(axis=1)


def by_einsum():
    centred = errors - mean
    return np.einsum("ij,ij->i", centred @ precision, centred)


agree("numpy mahalanobis", distances, by_product())
agree("numpy mahalanobis", distances, by_einsum())
report("mahalanobis/8", "numpy", by_product, by_einsum)

try:
    import scipy
    from scipy.spatial.distance import cdist

    versions["scipy"] = scipy.__version__

    def by_cdist():
        return cdist(errors, mean[None, :], "mahalanobis", VI=precision)[:, 0] ** 2

    agree("scipy mahalanobis", distances, by_cdist())
    report("mahalanobis/8", "scipy", by_cdist)
except ImportError:
    missing.append("scipy")

try:
    import sklearn
    from sklearn.metrics import precision_recall_curve

    versions["scikit-learn"] = sklearn.__version__
    scores = load("scores.f64", np.float64)
    labels = load("labels.u8", np.uint8)
    best_f1 = load("best.f64", np.float64)[1]
    hits, found, _ = precision_recall_curve(labels, scores)
    both = np.maximum(hits + found, 1e-300)
    agree("scikit-learn F1", [best_f1], [np.max(2 * hits * found / both)])
    report("f_beta_sweep/1000000", "scikit-learn", lambda: precision_recall_curve(labels, scores))
except ImportError:
    missing.append("scikit-learn")

try:
    import pandas

    versions["pandas"] = pandas.__version__
    report("csv/columns:10/rows:100000", "pandas",
           lambda: pandas.read_csv(f"{folder}/recording.csv", engine="c"))
except ImportError:
    missing.append("pandas")

class Recurrent:
    """An exported case: what compare computed, from which parameters and windows."""

    def __init__(self, name, case, inputs, hidden, time_steps, batch):
        self.case = case
        self.inputs, self.hidden = inputs, hidden
        self.parameters = load(f"{name}.parameters.f32", np.float32)
        self.windows = load(f"{name}.windows.f32", np.float32).reshape(time_steps, batch, inputs)
        self.results = load(f"{name}.results.f64", np.float64)

    def lstm(self, number):
        """W [4H x I], U [4H x H] and b of a layer, in PyTorch's shapes and order of gates."""
        rows, inputs, hidden = 4 * self.hidden, self.inputs, self.hidden
        first = number * rows * (inputs + hidden + 1)
        columns = self.parameters[first:first + rows * (inputs + hidden + 1)].reshape(-1, rows)
        return columns[:inputs].T, columns[inputs:-1].T, columns[-1]

    def head(self):
        columns = self.parameters[-self.inputs * (self.hidden + 1):].reshape(-1, self.inputs)
        return columns[:-1].T, columns[-1]


window_cases = [Recurrent(f"window{batch}", f"window/float/in:8/hidden:64/time:100/batch:{batch}",
                          8, 64, 100, batch) for batch in (1, 32)]
training_cases = [Recurrent(f"train{hidden}",
                            f"train/in:{inputs}/hidden:{hidden}/time:{steps}/batch:{batch}",
                            inputs, hidden, steps, batch)
                  for inputs, hidden, steps, batch in
                  ((8, 64, 64, 64), (1, 32, 50, 32), (38, 128, 100, 64))]

try:
    import torch

    versions["PyTorch"] = torch.__version__
    torch.set_num_threads(1)

    def torch_lstm(problem, number):
        layer = torch.nn.LSTM(problem.inputs, problem.hidden)
        values = (*problem.lstm(number), np.zeros(4 * problem.hidden, np.float32))
        with torch.no_grad():
            for parameter, value in zip(layer.parameters(), values):
                parameter.copy_(torch.tensor(np.ascontiguousarray(value)))
        layer.bias_hh_l0.requires_grad_(False)  # a second bias that tocsin does not have
        return layer

    for problem in window_cases:
        layer = torch_lstm(problem, 0)
        windows = torch.tensor(problem.windows)
        with torch.inference_mode():
            agree("PyTorch " + problem.case, problem.results, layer(windows)[0].ravel(), 1e-5)
            report(problem.case, "PyTorch", lambda: layer(windows))

    for problem in training_cases:
        encoder, decoder = torch_lstm(problem, 0), torch_lstm(problem, 1)
        head = torch.nn.Linear(problem.hidden, problem.inputs)
        with torch.no_grad():
            for parameter, value in zip(head.parameters(), problem.head()):
                parameter.copy_(torch.tensor(np.ascontiguousarray(value)))
        windows = torch.tensor(problem.windows)
        given = torch.cat([torch.zeros_like(windows[:1]), windows[:-1]])
        trained = [parameter for part in (encoder, decoder, head)
                   for parameter in part.parameters() if parameter.requires_grad]
        optimiser = torch.optim.Adam(trained, lr=1e-4)

        def train():
            optimiser.zero_grad()
            loss = torch.nn.functional.mse_loss(head(decoder(given, encoder(windows)[1])[0]), windows)
            loss.backward()
            optimiser.step()
            return loss.item()

        train()
        gradient = torch.cat([parameter.grad.t().ravel() for parameter in trained])
        train()
        agree("PyTorch " + problem.case, problem.results, [*gradient, train()], 1e-4)
        report(problem.case, "PyTorch", train)
except ImportError:
    missing.append("PyTorch")

try:
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    versions["ONNX Runtime"] = onnxruntime.__version__
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    for problem in window_cases:
        order = [0, 3, 1, 2]  # i o f c
        w, u, b = (np.concatenate([np.split(part, 4)[gate] for gate in order])
                   for part in problem.lstm(0))
        weights = {"W": w[None], "R": u[None], "B": np.concatenate([b, 0 * b])[None]}
        graph = helper.make_graph(
            [helper.make_node("LSTM", ["X", *weights], ["Y"], hidden_size=problem.hidden)], "lstm",
            [helper.make_tensor_value_info("X", TensorProto.FLOAT, problem.windows.shape)],
            [helper.make_tensor_value_info("Y", TensorProto.FLOAT, None)],
            [numpy_helper.from_array(np.ascontiguousarray(value), name)
             for name, value in weights.items()])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                               providers=["CPUExecutionProvider"])

        def predict():
            return session.run(["Y"], {"X": problem.windows})

        agree("ONNX Runtime " + problem.case, problem.results, predict()[0].ravel(), 1e-5)
        report(problem.case, "ONNX Runtime", predict)
except ImportError:
    missing.append("ONNX Runtime")

print(json.dumps({"versions": versions, "missing": missing, "times_ns": times}))
