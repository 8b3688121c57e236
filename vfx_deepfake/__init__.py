"""De-aging and face replacement for film shots: from a linear plate to a log delivery."""

__version__ = "0.1.0"
