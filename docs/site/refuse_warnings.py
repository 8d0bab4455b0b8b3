"""Fails, showing them, if Doxygen wrote warnings: refuse_warnings.py LOG."""

import pathlib
import sys

lines = [line for line in pathlib.Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
         if line.strip()]
if lines:
    print("\n".join(lines))
    sys.exit(f"{len(lines)} warnings of Doxygen")
