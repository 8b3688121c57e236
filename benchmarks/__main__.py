"""Benchmarks by name, or all, in turn, each in a process of its own: ``python -m benchmarks convert``."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Run them in order; the exit status is that of the worst."""
    names = sys.argv[1:] or sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))
    worst = 0
    for name in names:
        print(f"== {name}", flush=True)
        worst = max(worst, subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
