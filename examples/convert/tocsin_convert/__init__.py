"""Converts LSTM networks between Keras, ONNX and tocsin."""
from .network import Dense, Lstm, Network, Unsupported

__all__ = ["Dense", "Lstm", "Network", "Unsupported"]
