"""The command tocsin-convert."""
import argparse
import json
import pathlib
import sys

from . import keras_file, tocsin_file
from .network import Unsupported


def read(path):
    """The network of a file, by the ending of its name."""
    ending = pathlib.Path(path).suffix.lower()
    if ending in (".keras", ".h5", ".hdf5"):
        return keras_file.read(path)
    if ending == ".onnx":
        from . import onnx_reader

        return onnx_reader.read(path)
    if ending == ".safetensors":
        return tocsin_file.read(path)
    raise Unsupported(f"'{ending}' is not one of .keras, .h5, .onnx, .safetensors")


def write(network, path):
    """Writes a file, by the ending of its name."""
    ending = pathlib.Path(path).suffix.lower()
    if ending == ".onnx":
        from . import onnx_writer

        onnx_writer.write(network, path)
    elif ending == ".safetensors":
        tocsin_file.write(network, path)
    else:
        raise Unsupported(f"'{path}' cannot be written: '{ending}' is not one of .onnx, .safetensors")


def main(arguments=None):
    parser = argparse.ArgumentParser(
        prog="tocsin-convert",
        description="Converts a sequence network: .keras, .h5 or .onnx to .safetensors for tocsin, "
        "or .safetensors to .onnx.",
    )
    parser.add_argument("model", help="file to read")
    parser.add_argument("-o", "--output", required=True, help="file to write: .safetensors or .onnx")
    parser.add_argument("--logits", action="store_true",
                        help="leave out a sigmoid or softmax that ends the network")
    chosen = parser.parse_args(arguments)
    try:
        network = read(chosen.model)
        written = network.without_last_activation() if chosen.logits else network
        write(written, chosen.output)
    except (Unsupported, OSError, ImportError) as problem:
        message = " ".join(str(problem).split())  # those of onnx are of several lines
        print(f"tocsin-convert: {chosen.model}: {message}", file=sys.stderr)
        return 1
    for note in network.notes:
        print(f"tocsin-convert: {chosen.model}: note: {note}", file=sys.stderr)
    print(json.dumps(written.description()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
