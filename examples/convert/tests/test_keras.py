"""Real files of Keras, converted and compared with the original.

    python -m pytest examples/convert/tests

Without Keras, PyTorch, onnx or onnxruntime the tests that need them say so.
"""
import io
import zipfile

import h5py
import keras_files
import numpy as np
import pytest
from models import (KERAS_CALLS_REFUSED, KERAS_MODELS, KERAS_REFUSED, TIME, chain,
                    set_weights)

from tocsin_convert import Unsupported, keras_file, tocsin_file
from tocsin_convert.command import main


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("name", KERAS_MODELS)
def test_keras_models_compute_the_same(keras, tmp_path, name, ending):
    model = set_weights(KERAS_MODELS[name](keras))
    path = tmp_path / f"model.{ending}"
    model.save(path)
    network = keras_file.read(path)
    series = np.random.default_rng(7).standard_normal((TIME, network.inputs))
    expected = model.predict_on_batch(series[None].astype(np.float32))[0]
    assert np.abs(network.forward(series) - expected.reshape(-1, expected.shape[-1])).max() < 2e-6

    assert all(0 < layer.number < 1 for layer in network.layers if layer.kind == "leaky_relu")
    # The written file holds the network and a probe of it.
    output = tmp_path / "model.safetensors"
    assert main([str(path), "-o", str(output)]) == 0
    again = tocsin_file.read(output)
    assert again.description() == network.description()
    assert np.abs(again.forward(series) - network.forward(series)).max() < 1e-6


@pytest.mark.parametrize("reason", KERAS_REFUSED)
def test_what_tocsin_does_not_compute_is_refused_by_name(keras, tmp_path, capsys, reason):
    path = tmp_path / "model.keras"
    KERAS_REFUSED[reason](keras).save(path)
    output = tmp_path / "model.safetensors"
    assert main([str(path), "-o", str(output)]) == 1
    assert reason in capsys.readouterr().err
    assert not list(tmp_path.glob("*.safetensors*"))


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("reason", KERAS_CALLS_REFUSED)
def test_calls_that_are_not_computed_are_refused_by_name(keras, tmp_path, capsys, reason, ending):
    if not hasattr(keras, "ops"):
        pytest.skip("Keras 2 has no keras.ops; calls of its format are tested below")
    path = tmp_path / f"model.{ending}"
    KERAS_CALLS_REFUSED[reason](keras).save(path)
    assert main([str(path), "-o", str(tmp_path / "model.safetensors")]) == 1
    assert reason in capsys.readouterr().err


def with_arguments(**named):
    model = keras_files.functional()
    model["config"]["layers"][1]["inbound_nodes"][0][0][3] = named
    return model


CONSTANT = ["_CONSTANT_VALUE", -1, [[1.0, 1.0, 1.0, 1.0]]]
INPUT, OUTPUT, HIDDEN = ["input", 0, 0], ["dense", 0, 0], ["lstm", 0, 0]
CALLS_BY_HAND = {
    "is called with argument 2": lambda: keras_files.functional(["more", 0, 0, {}], ["more", 0, 1, {}]),
    "is called with initial_state": lambda: with_arguments(initial_state=[CONSTANT, CONSTANT]),
    "is called with mask": lambda: with_arguments(mask=["input", 0, 0], training=None),
    "is called with training": lambda: with_arguments(training=True),
    "is called with sequence": lambda: keras_files.functional_3(sequence=0),
    "is called with argument 3": lambda: keras_files.functional_3(None, {"class_name": "__tensor__"}),
    "the model has 2 outputs (lstm, dense)": lambda: keras_files.functional(outputs=[HIDDEN, OUTPUT]),
    "the model has 2 inputs (input, more)": lambda: keras_files.functional(
        inputs=[INPUT, ["more", 0, 0]]),
    "the model has 0 outputs": lambda: keras_files.functional(outputs=[]),
    "the output of the model is not that": lambda: keras_files.functional(outputs=[HIDDEN]),
    "the input of the model is not that": lambda: keras_files.functional(inputs=[HIDDEN]),
}


