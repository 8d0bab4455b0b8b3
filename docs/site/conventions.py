"""Copies headers for Doxygen, and gives members whose meaning a convention fixes their sentence.

    conventions.py FROM TO

Policies are concepts, so that many classes have members of one name and one meaning, which the comment
above the concept states. Headers do not repeat it at every class; the reference does. A member that has a
comment of its own keeps it. Line numbers do not change.
"""

import pathlib
import re
import shutil
import sys

MEANINGS = {
    "kind": "The name of this type in files.",
    "has_independent_windows": "Windows do not influence each other in training.",
    "version": "Version of what exchange() describes; files keep it.",
    "exchange": "Describes the object to an archive, which saves or loads and checks it.",
    "exchange_kind": "Saves or loads the name of the object inside, first in an archive.",
    "check": "An error that names the first setting out of range, or success.",
    "loading": "Whether the archive loads objects; otherwise it saves them.",
    "scalar_type": "The type of the numbers it works with.",
    "value_type": "The type of its values.",
    "vector_type": "A column of its dimension.",
    "matrix_type": "A square matrix of its dimension.",
    "features": "The number of features, that is, of values in a sample.",
    "targets": "The number of features that are forecast, the first ones.",
    "dimension": "The number of elements of a vector.",
    "settings": "The settings that it was made with.",
    "fitted": "Whether fit() has succeeded, so that it can be used.",
    "push": "Takes the next sample, score or flag of a stream; the class says what comes back.",
    "reset": "Forgets what it has seen, and keeps its settings and what was fitted.",
    "threshold": "What scores are compared with; infinity before a fit.",
    "exceeds": "Whether a score is above the threshold; false for NaN.",
    "parameter_count": "Scalars in the flat buffer of parameters.",
    "for_each_parameter_block": "Calls `visit` for each named block of the parameters, in the order of "
                                "the buffer; files name them so.",
    "initialise": "Draws initial parameters, `[parameter_count()]`.",
    "packed_size": "Scalars that pack() writes.",
    "predict_work_size": "Scalars of work area that predict() needs.",
    "training_work_size": "Scalars of work area that loss_and_gradient() needs.",
    "step_work_size": "Scalars of work area that one step needs.",
    "backward_work_size": "Scalars of work area that backward() needs.",
    "tape_size": "Scalars that the forward pass leaves for the backward pass.",
    "make_tape": "The caller's buffer, `[tape_size()]`, as a tape.",
    "state_size": "Scalars of the state of a batch.",
    "shortest_window": "Samples of the shortest window that can be trained on.",
    "network": "The layers.",
    "latent": "Values between encoder and decoder.",
    "weight": "The weight that it was made with.",
    "encoder": "The layers that read the window.",
    "decoder": "The layers that write the reconstruction.",
    "stack": "The LSTM layers.",
    "head": "The dense layers after the last LSTM layer.",
    "layers": "The number of layers.",
    "input_size": "Values that it reads at a time step.",
    "output_size": "Values that it writes at a time step.",
    "hidden_size": "Hidden units of a layer.",
    "sizes_type": "The type that holds the sizes of its layers.",
    "dropout_rate": "Share of the outputs of a layer that training drops.",
    "outcome": "The first failure so far, or success.",
    "shards": "Parts into which each batch is cut.",
    "slope": "The derivative, as a function of the value y of the activation itself.",
    "is_static": "Whether the size is known at compile time.",
    "name": "Its name, for people.",
    # Layers; see concept differentiable_layer.
    "forward": "Computes all time steps into the tape. See concept differentiable_layer.",
    "backward": "Adds to the gradients of the parameters and overwrites those of the inputs. See "
                "concept differentiable_layer.",
    "tape_type": "What the forward pass leaves for the backward pass, in the caller's buffer.",
    "statistics_count": "Scalars of the running statistics.",
    "for_each_statistics_block": "Calls `visit` for each named block of the running statistics.",
    "arithmetic": "How activations are computed.",
    "streaming_weights": "How weights are kept for prediction step by step.",
    # Verdicts.
    "scored": "Whether the sample has a score.",
    "is_anomaly": "Whether the score is above the threshold.",
    # Detectors.
    "model": "The shape of the network.",
    "data_scaler": "The scaler.",
    "rule": "The threshold rule of a view.",
    "phase": "How far it has come: trained, with fitted errors, tuned.",
    "step_statistic": "The error statistic of time steps.",
    "feature_statistic": "The error statistic of features.",
    "window_list": "Windows of data.",
    "stream_type": "What a stream remembers.",
    # Archives, which write or read a part under a name.
    "text": "A text.",
    "texts": "A list of texts.",
    "integer": "An integer, bool or enumeration; reading refuses what is not in [low, high].",
    "scalar": "A number.",
    "real": "A floating-point number, its exact bits.",
    "array": "Numbers, whose count both sides know.",
    "tensor": "Numbers with a shape.",
    "values": "A vector.",
    "matrix": "A matrix.",
    "expect": "A fact that must be the same when it is read.",
    "object": "An object with exchange().",
    "scope": "Prefixes names as long as the result lives.",
    "contains": "Whether an optional part is there; always so when writing.",
    "fail": "Notes a failure that the object itself found; success changes nothing.",
    "bytes": "What was written so far.",
    # Readers of CSV.
    "csv_cells": "Cells of a line, which is not owned.",
    "delimiter": "The character between two cells.",
    "has_timestamp": "Whether a column holds the time.",
    "has_label": "Whether a column holds labels.",
}

CONSTRUCTOR = "No constructor fails: check() and what uses the object report what cannot work."

# A function with its type in front, or a constant or type of a class; no statement of a body.
DECLARATION = re.compile(
    r"^    (?!return\b|if\b|for\b|while\b|else\b|case\b|const auto [a-z_]+ =|auto [a-z_]+ =|///|//|\}|\.|:)"
    r"(?:[\w:<>,&*\[\]. ()]*?[\s&*](?P<function>\w+)\s*\("
    r"|(?:static |using )[\w:<>,&*\[\]. ()]*?(?P<constant>\w+)\s*=)")


def documented(lines, k):
    if "///<" in lines[k]:
        return True
    before = lines[k - 1].strip() if k else ""
    return before.startswith("///") or before.endswith("*/")


def explained(text):
    lines = text.split("\n")
    around = None  # the class that the line is in, if it begins at the margin
    for k, line in enumerate(lines):
        opens = re.match(r"(?:class|struct) (?:\[\[\w+\]\] )?(\w+)[^;]*$", line)
        around = opens[1] if opens else around
        match = DECLARATION.match(line)
        meaning = match and MEANINGS.get(match["function"] or match["constant"])
        constructor = re.match(r"    (?:constexpr |explicit )*(\w+)\(", line)
        if constructor and constructor[1] == around:
            meaning = CONSTRUCTOR
        if not meaning:
            continue
        first = k
        while first and re.match(r"\s*(template\b|requires\b)", lines[first - 1]):
            first -= 1
        if documented(lines, first) or "///<" in lines[k]:
            continue
        indent = re.match(r"\s*", lines[first])[0]
        lines[first] = f"{indent}/** {meaning} */ {lines[first].lstrip()}"
    return "\n".join(lines)


def main(source, target):
    source = pathlib.Path(source)
    target = pathlib.Path(target)
    shutil.rmtree(target, ignore_errors=True)
    for header in source.rglob("*.hpp"):
        copy = target / header.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(explained(header.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
