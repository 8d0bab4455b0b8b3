"""The networks that can be converted: a chain of layers, and their computations.

Every layer maps a series [time, inputs] to one of [time, outputs]; those that reduce a series to one
step return [1, outputs]. `kind`, `numbers()` and `tensors()` are stored in a file for each layer; kinds
are named as in tocsin, tensors as in PyTorch.
"""
import math
from dataclasses import dataclass, field

import numpy as np


class Unsupported(Exception):
    """A network that tocsin does not compute; the message names the layer and the reason."""


# What C++ loads.
LARGEST_SIZE = 65536  # inputs, outputs, units or channels of a layer
MOST_WEIGHTS = 1 << 29  # of a network
LONGEST_KERNEL = 1 << 15
MOST_TERMS = 1 << 20  # inputs of a convolution times its kernel
LONGEST_REACH = 1_000_000  # steps over which one convolution reaches
MOST_REPEATS = 65536  # steps that a network makes of one
DIVISORS = (5, 6)  # of hard sigmoids: slopes of 0.2 and 1/6


def check_numbers(what, values):
    """Refuses numbers that are not finite once they are floats of 32 bits, as they are stored."""
    values = np.asarray(values)
    with np.errstate(over="ignore"):
        bad = ~np.isfinite(values.astype(np.float32))
    if bad.any():
        raise Unsupported(f"{what} holds {values[bad].flat[0]:.6g}, which is not finite as a float of "
                          "32 bits")


def largest_difference(output, expected):
    """The largest difference between two arrays, each relative to the larger of 1 and the expected value;
    NaN if one is not a number. C++ compares the same."""
    with np.errstate(invalid="ignore"):  # inf - inf
        return (np.abs(output - expected) / np.maximum(1, np.abs(expected))).max(initial=0)


def _check_shapes(kind, **tensors):
    """Refuses tensors whose sizes do not match; each is given with the names of its sizes."""
    sizes, match = {}, True
    for values, names in tensors.values():
        shape = np.shape(values)
        match &= len(shape) == len(names) and 0 not in shape
        match &= all(sizes.setdefault(name, size) == size for name, size in zip(names, shape))
    if not match or ("H" in sizes and sizes["4H"] != 4 * sizes["H"]):
        shapes = ", ".join(f"{name} {list(np.shape(values))}" for name, (values, _) in tensors.items())
        raise Unsupported(f"the tensors of {kind} do not match: {shapes}")


def _check_sizes(weights, **sizes):
    """Refuses a layer with sizes, or a number of weights, that C++ does not load."""
    for name, size in sizes.items():
        if not 1 <= size <= LARGEST_SIZE:
            raise Unsupported(f"{size} {name}, expected 1 to {LARGEST_SIZE}")
    if weights > MOST_WEIGHTS:
        raise Unsupported(f"room for {weights} weights, expected at most {MOST_WEIGHTS}")


def _named(tensors, *names):
    """The tensors with these names."""
    for name in names:
        if name not in tensors:
            raise Unsupported(f"there is no tensor {name}")
    return [tensors[name] for name in names]


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


def _hard_sigmoid(x, divisor):
    return np.clip(x / divisor + 0.5, 0, 1)


@dataclass
class Lstm:
    """One LSTM layer with the gates in the order i, f, g, o.

    input_weights [4H, inputs], recurrent_weights [4H, H], bias [4H]; divisor: of the slope
    1 / divisor of gates that are hard sigmoids, or 0 for sigmoids
    """

    input_weights: np.ndarray
    recurrent_weights: np.ndarray
    bias: np.ndarray
    divisor: int = 0
    kind = "lstm"

    def __post_init__(self):
        _check_shapes("an LSTM", input_weights=(self.input_weights, ("4H", "inputs")),
                      recurrent_weights=(self.recurrent_weights, ("4H", "H")),
                      bias=(self.bias, ("4H",)))

    @property
    def inputs(self):
        return self.input_weights.shape[1]

    @property
    def outputs(self):
        return self.recurrent_weights.shape[1]

    def numbers(self):
        sizes = {"inputs": self.inputs, "hidden": self.outputs}
        return {**sizes, "divisor": self.divisor} if self.divisor else sizes

    def tensors(self, ending=""):
        return {
            "weight_ih_l0" + ending: self.input_weights,
            "weight_hh_l0" + ending: self.recurrent_weights,
            "bias_ih_l0" + ending: self.bias,
            "bias_hh_l0" + ending: np.zeros_like(self.bias),
        }

    @classmethod
    def of(cls, numbers, tensors, ending=""):
        weights, recurrent, bias, recurrent_bias = _named(
            tensors, *(name + ending for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0",
                                                  "bias_hh_l0")))
        _check_shapes("an LSTM", bias_ih=(bias, ("4H",)), bias_hh=(recurrent_bias, ("4H",)))
        return cls(weights, recurrent, bias + recurrent_bias, int(numbers.get("divisor", 0)))

    def check(self):
        # Room for both directions, also if there is one.
        _check_sizes(8 * self.outputs * (self.inputs + self.outputs + 1), inputs=self.inputs,
                     units=self.outputs)
        if self.divisor not in (0, *DIVISORS):
            raise Unsupported(f"hard sigmoids with the divisor {self.divisor:.6g}, expected 5 or 6")

    def forward(self, series):
        gate = (lambda z: _hard_sigmoid(z, self.divisor)) if self.divisor else _sigmoid
        hidden = np.zeros(self.outputs)
        cell = np.zeros(self.outputs)
        steps = []
        for sample in series:
            z = self.input_weights @ sample + self.recurrent_weights @ hidden + self.bias
            i, f, g, o = np.split(z, 4)
            cell = gate(f) * cell + gate(i) * np.tanh(g)
            hidden = gate(o) * np.tanh(cell)
            steps.append(hidden)
        return np.array(steps)


