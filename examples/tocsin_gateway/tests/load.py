#!/usr/bin/env python3
"""Prints samples of a fleet of two sensors, as fast as they are read or at a given rate.

    load.py --devices 10000 --samples 20 --rate 50000 | tocsin_gateway lines --model pump.safetensors
"""
import argparse
import math
import sys
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--devices", type=int, default=10000)
parser.add_argument("--samples", type=int, default=20, help="per device")
parser.add_argument("--rate", type=float, default=0, help="samples per second; 0: no limit")
arguments = parser.parse_args()

BATCH = 100  # samples that are written at once
lines = []
for t in range(arguments.samples):
    for device in range(arguments.devices):
        phase = 0.3 * t + 0.7 * device
        lines.append(b'{"device":"pump-%d","time":%d,"values":[%.6f,%.6f]}\n'
                     % (device, 10 * t, 4 + math.sin(phase), 20 - 5 * math.cos(phase)))
batches = [b"".join(lines[k:k + BATCH]) for k in range(0, len(lines), BATCH)]
out = sys.stdout.buffer
start = time.monotonic()
for number, batch in enumerate(batches):
    if arguments.rate > 0:
        wait = start + number * BATCH / arguments.rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
    out.write(batch)
    out.flush()
