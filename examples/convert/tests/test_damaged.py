"""Damaged files, and values that a file of 32-bit floats cannot hold, are refused in one line."""
import contextlib
import copy
import json
import struct
import zipfile

import h5py
import keras_files
import numpy as np
import pytest
from keras_files import DENSE, LSTM, write_h5, write_keras
from networks import NETWORKS, converted_metadata
from safetensors.numpy import load_file, save_file

from tocsin_convert import Unsupported, keras_file, tocsin_file
from tocsin_convert.command import main, read

FLIPS = 100  # bits flipped in each file
CUTS = 25  # lengths to which each file is cut


def refusal(path, tmp_path, capsys):
    """The message of a refusal: one line, no file. Empty if the file was converted."""
    output = tmp_path / "output.safetensors"
    code = main([str(path), "-o", str(output)])
    message = capsys.readouterr().err
    if code == 0:
        output.unlink()
        return ""
    start = f"tocsin-convert: {path}: "
    assert code == 1 and message.startswith(start) and message.count("\n") == 1, message
    assert not list(tmp_path.glob("output*"))
    return message[len(start):]


def write_onnx(path):
    pytest.importorskip("onnx")
    from tocsin_convert import onnx_writer

    onnx_writer.write(NETWORKS["last_step"](), path)


WRITERS = {
    "model.keras": write_keras,
    "packed.keras": lambda path: write_keras(path, compression=zipfile.ZIP_DEFLATED),
    "model.h5": write_h5,
    "functional.h5": lambda path: write_h5(path, keras_files.functional()),
    "model.safetensors": lambda path: tocsin_file.write(NETWORKS["fully_convolutional"](), path),
    "model.onnx": write_onnx,
}
CHECKED = {"model.keras", "packed.keras", "model.safetensors"}  # with checksums or a probe


def equal(network, other):
    """Whether both have the same layers and outputs, but for what the probe tolerates."""
    series, output = network.probe(seed=4)
    return ([layer.kind for layer in network.layers] == [layer.kind for layer in other.layers]
            and np.abs(other.forward(series) - output).max() < 1e-2)