@dataclass
class BidirectionalLstm:
    """Two LSTM layers, one of which reads from the end; their outputs are concatenated.

    The backward half has read everything at t = 0.
    """

    ahead: Lstm
    behind: Lstm
    kind = "bidirectional_lstm"

    @property
    def inputs(self):
        return self.ahead.inputs

    @property
    def outputs(self):
        return 2 * self.ahead.outputs

    def numbers(self):
        return self.ahead.numbers()

    def tensors(self):
        return {**self.ahead.tensors(), **self.behind.tensors("_reverse")}

    @classmethod
    def of(cls, numbers, tensors):
        return cls(Lstm.of(numbers, tensors), Lstm.of(numbers, tensors, "_reverse"))

    def check(self):
        self.ahead.check()
        if self.ahead.numbers() != self.behind.numbers():
            raise Unsupported(f"the two directions of an LSTM differ: {self.ahead.numbers()} and "
                              f"{self.behind.numbers()}")

    def forward(self, series):
        return np.hstack([self.ahead.forward(series), self.behind.forward(series[::-1])[::-1]])


@dataclass
class Conv1d:
    """y(t) = bias + sum over k of weights[:, :, k] x(t + k dilation - before).

    weights [outputs, inputs, kernel], bias [outputs]; before, after: zeros around the series
    """

    weights: np.ndarray
    bias: np.ndarray
    dilation: int = 1
    before: int = 0
    after: int = 0
    kind = "conv1d"

    def __post_init__(self):
        _check_shapes("a convolution", weights=(self.weights, ("outputs", "inputs", "kernel")),
                      bias=(self.bias, ("outputs",)))

    @property
    def inputs(self):
        return self.weights.shape[1]

    @property
    def outputs(self):
        return self.weights.shape[0]

    @property
    def reach(self):
        return (self.weights.shape[2] - 1) * self.dilation

    def numbers(self):
        return {"inputs": self.inputs, "outputs": self.outputs, "kernel": self.weights.shape[2],
                "dilation": self.dilation, "before": self.before, "after": self.after}

    def tensors(self):
        return {"weight": self.weights, "bias": self.bias}

    @classmethod
    def of(cls, numbers, tensors):
        shape = (int(numbers.get(name, default)) for name, default in (("dilation", 1), ("before", 0),
                                                                       ("after", 0)))
        return cls(*_named(tensors, "weight", "bias"), *shape)

    def check(self):
        kernel = self.weights.shape[2]
        _check_sizes((kernel * self.inputs + 1) * self.outputs, inputs=self.inputs, outputs=self.outputs)
        if kernel > LONGEST_KERNEL or kernel * self.inputs > MOST_TERMS:
            raise Unsupported(f"a convolution with a kernel of {kernel} for {self.inputs} inputs; expected "
                              f"at most {LONGEST_KERNEL}, and {MOST_TERMS} as their product")
        if self.dilation < 1 or self.reach > LONGEST_REACH:
            raise Unsupported(f"a convolution with a kernel of {self.weights.shape[2]} and dilation "
                              f"{self.dilation}; expected at least 1, and at most {LONGEST_REACH} steps")
        half = self.reach // 2
        allowed = {(0, 0): "valid", (half, self.reach - half): "same", (self.reach, 0): "causal"}
        if (self.before, self.after) not in allowed:
            raise Unsupported(
                f"a convolution with {self.before} zeros before and {self.after} after the series; "
                f"expected none, {half} and {self.reach - half} (same), or {self.reach} and 0 (causal)")

    def forward(self, series):
        padded = np.pad(series, ((self.before, self.after), (0, 0)))
        time = len(padded) - self.reach
        if time < 1:
            raise Unsupported(f"a convolution that reaches over {self.reach + 1} steps reads "
                              f"{len(padded)}")
        result = np.tile(self.bias.astype(np.float64), (time, 1))
        for k in range(self.weights.shape[2]):
            result += padded[k * self.dilation:k * self.dilation + time] @ self.weights[:, :, k].T
        return result