@pytest.mark.parametrize("write", [keras_files.write_keras, keras_files.write_h5])
@pytest.mark.parametrize("reason", CALLS_BY_HAND)
def test_calls_are_refused_in_files_made_by_hand(tmp_path, reason, write):
    path = tmp_path / "model.file"
    write(path, CALLS_BY_HAND[reason]())
    with pytest.raises(Unsupported) as refusal:
        keras_file.read(path)
    assert reason in str(refusal.value)


def test_arguments_that_change_nothing_are_accepted(tmp_path):
    path = tmp_path / "model.file"
    for model in (keras_files.functional(), with_arguments(training=False, mask=None, initial_state=None),
                  keras_files.functional_3(training=False, mask=None), keras_files.functional_3(None),
                  keras_files.functional(inputs=INPUT)):
        keras_files.write_keras(path, model)
        assert [layer.kind for layer in keras_file.read(path).layers] == ["lstm", "dense"]


def test_a_custom_class_with_the_name_of_one_of_keras_is_refused(tmp_path):
    model = keras_files.functional()
    model["config"]["layers"][1]["registered_name"] = "Custom>LSTM"
    keras_files.write_keras(tmp_path / "model.keras", model)
    with pytest.raises(Unsupported, match="is a custom class, 'Custom>LSTM'"):
        keras_file.read(tmp_path / "model.keras")


def test_two_branches_are_refused(keras, tmp_path):
    samples = keras.Input((TIME, 2))
    first = keras.layers.LSTM(3)(samples)
    second = keras.layers.LSTM(3)(samples)
    model = keras.Model(samples, keras.layers.Dense(1)(keras.layers.Concatenate()([first, second])))
    model.save(tmp_path / "model.keras")
    with pytest.raises(Unsupported, match="is not connected only to the layer before it"):
        keras_file.read(tmp_path / "model.keras")


def test_weights_without_the_model_are_refused(keras, tmp_path):
    KERAS_MODELS["last_step"](keras).save_weights(tmp_path / "only.weights.h5")
    with pytest.raises(Unsupported, match="weights alone"):
        keras_file.read(tmp_path / "only.weights.h5")


def test_the_slope_of_a_hard_sigmoid_follows_the_version(keras, tmp_path):
    layer = keras.layers.LSTM(3, recurrent_activation="hard_sigmoid")
    chain(keras, layer).save(tmp_path / "model.h5")
    for version, divisor in (("2.2.4", 5), ("3.1.0", 6), (None, 0)):
        with h5py.File(tmp_path / "model.h5", "r+") as file:
            del file.attrs["keras_version"]
            if version:
                file.attrs["keras_version"] = version
            else:
                file.attrs["keras_version"] = ""
        if divisor:
            assert keras_file.read(tmp_path / "model.h5").layers[0].divisor == divisor
        else:
            with pytest.raises(Unsupported, match="does not say its version"):
                keras_file.read(tmp_path / "model.h5")


def test_logits_leave_out_the_last_activation(keras, tmp_path, capsys):
    path = tmp_path / "model.keras"
    model = set_weights(KERAS_MODELS["bidirectional_classifier"](keras))
    model.save(path)
    output = tmp_path / "model.safetensors"
    assert main([str(path), "-o", str(output), "--logits"]) == 0
    series = np.random.default_rng(7).standard_normal((TIME, 3))
    expected = model.predict_on_batch(series[None].astype(np.float32))[0]
    logits = tocsin_file.read(output).forward(series)[0]
    assert np.abs(1 / (1 + np.exp(-logits)) - expected).max() < 2e-6
    assert main([str(output), "-o", str(tmp_path / "again.safetensors"), "--logits"]) == 1
    assert "the last layer is 'dense'" in capsys.readouterr().err


def test_a_damaged_archive_is_refused(keras, tmp_path, capsys):
    path = tmp_path / "model.keras"
    KERAS_MODELS["last_step"](keras).save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for missing in parts:
        with zipfile.ZipFile(path, "w") as archive:
            for name in set(parts) - {missing}:
                archive.writestr(name, parts[name])
        assert main([str(path), "-o", str(tmp_path / "m.safetensors")]) == 1
        assert missing in capsys.readouterr().err


