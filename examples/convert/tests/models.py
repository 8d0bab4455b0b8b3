"""Models of Keras and PyTorch that the tests and the fixtures convert, and those that are refused."""
import numpy as np

TIME = 14


def chain(keras, *layers, features=3):
    return keras.Sequential([keras.Input((TIME, features)), *layers])


def set_weights(model):
    """Keras starts with zero biases and plain statistics, which would hide a mistake."""
    generator = np.random.default_rng(5)
    values = []
    for weight in model.weights:
        value = np.array(weight.numpy() if hasattr(weight, "numpy") else weight)
        noise = 0.3 * generator.standard_normal(value.shape)
        positive = "variance" in getattr(weight, "path", weight.name)
        values.append((np.abs(value + noise) + 0.1 if positive else value + noise).astype(value.dtype))
    model.set_weights(values)
    return model


def fully_convolutional(k, filters=(6, 5, 4), kernels=(8, 5, 3), last="softmax"):
    """Wang, Yan and Oates (IJCNN 2017), small."""
    layers = k.layers
    blocks = []
    for outputs, kernel in zip(filters, kernels):
        blocks += [layers.Conv1D(outputs, kernel, padding="same"), layers.BatchNormalization(),
                   layers.Activation("relu")]
    return chain(k, *blocks, layers.GlobalAveragePooling1D(), layers.Dense(2, activation=last),
                 features=2)


def bidirectional_classifier(k, last="sigmoid"):
    layers = k.layers
    return chain(k, layers.Bidirectional(layers.LSTM(4)), layers.Dropout(0.5),
                 layers.Dense(5, activation="relu"), layers.Dense(1, activation=last))


def hard_sigmoid_stack(k):
    layers = k.layers
    hard = {"recurrent_activation": "hard_sigmoid"}
    return chain(k, layers.LSTM(5, return_sequences=True, **hard), layers.BatchNormalization(),
                 layers.LSTM(4, **hard), layers.BatchNormalization(), layers.Dense(2))


def functional(k):
    samples = k.Input((TIME, 2))
    hidden = k.layers.LSTM(3, return_sequences=True)(samples)
    return k.Model(samples, k.layers.Dense(2)(hidden))


def functional_encoder_decoder(k):
    """Both directions of the encoder are repeated for the decoder, which reads them at every step."""
    samples = k.Input((TIME, 3))
    code = k.layers.Bidirectional(k.layers.LSTM(4))(samples)
    decoded = k.layers.LSTM(5, return_sequences=True)(k.layers.RepeatVector(TIME)(code))
    return k.Model(samples, k.layers.TimeDistributed(k.layers.Dense(3))(decoded))


def different_directions(k):
    layers = k.layers
    return layers.Bidirectional(layers.LSTM(4, return_sequences=True), backward_layer=layers.LSTM(
        4, return_sequences=True, go_backwards=True, use_bias=True))


