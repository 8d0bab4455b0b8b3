"""The networks that can be converted, and what they compute."""
from dataclasses import dataclass, field

import numpy as np


class Unsupported(Exception):
    """A network that tocsin does not compute; the message names the layer and the reason."""


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


@dataclass
class Lstm:
    """One LSTM layer with the gates in the order i, f, g, o.

    input_weights [4H, inputs], recurrent_weights [4H, H], bias [4H]
    """

    input_weights: np.ndarray
    recurrent_weights: np.ndarray
    bias: np.ndarray

    @property
    def inputs(self):
        return self.input_weights.shape[1]

    @property
    def outputs(self):
        return self.recurrent_weights.shape[1]

    def forward(self, series):
        """[time, inputs] to [time, H], from a zero state."""
        hidden = np.zeros(self.outputs)
        cell = np.zeros(self.outputs)
        steps = []
        for sample in series:
            z = self.input_weights @ sample + self.recurrent_weights @ hidden + self.bias
            i, f, g, o = np.split(z, 4)
            cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(g)
            hidden = _sigmoid(o) * np.tanh(cell)
            steps.append(hidden)
        return np.array(steps)


@dataclass
class Dense:
    """A dense layer: weights [outputs, inputs], bias [outputs], linear or ReLU."""

    weights: np.ndarray
    bias: np.ndarray
    activation: str = "linear"

    @property
    def inputs(self):
        return self.weights.shape[1]

    @property
    def outputs(self):
        return self.weights.shape[0]

    def forward(self, series):
        result = series @ self.weights.T + self.bias
        return np.maximum(result, 0) if self.activation == "relu" else result


@dataclass
class Network:
    """LSTM layers, then dense layers, ReLU between these and none after the last."""

    lstm: list = field(default_factory=list)
    dense: list = field(default_factory=list)
    last_step_only: bool = False

    def check(self):
        """Raises Unsupported unless tocsin's forecaster computes this network."""
        if not self.lstm:
            raise Unsupported("the network has no LSTM layer")
        sizes = [(layer.inputs, layer.outputs) for layer in self.lstm + self.dense]
        for (_, below), (above, _) in zip(sizes, sizes[1:]):
            if below != above:
                raise Unsupported(f"a layer with {below} outputs is followed by one with {above} inputs")
        for layer in self.dense[:-1]:
            if layer.activation != "relu":
                raise Unsupported(
                    f"a hidden dense layer has the activation '{layer.activation}', expected 'relu'"
                )
        if self.dense and self.dense[-1].activation != "linear":
            raise Unsupported(
                f"the last dense layer has the activation '{self.dense[-1].activation}', "
                "expected 'linear'"
            )
        for layer in self.lstm + self.dense:
            for name, values in vars(layer).items():
                if isinstance(values, np.ndarray) and not np.isfinite(values).all():
                    raise Unsupported(f"{name} of a layer holds a value that is not finite")

    def forward(self, series):
        """[time, inputs] to [time, outputs], or to [1, outputs] for the last step only."""
        for layer in self.lstm + self.dense:
            series = layer.forward(series)
        return series[-1:] if self.last_step_only else series

    def description(self):
        """The architecture as plain data."""
        return {
            "inputs": self.lstm[0].inputs,
            "lstm": [layer.outputs for layer in self.lstm],
            "dense": [layer.outputs for layer in self.dense],
            "last_step_only": self.last_step_only,
        }