@pytest.mark.parametrize("stateful", [True, False, None])
def test_of_a_stateful_layer_it_is_said_that_sequences_start_from_zero(tmp_path, capsys, stateful):
    path = tmp_path / "model.h5"
    config = keras_files.LSTM if stateful is None else {**keras_files.LSTM, "stateful": stateful}
    layers = [{"class_name": "LSTM", "config": config}, keras_files.LAYERS[1]]
    keras_files.write_h5(path, {"class_name": "Sequential", "config": {"layers": layers}})
    assert main([str(path), "-o", str(tmp_path / "model.safetensors")]) == 0
    printed = capsys.readouterr()
    note = (f"tocsin-convert: {path}: note: layer 'lstm' (LSTM) is stateful in Keras; here each sequence "
            "starts from zeros\n")
    assert printed.err == (note if stateful else "")
    assert printed.out.startswith('{"inputs": 3')


NOTE = "note: with the policy '{}' Keras computes in 16 bits"


def with_policy(policy):
    """The layers made by hand, the first of which has a policy."""
    layers = [{"class_name": "LSTM", "config": {**keras_files.LSTM, "dtype": policy}}, keras_files.LAYERS[1]]
    return {"class_name": "Sequential", "config": {"layers": layers}}


@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16", "float16", "float32", "float64"])
def test_of_a_policy_of_16_bits_it_is_said_that_outputs_differ(tmp_path, capsys, name):
    path, output = tmp_path / "model.h5", str(tmp_path / "model.safetensors")
    for policy in (name, *({"class_name": kind, "config": {"name": name}}
                           for kind in ("DTypePolicy", "Policy"))):
        keras_files.write_h5(path, with_policy(policy))
        assert main([str(path), "-o", output]) == 0
        assert (NOTE.format(name) in capsys.readouterr().err) == ("16" in name)


def test_the_policy_of_a_wrapped_layer_counts(keras, tmp_path):
    inner = keras.layers.LSTM(3, dtype="mixed_float16")
    chain(keras, keras.layers.Bidirectional(inner), keras.layers.Dense(2)).save(tmp_path / "model.keras")
    notes = keras_file.read(tmp_path / "model.keras").notes
    assert len(notes) == 1 and "mixed_float16" in notes[0]


def test_weights_of_bfloat16_are_read(tmp_path):
    path = tmp_path / "model.keras"
    rounded = {name: [(each.view("<u4") & 0xFFFF0000).view("<f4") for each in arrays]
               for name, arrays in keras_files.weights().items()}
    keras_files.write_keras(path, values=rounded)
    expected = keras_file.read(path).probe()[1]
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for said in (True, False):
        content = io.BytesIO()
        with h5py.File(content, "w") as file:
            for name, arrays in rounded.items():
                for k, array in enumerate(arrays):
                    halves = (array.view("<u4") >> 16).astype("<u2")
                    dataset = file.create_dataset(f"layers/{name}/vars/{k}", data=halves.view("V2"))
                    if said:
                        dataset.attrs["dtype"] = "bfloat16"
        with zipfile.ZipFile(path, "w") as archive:
            for name, each in {**parts, "model.weights.h5": content.getvalue()}.items():
                archive.writestr(name, each)
        if said:
            assert np.array_equal(keras_file.read(path).probe()[1], expected)
        else:
            with pytest.raises(Unsupported, match=r"layer 'lstm' \(LSTM\): weight .* is of the type \|V2"):
                keras_file.read(path)


def test_a_layer_of_bfloat16_computes_as_keras_does_but_for_rounding(keras, tmp_path):
    if not hasattr(keras, "ops"):
        pytest.skip("Keras 2 saves no bfloat16")
    model = chain(keras, keras.layers.Dense(4, dtype="bfloat16"))
    model.save(tmp_path / "model.keras")
    network = keras_file.read(tmp_path / "model.keras")
    series = np.random.default_rng(7).standard_normal((TIME, 3))
    expected = keras.ops.cast(model(series[None].astype(np.float32)), "float32")
    assert np.abs(network.forward(series) - keras.ops.convert_to_numpy(expected)[0]).max() < 0.05
    assert "'bfloat16'" in network.notes[0]