KERAS_MODELS = {
    "one_layer": lambda k: chain(k, k.layers.LSTM(5, return_sequences=True)),
    "last_step": lambda k: chain(k, k.layers.LSTM(5), k.layers.Dense(2)),
    "two_layers": lambda k: chain(
        k, k.layers.LSTM(6, return_sequences=True), k.layers.LSTM(4), k.layers.Dense(3)),
    "three_layers": lambda k: chain(
        k, *(k.layers.LSTM(n, return_sequences=True) for n in (7, 5, 3)), k.layers.Dense(1)),
    "dropout": lambda k: chain(
        k, k.layers.LSTM(4, return_sequences=True, dropout=0.3, recurrent_dropout=0.2),
        k.layers.Dropout(0.5), k.layers.Dense(3)),
    "time_distributed": lambda k: chain(
        k, k.layers.LSTM(4, return_sequences=True), k.layers.TimeDistributed(k.layers.Dense(3))),
    "deep_head": lambda k: chain(
        k, k.layers.LSTM(4), k.layers.Dense(6, activation="relu"), k.layers.Dense(5),
        k.layers.Activation("relu"), k.layers.Dense(2)),
    "no_bias": lambda k: chain(
        k, k.layers.LSTM(4, use_bias=False, return_sequences=True),
        k.layers.Dense(2, use_bias=False)),
    "names_out_of_order": lambda k: chain(
        k, k.layers.LSTM(4, return_sequences=True, name="z_first"),
        k.layers.LSTM(4, name="a_second"), k.layers.Dense(4, activation="relu", name="lstm"),
        k.layers.Dense(4, name="dense_7")),
    "odd_sizes": lambda k: chain(k, k.layers.LSTM(1), k.layers.Dense(1), features=9),
    "functional": functional,
    "fully_convolutional": fully_convolutional,
    "bidirectional_classifier": bidirectional_classifier,
    "hard_sigmoid": hard_sigmoid_stack,
    "two_bidirectional_layers": lambda k: chain(
        k, k.layers.Bidirectional(k.layers.LSTM(3, return_sequences=True)),
        k.layers.Bidirectional(k.layers.LSTM(2, return_sequences=True)),
        k.layers.TimeDistributed(k.layers.Dense(2))),
    "own_backward_layer": lambda k: chain(k, different_directions(k), k.layers.GlobalMaxPooling1D()),
    "valid_convolutions": lambda k: chain(
        k, k.layers.Conv1D(4, 4, padding="valid", activation="tanh"),
        k.layers.Conv1D(3, 3, dilation_rate=2, use_bias=False)),
    "even_kernels": lambda k: chain(
        k, k.layers.Conv1D(4, 2, padding="same"), k.layers.ReLU(),
        k.layers.Conv1D(3, 6, padding="same", dilation_rate=2), k.layers.GlobalAveragePooling1D()),
    "causal_convolutions": lambda k: chain(
        k, *(k.layers.Conv1D(4, 2, padding="causal", dilation_rate=d, activation="relu")
             for d in (1, 2, 4)), k.layers.Dense(3)),
    "convolution_then_lstm": lambda k: chain(
        k, k.layers.Conv1D(4, 3, padding="same", activation="relu"), k.layers.SpatialDropout1D(0.2),
        k.layers.LSTM(5, return_sequences=True), k.layers.BatchNormalization(scale=False),
        k.layers.GlobalMaxPooling1D(), k.layers.BatchNormalization(center=False, epsilon=0.01),
        k.layers.Dense(3), k.layers.Softmax()),
    "leaky_relu": lambda k: chain(
        k, k.layers.LSTM(3, return_sequences=True), k.layers.Dense(4), k.layers.LeakyReLU(0.1),
        k.layers.Dense(4, activation="leaky_relu"), k.layers.Dense(3, activation="hard_sigmoid"),
        k.layers.LSTM(2)),
    "leaky_relu_without_slope": lambda k: chain(
        k, k.layers.Conv1D(4, 3), k.layers.LeakyReLU(0.0), k.layers.Dense(2)),
    "encoder_decoder": lambda k: chain(
        k, k.layers.LSTM(5), k.layers.RepeatVector(TIME), k.layers.LSTM(4, return_sequences=True),
        k.layers.TimeDistributed(k.layers.Dense(3))),
    "deep_encoder_decoder": lambda k: chain(
        k, k.layers.LSTM(6, return_sequences=True), k.layers.LSTM(4), k.layers.Dense(3, activation="relu"),
        k.layers.RepeatVector(9), k.layers.Dropout(0.2), k.layers.LSTM(4, return_sequences=True),
        k.layers.BatchNormalization(), k.layers.LSTM(6, return_sequences=True), k.layers.Dense(2)),
    "functional_encoder_decoder": functional_encoder_decoder,
    "upsampling": lambda k: chain(
        k, k.layers.Conv1D(4, 3, padding="same", activation="relu"), k.layers.UpSampling1D(3),
        k.layers.Conv1D(3, 5, padding="same")),
}

