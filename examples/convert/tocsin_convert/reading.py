"""Refusals of files that are damaged, or that are not what their names say."""
import contextlib

from .network import Unsupported


class Unreadable(Unsupported):
    """A file that cannot be read; the message says why."""

    def __init__(self, why):
        super().__init__(f"cannot be read: {why}")


@contextlib.contextmanager
def reading():
    """Turns each error of a library that reads a file into Unreadable.

    zipfile, json, h5py, safetensors and onnx raise errors of many classes when a file is damaged. Only
    calls of such libraries belong in this block: errors in the code of this package stay visible.
    """
    try:
        yield
    except (Unsupported, ImportError):
        raise
    except OSError as problem:
        raise Unreadable(problem.strerror or problem) from problem
    except Exception as problem:
        raise Unreadable(str(problem) or type(problem).__name__) from problem


def expect(value, types, what):
    """The value, if it has one of the types; a bool is not a number here."""
    types = types if isinstance(types, tuple) else (types,)
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise Unreadable(f"{what} is of type {type(value).__name__}, expected "
                         + " or ".join(each.__name__ for each in types))
    return value


def field(thing, name, types, what):
    """A value that an object of JSON must have."""
    if name not in thing:
        raise Unreadable(f"{what} has no '{name}'")
    return expect(thing[name], types, f"'{name}' of {what}")
