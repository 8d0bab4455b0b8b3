#!/usr/bin/env python3
"""Times NumPy, SciPy, scikit-learn and pandas on the data from `compare --export FOLDER`.

Prints JSON: {"versions": {...}, "missing": [...], "times_ns": {case: {peer: median}}}. A peer whose
results differ from tocsin's is an error. Usage: python_peers.py FOLDER
"""

import json
import statistics
import sys
import time

ROUNDS = 9
versions = {}
missing = []
times = {}


def median_time(function):
    function()
    taken = []
    for _ in range(ROUNDS):
        begin = time.process_time_ns()
        function()
        taken.append(time.process_time_ns() - begin)
    return statistics.median(taken)


def report(case, peer, *functions):
    """Returns the fastest of several ways to do the same with one library."""
    times.setdefault(case, {})[peer] = min(median_time(function) for function in functions)


def agree(what, ours, theirs, tolerance=1e-9):
    difference = np.linalg.norm(np.asarray(ours) - np.asarray(theirs)) / np.linalg.norm(ours)
    if not difference <= tolerance:
        sys.exit(f"{what}: differs from tocsin by {difference}")


def load(name, kind):
    return np.fromfile(f"{folder}/{name}", dtype=kind)


folder = sys.argv[1]
try:
    import numpy as np
except ImportError:
    print(json.dumps({"versions": {}, "missing": ["numpy, scipy, scikit-learn"], "times_ns": {}}))
    sys.exit()
versions["numpy"] = np.__version__

errors = load("errors.f64", np.float64).reshape(-1, 8)
distances = load("distances.f64", np.float64)
moments = load("moments.f64", np.float64)
mean = errors.mean(axis=0)
covariance = np.cov(errors, rowvar=False)
precision = np.linalg.inv(covariance)

agree("numpy moments", moments, np.concatenate([mean, covariance.ravel()]))
report("moments/8", "numpy", lambda: (errors.mean(axis=0), np.cov(errors, rowvar=False)))


def by_product():
    centred = errors - mean
    return ((centred @ precision) * centred).sum(axis=1)


def by_einsum():
    centred = errors - mean
    return np.einsum("ij,ij->i", centred @ precision, centred)


agree("numpy mahalanobis", distances, by_product())
agree("numpy mahalanobis", distances, by_einsum())
report("mahalanobis/8", "numpy", by_product, by_einsum)

try:
    import scipy
    from scipy.spatial.distance import cdist

    versions["scipy"] = scipy.__version__

    def by_cdist():
        return cdist(errors, mean[None, :], "mahalanobis", VI=precision)[:, 0] ** 2

    agree("scipy mahalanobis", distances, by_cdist())
    report("mahalanobis/8", "scipy", by_cdist)
except ImportError:
    missing.append("scipy")

try:
    import sklearn
    from sklearn.metrics import precision_recall_curve

    versions["scikit-learn"] = sklearn.__version__
    scores = load("scores.f64", np.float64)
    labels = load("labels.u8", np.uint8)
    best_f1 = load("best.f64", np.float64)[1]
    hits, found, _ = precision_recall_curve(labels, scores)
    both = np.maximum(hits + found, 1e-300)
    agree("scikit-learn F1", [best_f1], [np.max(2 * hits * found / both)])
    report("f_beta_sweep/1000000", "scikit-learn", lambda: precision_recall_curve(labels, scores))
except ImportError:
    missing.append("scikit-learn")

try:
    import pandas

    versions["pandas"] = pandas.__version__
    report("csv/columns:10/rows:100000", "pandas",
           lambda: pandas.read_csv(f"{folder}/recording.csv", engine="c"))
except ImportError:
    missing.append("pandas")

print(json.dumps({"versions": versions, "missing": missing, "times_ns": times}))