@dataclass
class BatchNorm:
    """scale (x - mean) / sqrt(variance + epsilon) + shift, each [channels], with running moments."""

    scale: np.ndarray
    shift: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    epsilon: float
    kind = "batch_norm"

    def __post_init__(self):
        _check_shapes("a batch normalisation", **{
            name: (getattr(self, name), ("channels",)) for name in ("scale", "shift", "mean", "variance")})

    @property
    def inputs(self):
        return len(self.mean)

    outputs = inputs

    def numbers(self):
        return {"channels": self.inputs, "epsilon": self.epsilon}

    def tensors(self):
        return {"weight": self.scale, "bias": self.shift, "running_mean": self.mean,
                "running_var": self.variance}

    @classmethod
    def of(cls, numbers, tensors):
        return cls(*_named(tensors, "weight", "bias", "running_mean", "running_var"),
                   numbers.get("epsilon", 0))

    def check(self):
        _check_sizes(0, channels=self.inputs)
        floats = np.finfo(np.float32)
        if not floats.tiny <= self.epsilon <= floats.max or (np.asarray(self.variance) < 0).any():
            raise Unsupported(f"a batch normalisation with epsilon {self.epsilon} and a smallest "
                              f"variance of {np.min(self.variance)}")

    def forward(self, series):
        return self.scale * (series - self.mean) / np.sqrt(self.variance + self.epsilon) + self.shift


@dataclass
class Dense:
    """weights [outputs, inputs], bias [outputs], at each step."""

    weights: np.ndarray
    bias: np.ndarray
    kind = "dense"

    def __post_init__(self):
        _check_shapes("a dense layer", weights=(self.weights, ("outputs", "inputs")),
                      bias=(self.bias, ("outputs",)))

    @property
    def inputs(self):
        return self.weights.shape[1]

    @property
    def outputs(self):
        return self.weights.shape[0]

    def numbers(self):
        return {"inputs": self.inputs, "outputs": self.outputs}

    def tensors(self):
        return {"weight": self.weights, "bias": self.bias}

    @classmethod
    def of(cls, numbers, tensors):
        return cls(*_named(tensors, "weight", "bias"))

    def check(self):
        _check_sizes((self.inputs + 1) * self.outputs, inputs=self.inputs, outputs=self.outputs)

    def forward(self, series):
        return series @ self.weights.T + self.bias


