"""Networks with random weights, made by hand; each is the same whenever it is made."""
import functools
import json

import numpy as np

from tocsin_convert import BatchNorm, BidirectionalLstm, Conv1d, Dense, Fixed, Lstm, Network

_generator = np.random.default_rng()


def seeded(make):
    """Makes the same network at each call."""
    @functools.wraps(make)
    def network():
        global _generator
        _generator = np.random.default_rng(12)
        return make()

    return network


def values(*shape):
    return 0.5 * _generator.standard_normal(shape)


def lstm(inputs, hidden, divisor=0):
    return Lstm(values(4 * hidden, inputs), values(4 * hidden, hidden), values(4 * hidden), divisor)


def both(inputs, hidden, divisor=0):
    return BidirectionalLstm(lstm(inputs, hidden, divisor), lstm(inputs, hidden, divisor))


def dense(inputs, outputs):
    return Dense(values(outputs, inputs), values(outputs))


def norm(channels, epsilon):
    return BatchNorm(values(channels), values(channels), values(channels), values(channels)**2 + 0.1,
                     epsilon)


def conv(inputs, outputs, kernel, *shape):
    return Conv1d(values(outputs, inputs, kernel), values(outputs), *shape)


NETWORKS = {
    "encoder_decoder": lambda: Network(
        [both(3, 4), Fixed("last_step_of_both_directions"), Fixed("repeat", 9), lstm(8, 5), dense(5, 3)]),
    "repeated_steps": lambda: Network(
        [lstm(2, 4), Fixed("repeat", 3), conv(4, 3, 3, 1, 1, 1), Fixed("tanh"), Fixed("repeat", 2)]),
    "forecaster": lambda: Network([lstm(2, 4), lstm(4, 3), dense(3, 5), Fixed("relu"), dense(5, 2)]),
    "last_step": lambda: Network([lstm(2, 4), Fixed("last_step"), dense(4, 2)]),
    "hard_sigmoids": lambda: Network(
        [lstm(2, 4, 5), both(4, 3, 6), dense(6, 2), Fixed("hard_sigmoid", 6)]),
    "bidirectional": lambda: Network([both(3, 4), both(8, 2), dense(4, 2), Fixed("tanh")]),
    "bidirectional_classifier": lambda: Network(
        [both(3, 4), Fixed("last_step_of_both_directions"), dense(8, 5), Fixed("relu"), dense(5, 1),
         Fixed("sigmoid")]),
    # Both ends of what is not a bidirectional LSTM itself: ONNX has no states for them.
    "ends_after_normalisation": lambda: Network(
        [both(3, 4), norm(8, 1e-3), Fixed("relu"), Fixed("last_step_of_both_directions"), dense(8, 2)]),
    "ends_after_one_direction": lambda: Network(
        [lstm(3, 4), Fixed("last_step_of_both_directions"), dense(4, 2)]),
    "ends_after_convolution": lambda: Network(
        [conv(3, 6, 3, 1, 1, 1), Fixed("last_step_of_both_directions")]),
    "fully_convolutional": lambda: Network(
        [conv(2, 6, 8, 1, 3, 4), norm(6, 1e-3), Fixed("relu"), conv(6, 4, 3, 1, 1, 1), norm(4, 1e-5),
         Fixed("leaky_relu", 0.1), Fixed("global_average_pooling"), dense(4, 3), Fixed("softmax")]),
    "valid_and_causal": lambda: Network(
        [conv(2, 3, 4, 2), conv(3, 4, 3, 2, 4, 0), Fixed("global_max_pooling"), norm(4, 0.01)]),
    "mixed": lambda: Network(
        [norm(3, 1e-3), conv(3, 4, 2, 1, 0, 1), lstm(4, 3), Fixed("softmax"), conv(3, 2, 1)]),
}
NETWORKS = {name: seeded(make) for name, make in NETWORKS.items()}


def converted_metadata(network):
    """The metadata of a converted file."""
    return {"tocsin_convert": "1", "architecture": json.dumps(network.description())}
