#!/usr/bin/env python3
"""Times the training of the fully convolutional classifier beside PyTorch, each on one thread.

The recipe of `evaluate --suite ucr`: convolutions of 128, 256 and 128 filters of lengths 8, 5 and 3 with
batch normalisation and ReLU, batches of min(n / 10, 16), Adam. The two take turns; the ratio is that of the
medians. Both losses are printed, since the initial weights differ.
Usage: classifier_epochs.py PROGRAM [SERIES LENGTH EPOCHS ROUNDS]; PROGRAM is
build/bench/bench/classifier_epochs; needs numpy and torch.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch


def network():
    """The same layers, with the defaults of Keras where PyTorch differs."""
    parts, inputs = [], 1
    for filters, kernel in ((128, 8), (256, 5), (128, 3)):
        parts += [torch.nn.Conv1d(inputs, filters, kernel, padding="same"),
                  torch.nn.BatchNorm1d(filters, eps=1e-3, momentum=0.01), torch.nn.ReLU()]
        inputs = filters
    return torch.nn.Sequential(*parts, torch.nn.AdaptiveAvgPool1d(1), torch.nn.Flatten(),
                               torch.nn.Linear(inputs, 2))


def train(series, classes, epochs):
    """Seconds, and the mean loss of the first and of the last epoch."""
    torch.manual_seed(1)
    model = network()
    optimiser = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=50,
                                                          min_lr=1e-4)
    batch = min(max(len(series) // 10, 1), 16)
    losses = []
    begin = time.perf_counter()
    for _ in range(epochs):
        total = 0.0
        for chosen in torch.randperm(len(series)).split(batch):
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(series[chosen]), classes[chosen])
            loss.backward()
            optimiser.step()
            total += loss.item() * len(chosen)
        losses.append(total / len(series))
        schedule.step(losses[-1])
    return time.perf_counter() - begin, losses[0], losses[-1]


def main():
    torch.set_num_threads(1)
    program = sys.argv[1]
    count, length, epochs, rounds = (*map(int, sys.argv[2:]), *(100, 96, 20, 5)[len(sys.argv) - 2:])
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "data.f32"
        for _ in range(rounds):
            ours.append(json.loads(subprocess.run(
                [program, str(count), str(length), str(epochs), str(file)], check=True,
                stdout=subprocess.PIPE).stdout))
            values = np.fromfile(file, np.float32)
            theirs.append(train(torch.tensor(values[count:].reshape(count, 1, length)),
                                torch.tensor(values[:count].astype(np.int64)), epochs))
    seconds = [statistics.median(run["seconds"] for run in ours),
               statistics.median(run[0] for run in theirs)]
    print(json.dumps({
        "series": count, "length": length, "epochs": epochs, "rounds": rounds,
        "tocsin": {"seconds": seconds[0], "first_loss": ours[0]["first_loss"],
                   "last_loss": ours[0]["last_loss"]},
        "PyTorch": {"version": torch.__version__, "seconds": round(seconds[1], 3),
                    "first_loss": round(theirs[0][1], 4), "last_loss": round(theirs[0][2], 4)},
        "ratio": round(seconds[1] / seconds[0], 2)}))


if __name__ == "__main__":
    main()
