"""Run all benchmarks: `make bench`. They print tables and assert nothing about time; tests do not run them."""

import importlib
from pathlib import Path


def main():
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        importlib.import_module(f"tests.benchmarks.{path.stem}").main()


if __name__ == "__main__":
    main()
