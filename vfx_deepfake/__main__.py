"""``python -m vfx_deepfake`` is ``vfx-deepfake``."""

import sys

from vfx_deepfake.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