KERAS_REFUSED = {
    "activation 'relu', expected 'tanh'": lambda k: chain(k, k.layers.LSTM(3, activation="relu")),
    "recurrent activation 'tanh'": lambda k: chain(k, k.layers.LSTM(3, recurrent_activation="tanh")),
    "go_backwards": lambda k: chain(k, k.layers.LSTM(3, go_backwards=True)),
    "(GRU): is not supported": lambda k: chain(k, k.layers.GRU(3)),
    "(SimpleRNN): is not supported": lambda k: chain(k, k.layers.SimpleRNN(3)),
    "of GRU, expected of LSTM": lambda k: chain(k, k.layers.Bidirectional(k.layers.GRU(3))),
    "merge_mode 'sum', expected 'concat'": lambda k: chain(
        k, k.layers.Bidirectional(k.layers.LSTM(3), merge_mode="sum")),
    "merge_mode 'ave'": lambda k: chain(
        k, k.layers.Bidirectional(k.layers.LSTM(3), merge_mode="ave")),
    "merge_mode 'mul'": lambda k: chain(
        k, k.layers.Bidirectional(k.layers.LSTM(3), merge_mode="mul")),
    "the two directions of an LSTM differ": lambda k: chain(k, k.layers.Bidirectional(
        k.layers.LSTM(3), backward_layer=k.layers.LSTM(2, go_backwards=True))),
    "strides [2], expected 1": lambda k: chain(k, k.layers.Conv1D(4, 3, strides=2)),
    "groups 3, expected 1": lambda k: chain(k, k.layers.Conv1D(6, 3, groups=3)),
    "expected 'channels_last'": lambda k: chain(
        k, k.layers.GlobalMaxPooling1D(data_format="channels_first")),
    "axis 1, expected -1": lambda k: chain(k, k.layers.LSTM(3, return_sequences=True),
                                           k.layers.BatchNormalization(axis=1)),
    "(LayerNormalization): is not": lambda k: chain(k, k.layers.LayerNormalization()),
    "(SeparableConv1D): is not": lambda k: chain(k, k.layers.SeparableConv1D(4, 3)),
    "(MaxPooling1D): is not": lambda k: chain(k, k.layers.Conv1D(4, 3), k.layers.MaxPooling1D()),
    "(Flatten): is not": lambda k: chain(k, k.layers.Conv1D(4, 3), k.layers.Flatten()),
    "(Masking): is not": lambda k: chain(k, k.layers.Masking(), k.layers.LSTM(3)),
    "(Permute): is not": lambda k: chain(k, k.layers.Permute((2, 1)), k.layers.LSTM(3)),
    "each step 65537 times, expected 1 to 65536": lambda k: chain(
        k, k.layers.LSTM(3), k.layers.RepeatVector(65537)),
    "activation 'gelu' is not": lambda k: chain(
        k, k.layers.LSTM(3), k.layers.Dense(2, activation="gelu")),
    "a maximum or a threshold": lambda k: chain(k, k.layers.Conv1D(4, 3), k.layers.ReLU(6.0)),
    "(LeakyReLU): a leaky ReLU with the slope 1.5, expected one between 0 and 1": lambda k: chain(
        k, k.layers.Conv1D(4, 3), k.layers.LeakyReLU(1.5)),
    "(ReLU): a leaky ReLU with the slope 1,": lambda k: chain(
        k, k.layers.Conv1D(4, 3), k.layers.ReLU(negative_slope=1.0)),
    "(Dense): 70000 outputs, expected 1 to 65536": lambda k: chain(k, k.layers.Dense(70000)),
    "no layer with weights": lambda k: chain(k, k.layers.GlobalAveragePooling1D()),
}


def called(k, layer, **arguments):
    samples = k.Input((TIME, 3))
    return k.Model(samples, k.layers.Dense(2)(layer(samples, **arguments)))


def with_ends(k, pick):
    """A model whose inputs and outputs are picked from two inputs and the outputs of three layers."""
    first, second = k.Input((TIME, 3)), k.Input((TIME, 4))
    hidden = k.layers.Dense(4)(first)
    added = k.layers.Add()([hidden, second])
    return k.Model(*pick(first, second, hidden, k.layers.Dense(2)(hidden), added))


def called_twice(k):
    samples, layer = k.Input((TIME, 3)), k.layers.Dense(3)
    return k.Model(samples, layer(layer(samples)))


