"""Keras files made by hand, without Keras: an LSTM and a dense layer."""
import io
import json
import zipfile

import h5py
import numpy as np

LSTM = {"name": "lstm", "units": 4, "activation": "tanh", "recurrent_activation": "sigmoid",
        "return_sequences": True}
DENSE = {"name": "dense", "units": 2, "activation": "linear"}
LAYERS = ({"class_name": "LSTM", "config": LSTM}, {"class_name": "Dense", "config": DENSE})
SEQUENTIAL = {"class_name": "Sequential", "config": {"layers": list(LAYERS)}}


def weights():
    """The weights of both layers, by the names of the layers; always the same."""
    generator = np.random.default_rng(17)
    shapes = {"lstm": ((3, 16), (4, 16), (16,)), "dense": ((4, 2), (2,))}
    return {name: [generator.standard_normal(shape).astype(np.float32) for shape in each]
            for name, each in shapes.items()}


def functional(*arguments, inputs=(["input", 0, 0],), outputs=(["dense", 0, 0],)):
    """A functional model of Keras 2; `arguments` are those of the call of the LSTM."""
    layers = [{"class_name": "InputLayer", "config": {"name": "input"}, "inbound_nodes": []},
              {**LAYERS[0], "inbound_nodes": [[["input", 0, 0, {}], *arguments]]},
              {**LAYERS[1], "inbound_nodes": [[["lstm", 0, 0, {}]]]}]
    return {"class_name": "Functional", "config": {
        "layers": layers, "input_layers": list(inputs), "output_layers": list(outputs)}}


def functional_3(*others, **named):
    """The same model as Keras 3 writes it, with further arguments of the call of the LSTM."""
    model = functional(inputs=["input", 0, 0], outputs=["dense", 0, 0])
    for layer, before, more, settings in zip(model["config"]["layers"][1:], ("input", "lstm"),
                                             (others, ()), (named, {})):
        tensor = {"class_name": "__keras_tensor__", "config": {"keras_history": [before, 0, 0]}}
        layer["inbound_nodes"] = [{"args": [tensor, *more], "kwargs": settings}]
    return model


def _text(model):
    return model if isinstance(model, str) else json.dumps(model)


def write_h5(path, model=SEQUENTIAL, values=None, version="2.15.0"):
    """An .h5 file of Keras 2; `model` may also be any text."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = _text(model).encode()  # bytes of a fixed length, as Keras writes them
        file.attrs["keras_version"] = version.encode()
        for name, arrays in (values or weights()).items():
            group = file.create_group(f"model_weights/{name}")
            names = [f"{name}/{k}:0" for k in range(len(arrays))]
            group.attrs["weight_names"] = [each.encode() for each in names]
            for each, array in zip(names, arrays):
                group.create_dataset(each, data=array)


def write_keras(path, model=SEQUENTIAL, values=None, compression=zipfile.ZIP_STORED):
    """A .keras file; `model` may also be any text."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, arrays in (values or weights()).items():
            for k, array in enumerate(arrays):
                file.create_dataset(f"layers/{name}/vars/{k}", data=array)
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("config.json", _text(model))
        archive.writestr("metadata.json", '{"keras_version": "3.5.0"}')
        archive.writestr("model.weights.h5", content.getvalue())
