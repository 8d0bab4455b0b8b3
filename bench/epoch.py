#!/usr/bin/env python3
"""Times one epoch of an LSTM encoder-decoder beside PyTorch, each on one thread.

A million rows of ten sensors, windows of 30 rows every 10, 64 hidden units, batches of 64, Adam, teacher
forcing. tocsin also judges the validation windows after the epoch, PyTorch does not.
Usage: epoch.py PROGRAM, which is build/bench/bench/epoch; needs numpy and torch.
"""

import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch

FEATURES, HIDDEN, LENGTH, STRIDE, BATCH = 10, 64, 30, 10, 64


def layers(parameters):
    """Encoder, decoder and head with tocsin's parameters."""
    parts, first = [], 0
    for layer, rows, inputs in ((torch.nn.LSTM(FEATURES, HIDDEN), 4 * HIDDEN, FEATURES),
                                (torch.nn.LSTM(FEATURES, HIDDEN), 4 * HIDDEN, FEATURES),
                                (torch.nn.Linear(HIDDEN, FEATURES), FEATURES, 0)):
        count = rows * (inputs + HIDDEN + 1)
        columns = torch.tensor(parameters[first:first + count].reshape(-1, rows))
        first += count
        matrices = [columns[:inputs].T, columns[inputs:-1].T] if inputs else [columns[:-1].T]
        values = [*matrices, columns[-1], torch.zeros(rows)]
        with torch.no_grad():
            for parameter, value in zip(layer.parameters(), values):
                parameter.copy_(value)
        parts.append(layer)
    return parts


def main():
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        files = [pathlib.Path(folder) / name for name in ("recording.f32", "parameters.f32")]
        ours = json.loads(subprocess.run([sys.argv[1], *map(str, files)], check=True,
                                         stdout=subprocess.PIPE).stdout)
        values, parameters = (np.fromfile(file, np.float32) for file in files)
    windows = np.lib.stride_tricks.sliding_window_view(
        values.reshape(-1, FEATURES), LENGTH, axis=0)[::STRIDE][:ours["windows"]]
    encoder, decoder, head = layers(parameters)
    trained = [parameter for part in (encoder, decoder, head) for parameter in part.parameters()]
    optimiser = torch.optim.Adam(trained)
    order = np.random.default_rng(1).permutation(len(windows))
    losses = []
    begin = time.perf_counter()
    for first in range(0, len(order), BATCH):
        batch = windows[order[first:first + BATCH]]  # [batch, features, time]
        batch = torch.tensor(np.ascontiguousarray(batch.transpose(2, 0, 1)))
        given = torch.cat([torch.zeros_like(batch[:1]), batch[:-1]])
        optimiser.zero_grad()
        loss = torch.nn.functional.mse_loss(head(decoder(given, encoder(batch)[1])[0]), batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        losses.append(loss.item())
    seconds = time.perf_counter() - begin
    print(json.dumps({
        "tocsin": ours,
        "PyTorch": {"version": torch.__version__, "seconds": round(seconds, 3),
                    "training_loss": round(float(np.mean(losses)), 6),
                    "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024},
        "ratio": round(seconds / ours["seconds"], 2)}))


if __name__ == "__main__":
    main()
