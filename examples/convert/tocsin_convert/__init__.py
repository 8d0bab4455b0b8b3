"""Converts sequence networks between Keras, ONNX and tocsin."""
from .network import (BatchNorm, BidirectionalLstm, Conv1d, Dense, Fixed, Lstm, Network,
                      Unsupported)

__all__ = ["BatchNorm", "BidirectionalLstm", "Conv1d", "Dense", "Fixed", "Lstm", "Network",
           "Unsupported"]
