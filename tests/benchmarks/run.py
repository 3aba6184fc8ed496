"""Run all benchmarks: `make bench`. They print tables and assert nothing about time; tests do not run them."""

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def main():
    sys.path[:0] = [str(HERE), str(HERE.parent), str(ROOT)]
    for path in sorted(HERE.glob("bench_*.py")):
        importlib.import_module(path.stem).main()


if __name__ == "__main__":
    main()