def _softmax(x):
    shifted = np.exp(x - x.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _both_ends(x):
    half = x.shape[1] // 2
    return np.hstack([x[-1:, :half], x[:1, half:]])


# What layers without weights compute, given their one number (if any).
ACTIVATIONS = {
    "relu": lambda x, _: np.maximum(x, 0),
    "sigmoid": lambda x, _: _sigmoid(x),
    "tanh": lambda x, _: np.tanh(x),
    "softmax": lambda x, _: _softmax(x),
    "leaky_relu": lambda x, below: np.where(x > 0, x, below * x),
    "hard_sigmoid": _hard_sigmoid,
}
POOLING = {
    "global_average_pooling": lambda x, _: x.mean(axis=0, keepdims=True),
    "global_max_pooling": lambda x, _: x.max(axis=0, keepdims=True),
    "last_step": lambda x, _: x[-1:],
    "last_step_of_both_directions": lambda x, _: _both_ends(x),
}
# Each step so many times: of one step, as before a decoder, or of all steps.
REPEATING = {"repeat": lambda x, times: np.repeat(x, times, axis=0)}
WITHOUT_WEIGHTS = {**ACTIVATIONS, **POOLING, **REPEATING}
NUMBER_OF = {"leaky_relu": "below", "hard_sigmoid": "divisor", "repeat": "times"}


@dataclass
class Fixed:
    """A layer without weights: one of WITHOUT_WEIGHTS, with its number."""

    kind: str
    number: float = 0

    def numbers(self):
        return {NUMBER_OF[self.kind]: self.number} if self.kind in NUMBER_OF else {}

    def tensors(self):
        return {}

    def check(self):
        if self.kind == "hard_sigmoid" and self.number not in DIVISORS:
            raise Unsupported(f"a hard sigmoid with the divisor {self.number:.6g}, expected 5 or 6")
        if self.kind == "leaky_relu" and not 0 < self.number < 1:
            raise Unsupported(f"a leaky ReLU with the slope {self.number:.6g}, expected one between 0 and 1")
        if self.kind == "repeat" and not (1 <= self.number <= MOST_REPEATS
                                          and self.number == int(self.number)):
            raise Unsupported(f"each step {self.number:.6g} times, expected 1 to {MOST_REPEATS}")

    def forward(self, series):
        return WITHOUT_WEIGHTS[self.kind](series, self.number)


WITH_WEIGHTS = {cls.kind: cls for cls in (Lstm, BidirectionalLstm, Conv1d, BatchNorm, Dense)}


@dataclass
class Network:
    """A chain of layers; `notes` say what a user should know of how they were read."""

    layers: list = field(default_factory=list)
    notes: list = field(default_factory=list)

    def note(self, text):
        """Adds a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def add(self, kind, number=0):
        """Appends a layer without weights; `linear` is none, and a leaky ReLU with a slope of 0 is a ReLU."""
        if kind == "leaky_relu" and number == 0:
            kind = "relu"
        if kind != "linear":
            self.layers.append(Fixed(kind, number))

    @property
    def last(self):
        """The kind of the last layer."""
        return self.layers[-1].kind if self.layers else ""

    @property
    def with_weights(self):
        return [layer for layer in self.layers if not isinstance(layer, Fixed)]

    @property
    def inputs(self):
        return self.with_weights[0].inputs

    @property
    def outputs(self):
        return self.with_weights[-1].outputs

    @property
    def gives_one_step(self):
        """Whether the last layer gives one step, however long the series is."""
        reshaping = [layer.kind for layer in self.layers if layer.kind in {*POOLING, *REPEATING}]
        return bool(reshaping) and reshaping[-1] in POOLING

    @property
    def shorter_by(self):
        """Steps by which convolutions without padding shorten a series."""
        return sum(layer.reach - layer.before - layer.after for layer in self.layers
                   if layer.kind == "conv1d")

    def check(self):
        """Raises Unsupported for layers that do not match, contain invalid numbers, or are not loaded by
        C++; the message names the layer."""
        if not self.with_weights:
            raise Unsupported("the network has no layer with weights")
        above, weights = self.inputs, 0
        for position, layer in enumerate(self.layers):
            try:
                layer.check()
            except Unsupported as problem:
                raise Unsupported(f"layer {position} ({layer.kind}): {problem}") from problem
            if layer.kind == "last_step_of_both_directions" and above % 2:
                raise Unsupported(f"layer {position} ({layer.kind}): {above} values, an odd number, are not "
                                  "two halves")
            if not isinstance(layer, Fixed):
                if layer.inputs != above:
                    raise Unsupported(f"a layer with {above} outputs is followed by one with "
                                      f"{layer.inputs} inputs")
                above = layer.outputs
            for name, values in layer.tensors().items():
                check_numbers(f"{name} of layer {position} ({layer.kind})", values)
                weights += 0 if name.startswith("bias_hh") else np.size(values)  # C++ has one bias
        _check_sizes(weights)
        repeats = math.prod(int(layer.number) for layer in self.layers if layer.kind in REPEATING)
        if repeats > MOST_REPEATS:
            raise Unsupported(f"{repeats} steps of one, expected at most {MOST_REPEATS}")

    def without_last_activation(self):
        """The network that outputs logits: without a last sigmoid or softmax."""
        if self.last not in ("sigmoid", "softmax"):
            raise Unsupported(f"the last layer is '{self.last}'; logits come before a sigmoid or "
                              "softmax")
        return Network(self.layers[:-1])

    def forward(self, series):
        """[time, inputs] to [time of the outputs, outputs]."""
        with np.errstate(over="ignore", invalid="ignore"):  # exp of a large number; and inf - inf
            for layer in self.layers:
                series = layer.forward(series)
        return series

    def description(self):
        """The architecture as plain data."""
        return {"inputs": self.inputs,
                "layers": [{"kind": layer.kind, **layer.numbers()} for layer in self.layers]}

    def probe(self, seed=0, steps=12):
        """A random series [time, inputs], and the output of the network."""
        series = np.random.default_rng(seed).standard_normal((steps + self.shorter_by, self.inputs))
        output = self.forward(series)
        check_numbers("the output of the network for random samples", output)
        return series, output