@pytest.mark.parametrize("name", WRITERS)
def test_a_flipped_bit_is_refused_or_harmless(tmp_path, capsys, name):
    path = tmp_path / name
    WRITERS[name](path)
    original, network = path.read_bytes(), read(path)
    generator = np.random.default_rng(3)
    # Half of the flips are in the first 2000 bytes: damaged headers do more harm than damaged weights.
    places = [*generator.integers(len(original), size=FLIPS // 2),
              *generator.integers(min(2000, len(original)), size=FLIPS // 2)]
    for place in places:
        damaged = bytearray(original)
        damaged[place] ^= 1 << int(generator.integers(8))
        path.write_bytes(damaged)
        if not refusal(path, tmp_path, capsys) and name in CHECKED:
            assert equal(network, read(path)), place


@pytest.mark.parametrize("name", WRITERS)
def test_a_cut_file_is_refused(tmp_path, capsys, name):
    path = tmp_path / name
    WRITERS[name](path)
    original = path.read_bytes()
    for length in np.linspace(0, len(original) - 1, CUTS).astype(int):
        path.write_bytes(original[:length])
        assert refusal(path, tmp_path, capsys), length


@pytest.mark.parametrize("ending", ["keras", "h5", "safetensors", "onnx"])
@pytest.mark.parametrize("content", [b"", b"hello", b"\0" * 5000, b"PK\3\4" * 100])
def test_what_is_not_such_a_file_cannot_be_read(tmp_path, capsys, ending, content):
    if ending == "onnx":
        pytest.importorskip("onnx")
    path = tmp_path / f"model.{ending}"
    path.write_bytes(content)
    assert refusal(path, tmp_path, capsys).startswith(
        "cannot be read: " if content or ending != "onnx" else "")


def test_a_missing_file_cannot_be_read(tmp_path, capsys):
    for ending in ("keras", "h5", "safetensors"):
        assert refusal(tmp_path / f"none.{ending}", tmp_path, capsys).startswith("cannot be read: ")


ODD_MODELS = {
    "deep": "[" * 100_000, "text": "nonsense", "a list": "[]", "null": "null", "a number": "3",
    "no configuration": '{"class_name": "Sequential"}',
    "configuration a list": '{"class_name": "Sequential", "config": []}',
    "layers an object": '{"class_name": "Sequential", "config": {"layers": {}}}',
    "a layer that is a text": '{"class_name": "Sequential", "config": {"layers": ["LSTM"]}}',
    "a layer without configuration":
        '{"class_name": "Sequential", "config": {"layers": [{"class_name": "LSTM"}]}}',
    "a name that is a number":
        '{"class_name": "Sequential", "config": {"layers": [{"class_name": "LSTM", "config": {"name": 3}}]}}',
    "no output":
        '{"class_name": "Functional", "config": {"layers": [{"class_name": "InputLayer", "config": {}}],'
        '"input_layers": [["InputLayer", 0, 0]]}}',
}


@pytest.mark.parametrize("name", ODD_MODELS)
@pytest.mark.parametrize("write", [write_keras, write_h5])
def test_a_model_of_odd_json_cannot_be_read(tmp_path, capsys, write, name):
    path = tmp_path / ("model.keras" if write is write_keras else "model.h5")
    write(path, ODD_MODELS[name])
    message = refusal(path, tmp_path, capsys)
    assert message.startswith("cannot be read: ") or (name, path.name) == ("null", "model.h5"), message


ODD_VALUES = [None, True, 3, -1, 1.5, 1e400, 10**400, "text", [], [1], ["a"], [[[]]], {}, {"config": 3}]


def everywhere(thing):
    """Copies of plain data in each of which one value is an odd one or missing."""
    places = []

    def visit(value, place):
        for key in value if isinstance(value, dict) else range(len(value)):
            places.append((*place, key))
            if isinstance(value[key], (dict, list)):
                visit(value[key], places[-1])

    visit(thing, ())
    for *way, last in places:
        for odd in [*ODD_VALUES, "missing"]:
            changed = copy.deepcopy(thing)
            inner = changed
            for key in way:
                inner = inner[key]
            if odd == "missing":
                del inner[last]
            else:
                inner[last] = odd
            yield (*way, last), odd, changed


def layer(kind, name, **settings):
    return {"class_name": kind, "config": {"name": name, **settings}}


ALL_SETTINGS = {"class_name": "Sequential", "config": {"layers": [
    layer("Conv1D", "conv", activation="relu", padding="same", strides=[1], dilation_rate=[1], groups=1,
          data_format="channels_last", use_bias=True),
    layer("BatchNormalization", "norm", axis=[2], epsilon=0.001, scale=True, center=True),
    layer("Bidirectional", "both", merge_mode="concat", layer={"class_name": "LSTM", "config": LSTM},
          backward_layer={"class_name": "LSTM", "config": {**LSTM, "go_backwards": True}}),
    layer("ReLU", "relu", max_value=None, threshold=0.0, negative_slope=0.1),
    layer("LeakyReLU", "leaky", alpha=0.1),
    layer("TimeDistributed", "dense", layer={"class_name": "Dense", "config": DENSE}),
    layer("Softmax", "softmax", axis=-1)]}}


def all_weights():
    generator = np.random.default_rng(5)
    shapes = {"conv": ((2, 3, 4), (4,)), "norm": ((4,),) * 4,
              "both": ((4, 16), (4, 16), (16,)) * 2, "dense": ((8, 2), (2,))}
    return {name: [generator.random(shape) for shape in each] for name, each in shapes.items()}


class Weights:
    """Weights by the names of the layers, in place of those of a file."""

    def __init__(self, values):
        self.values = values

    def of(self, layer):
        found = self.values.get(layer["config"].get("name"))
        return None if found is None else [(str(k), values) for k, values in enumerate(found)]


ODD_PLACES = {
    "settings": (ALL_SETTINGS, all_weights),
    "calls of Keras 2": (keras_files.functional(), keras_files.weights),
    "calls of Keras 3": (keras_files.functional_3(training=None), keras_files.weights)}


@pytest.mark.parametrize("name", ODD_PLACES)
def test_odd_values_in_a_model_of_keras_raise_nothing_else(name):
    model, values = ODD_PLACES[name]
    weights = Weights(values())
    keras_file._network(keras_file._layers(model), weights, "2.15.0").probe()
    for place, odd, changed in everywhere(model):
        with contextlib.suppress(Unsupported):
            keras_file._network(keras_file._layers(changed), weights, "2.15.0").probe()


def test_odd_values_in_an_architecture_raise_nothing_else(tmp_path):
    path = tmp_path / "model.safetensors"
    for name in ("fully_convolutional", "hard_sigmoids"):
        tocsin_file.write(NETWORKS[name](), path)
        tensors = load_file(path)
        for place, odd, changed in everywhere(NETWORKS[name]().description()):
            with contextlib.suppress(Unsupported):
                network = tocsin_file._by_position(changed, dict(tensors))
                network.check()
                network.probe()


def test_tensors_that_are_missing_or_of_another_shape_are_refused(tmp_path, capsys):
    path = tmp_path / "model.safetensors"
    for name in ("fully_convolutional", "bidirectional_classifier"):
        tocsin_file.write(NETWORKS[name](), path)
        tensors = load_file(path)
        metadata = converted_metadata(NETWORKS[name]())
        for tensor, values in tensors.items():
            others = {each: value for each, value in tensors.items() if each != tensor}
            changes = [{tensor: np.ascontiguousarray(values[:-1])},
                       {tensor: values.reshape(-1, 1, 1, 1)}, {tensor: np.array(1.0, np.float32)},
                       {tensor: values.astype(np.int32)},
                       {tensor: np.zeros((0, *values.shape[1:]), np.float32)}]
            for change in [*changes, {}]:
                save_file({**others, **change}, path, metadata)
                assert refusal(path, tmp_path, capsys), (tensor, change)


def test_weights_of_keras_that_are_missing_or_of_another_shape_are_refused(tmp_path, capsys):
    path = tmp_path / "model.keras"
    for name, k in (("lstm", 0), ("lstm", 1), ("lstm", 2), ("dense", 0), ("dense", 1)):
        for change in (lambda v: v[:-1], lambda v: v.reshape(-1, 1, 1), lambda v: v.ravel()[0],
                       lambda v: v[:0], lambda v: np.array([b"text"])):
            values = keras_files.weights()
            values[name][k] = change(values[name][k])
            if name == "lstm" and k == 0 and values[name][k].shape == (2, 16):
                continue  # an LSTM with two inputs
            write_keras(path, values=values)
            assert refusal(path, tmp_path, capsys), (name, k)
        values = keras_files.weights()
        del values[name][k]
        write_keras(path, values=values)
        assert f"layer '{name}'" in refusal(path, tmp_path, capsys)


@pytest.mark.parametrize("value", [1e300, -1e39, np.inf, -np.inf, np.nan])
def test_a_weight_that_is_no_finite_float_is_refused_by_name(tmp_path, capsys, value):
    for write, path, name in ((write_keras, tmp_path / "m.keras", "/layers/lstm/vars/1"),
                              (write_h5, tmp_path / "m.h5", "/model_weights/lstm/lstm/1:0")):
        values = keras_files.weights()
        values["lstm"][1] = values["lstm"][1].astype(np.float64)
        values["lstm"][1][2, 3] = value
        write(path, values=values)
        message = refusal(path, tmp_path, capsys)
        assert f"layer 'lstm' (LSTM): weight '{name}' holds {value:.6g}, which is not finite" in message
    path = tmp_path / "model.safetensors"
    tensors = NETWORKS["last_step"]().layers[2].tensors()
    tensors["bias"][1] = value
    save_file({f"head.{name}": tensor for name, tensor in tensors.items()}, path)
    assert f"bias of layer 0 (dense) holds {value:.6g}" in refusal(path, tmp_path, capsys)


def test_a_network_whose_output_is_not_finite_is_refused(tmp_path, capsys):
    values = keras_files.weights()
    values["dense"] = [np.full((4, 2), 3e38), np.array([3.4e38, -3.4e38])]
    write_h5(tmp_path / "model.h5", values=values)
    message = refusal(tmp_path / "model.h5", tmp_path, capsys)
    assert "the output of the network for random samples holds" in message


def test_a_damaged_shape_does_not_take_all_memory(tmp_path, capsys):
    path = tmp_path / "model.h5"
    write_h5(path)
    content = path.read_bytes()
    sizes = struct.pack("<QQ", 4, 2)
    assert sizes in content
    path.write_bytes(content.replace(sizes, struct.pack("<QQ", 4 << 30, 2)))
    assert refusal(path, tmp_path, capsys).startswith("cannot be read: ")


@pytest.mark.parametrize("member", ["config.json", "metadata.json", "model.weights.h5"])
def test_an_archive_that_unpacks_to_much_more_than_its_size_is_refused(tmp_path, capsys, member):
    path = tmp_path / "model.keras"
    write_keras(path, compression=zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content[member] += b" " * (32 << 20)  # harmless for JSON and H5
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, each in content.items():
            archive.writestr(name, each)
    assert f"'{member}' unpacks to" in refusal(path, tmp_path, capsys)


def in_an_archive(path):
    """Puts a file of weights into a .keras archive in its place."""
    weights = path.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", json.dumps(keras_files.SEQUENTIAL))
        archive.writestr("metadata.json", '{"keras_version": "3.5.0"}')
        archive.writestr("model.weights.h5", weights)


def elsewhere(tmp_path, ending, change):
    """A file of Keras, in which `change(file, place of the recurrent weights, values)` moves these."""
    path = tmp_path / f"model.{ending}"
    write_h5(path)
    with h5py.File(path, "a") as file:
        if ending == "keras":
            for name, arrays in keras_files.weights().items():
                for k, array in enumerate(arrays):
                    file.create_dataset(f"layers/{name}/vars/{k}", data=array)
        place = "layers/lstm/vars/1" if ending == "keras" else "model_weights/lstm/lstm/1:0"
        values = np.array(file[place])
        del file[place]
        change(file, place, values)
    if ending == "keras":
        in_an_archive(path)
    return path


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_weights_in_another_file_are_not_read(tmp_path, capsys, ending):
    other = tmp_path / "other.h5"

    def linked(file, place, values):
        with h5py.File(other, "w") as target:
            target["values"] = values
        file[place] = h5py.ExternalLink(str(other), "values")

    def linked_softly(file, place, values):
        with h5py.File(other, "w") as target:
            target["group/values"] = values
        file["away"] = h5py.ExternalLink(str(other), "group")
        file[place] = h5py.SoftLink("/away/values")

    def stored(file, place, values):
        raw = tmp_path / "raw.bin"
        raw.write_bytes(values.tobytes())
        file.create_dataset(place, values.shape, values.dtype, external=[(str(raw), 0, values.nbytes)])

    def virtual(file, place, values):
        with h5py.File(other, "w") as target:
            target["values"] = values
        layout = h5py.VirtualLayout(values.shape, values.dtype)
        layout[...] = h5py.VirtualSource(str(other), "values", values.shape)
        file.create_virtual_dataset(place, layout)

    for change in (linked, linked_softly, stored, virtual):
        path = elsewhere(tmp_path, ending, change)
        assert "another file" in refusal(path, tmp_path, capsys), change
    path = elsewhere(tmp_path, ending, lambda file, place, values: file.create_dataset(place, data=values))
    assert not refusal(path, tmp_path, capsys)


def test_errors_of_the_converter_itself_stay_visible(tmp_path, monkeypatch):
    write_keras(tmp_path / "model.keras")
    for error in (NameError, TypeError, KeyError, ValueError, AttributeError):
        def fail(*_, error=error):
            raise error("a mistake")

        monkeypatch.setattr(keras_file, "_layers", fail)
        with pytest.raises(error):
            main([str(tmp_path / "model.keras"), "-o", str(tmp_path / "model.safetensors")])