KERAS_CALLS_REFUSED = {
    "(LSTM): is called with initial_state": lambda k: called(
        k, k.layers.LSTM(4), initial_state=[k.ops.ones((1, 4)), k.ops.ones((1, 4))]),
    "(Bidirectional): is called with initial_state": lambda k: called(
        k, k.layers.Bidirectional(k.layers.LSTM(4)), initial_state=[k.ops.ones((1, 4))] * 4),
    "(LSTM): is called with mask": lambda k: called(
        k, k.layers.LSTM(4), mask=k.ops.convert_to_tensor([[True] * 9 + [False] * (TIME - 9)])),
    "(BatchNormalization): is called with mask": lambda k: called(
        k, k.layers.BatchNormalization(), mask=k.ops.ones((1, TIME))),
    "(Dropout): is called with training": lambda k: called(k, k.layers.Dropout(0.5), training=True),
    "(Dense): is called 2 times": called_twice,
    "the model has 2 outputs": lambda k: with_ends(k, lambda a, b, h, y, s: (a, [h, y])),
    "the model has 2 inputs": lambda k: with_ends(k, lambda a, b, h, y, s: ([a, b], s)),
    "the output of the model is not that of this layer alone": lambda k: k.Model(
        *(lambda x: (x, k.layers.LSTM(4, return_state=True)(x)[1]))(k.Input((TIME, 3)))),
}


def torch_models(torch):
    """PyTorch modules that read [1, time, 3]."""
    nn = torch.nn

    class Last(nn.Module):
        """An LSTM, and a function of its outputs and its state."""

        def __init__(self, pick, outputs, **settings):
            super().__init__()
            self.lstm = nn.LSTM(3, 5, batch_first=True, **settings)
            self.pick, self.head = pick, nn.Linear(outputs, 2)

        def forward(self, x):
            return self.head(self.pick(*self.lstm(x)))

    def both_ends(y, state):
        return torch.cat([state[0][-2], state[0][-1]], 1)

    class ChannelsFirst(nn.Module):
        """Layers that read [batch, time, features] with their channels first."""

        def __init__(self, *layers):
            super().__init__()
            self.layers = nn.Sequential(*layers)

        def forward(self, x):
            return self.layers(x.transpose(1, 2))

    class Largest(nn.Module):
        def forward(self, x):
            return torch.amax(x, -1)

    class EncoderDecoder(nn.Module):
        """The last state of one LSTM, repeated, is what another one reads at every step."""

        def __init__(self, repeated, **settings):
            super().__init__()
            self.encoder = nn.LSTM(3, 5, batch_first=True, **settings)
            size = 10 if self.encoder.bidirectional else 5
            self.decoder = nn.LSTM(size, 4, batch_first=True)
            self.repeated, self.head = repeated, nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.decoder(self.repeated(x, *self.encoder(x)))[0])

    def normalised(channels):
        norm = nn.BatchNorm1d(channels, eps=1e-3)
        with torch.no_grad():
            for values in (norm.weight, norm.bias, norm.running_mean):
                values.copy_(torch.randn(channels))
            norm.running_var.copy_(torch.rand(channels) + 0.2)
        return norm

    return {
        "every_step": Last(lambda y, state: y, 5),
        "two_layers": Last(lambda y, state: y, 5, num_layers=2),
        "last_step": Last(lambda y, state: y[:, -1], 5, num_layers=2),
        "last_state": Last(lambda y, state: state[0][-1], 5, num_layers=2),
        "bidirectional": Last(lambda y, state: y, 10, bidirectional=True),
        "bidirectional_last_states": Last(both_ends, 10, num_layers=2, bidirectional=True),
        "fully_convolutional": ChannelsFirst(
            nn.Conv1d(3, 6, 8, padding="same"), normalised(6), nn.ReLU(),
            nn.Conv1d(6, 5, 5, padding="same"), normalised(5), nn.ReLU(),
            nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(5, 2), nn.Softmax(-1)),
        "leaky_relu_without_slope": ChannelsFirst(nn.Conv1d(3, 4, 3), nn.LeakyReLU(0.0)),
        "normalised_first": ChannelsFirst(
            normalised(3), nn.Conv1d(3, 4, 3, padding=1), nn.LeakyReLU(0.05), nn.Tanh(),
            normalised(4), nn.Sigmoid(), Largest(), nn.Linear(4, 3)),
        "dilated": ChannelsFirst(nn.Conv1d(3, 4, 3, dilation=2, bias=False), nn.ReLU(),
                                 nn.Conv1d(4, 2, 4)),
        "causal": ChannelsFirst(nn.ConstantPad1d((4, 0), 0.0), nn.Conv1d(3, 4, 3, dilation=2),
                                nn.ReLU()),
        "repeated_state": EncoderDecoder(
            lambda x, y, state: state[0][-1].unsqueeze(1).repeat(1, x.shape[1], 1), num_layers=2),
        "expanded_state": EncoderDecoder(
            lambda x, y, state: state[0].transpose(0, 1).expand(-1, 5, -1)),
        "repeated_step": EncoderDecoder(lambda x, y, state: y[:, -1:].repeat_interleave(9, 1)),
        "repeated_directions": EncoderDecoder(
            lambda x, y, state: both_ends(y, state).unsqueeze(1).repeat(1, 7, 1), bidirectional=True),
        "upsampling": ChannelsFirst(nn.Conv1d(3, 4, 3, padding=1), nn.Upsample(scale_factor=2),
                                    nn.Conv1d(4, 3, 3, padding=1)),
    }


