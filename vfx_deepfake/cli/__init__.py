"""The command line: ``vfx-deepfake STAGE SHOT.toml``."""

from vfx_deepfake.cli.main import main

__all__ = ["main"]