def torch_blind_to_time(torch):
    """Modules that compute what a chain of layers does if a series has one step, and only then; by the
    reason for which they are refused. Each reads [1, time, 3]."""
    nn = torch.nn

    class After(nn.Module):
        """Something done to the samples, an LSTM, something done to its outputs."""

        def __init__(self, before, after, units=4, outputs=4):
            super().__init__()
            self.before, self.after = before, after
            self.lstm, self.head = nn.LSTM(3, units, batch_first=True), nn.Linear(outputs, 2)

        def forward(self, x):
            return self.head(self.after(self.lstm(self.before(x))[0]))

    def same(x):
        return x

    return {
        "flip, then the last step": After(lambda x: x.flip(1), lambda y: y[:, -1]),
        "flip, then the mean": After(same, lambda y: y.flip(1).mean(1)),
        "mean over features": After(same, lambda y: y.mean(2, keepdim=True), units=1, outputs=1),
        "maximum over features": After(same, lambda y: y.amax(2, keepdim=True), units=1, outputs=1),
    }


def torch_refused(torch):
    """Modules that are refused, by the reason, each with the shape that it reads."""
    nn = torch.nn

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.convolution = nn.Conv1d(3, 3, 3, padding=1)

        def forward(self, x):
            return x + self.convolution(x)

    class OneDirection(nn.Module):
        """Often mistaken for the last output: the backward half has read only one step there."""

        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(3, 5, bidirectional=True)
            self.head = nn.Linear(5, 2)

        def forward(self, x):
            return self.head(self.lstm(x)[1][0][-1])

    class Cells(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(3, 5)
            self.head = nn.Linear(5, 2)

        def forward(self, x):
            return self.head(self.lstm(x)[1][1][-1])

    class Gru(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru = nn.GRU(3, 5)

        def forward(self, x):
            return self.gru(x)[0]

    modules = {
        "(GRU)": Gru(),
        "stride": nn.Conv1d(3, 4, 3, stride=2),
        "group": nn.Conv1d(3, 6, 3, groups=3),
        "zeros before and 2 after": nn.Conv1d(3, 4, 3, padding=2),
        "(MaxPool)": nn.Sequential(nn.Conv1d(3, 4, 3), nn.MaxPool1d(2)),
        "(Elu)": nn.Sequential(nn.Conv1d(3, 4, 3), nn.ELU()),
        "does not follow": Residual(),
        "reads other states": OneDirection(),
        "reads other states than": Cells(),
        "(LeakyRelu): a leaky ReLU with the slope 2,": nn.Sequential(nn.Conv1d(3, 4, 3), nn.LeakyReLU(2)),
        "(LayerNormalization)": nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4)),
        "expected zeros": nn.Sequential(nn.ReflectionPad1d((1, 1)), nn.Conv1d(3, 4, 3)),
        "weights of 4 dimensions": nn.Conv2d(1, 2, 3),
    }
    recurrent = {"(GRU)", "reads other states", "reads other states than", "(LayerNormalization)"}
    shapes = dict.fromkeys(recurrent, (TIME, 1, 3)) | {"weights of 4 dimensions": (1, 1, TIME, TIME)}
    return {reason: (module, shapes.get(reason, (1, 3, TIME))) for reason, module in modules.items()}
