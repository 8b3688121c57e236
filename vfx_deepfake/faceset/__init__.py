"""Facesets: aligned crops of one identity with their provenance (docs/facesets.md).

From Python::

    from vfx_deepfake.faceset import load_faceset

    faceset = load_faceset("facesets/double")
    picture = faceset.image_log(0)  # (size, size, 3) float32, model encoding

The release gate stands in :func:`vfx_deepfake.steps.faceset_stage.faceset_stage`, which builds and judges in one go.
"""

from importlib import import_module
from typing import Any

# name -> module; loaded when first asked for
_API = {
    "CropRecord": "data",
    "CropView": "data",
    "Faceset": "data",
    "load_faceset": "data",
    "CullSpec": "spec",
    "FacesetSpec": "spec",
    "SourceSpec": "spec",
    "load_spec": "spec",
    "write_spec": "spec",
    "Built": "build",
    "build_faceset": "build",
    "is_up_to_date": "build",
    "Culled": "cull",
    "cull_faceset": "cull",
    "decide": "cull",
    "sorted_crops": "sort",
    "write_sheets": "sheets",
    "align_matrix": "align",
    "aligned_pose": "align",
    "warp_from_crop": "align",
    "warp_to_crop": "align",
}
__all__ = list(_API)


def __getattr__(name: str) -> Any:
    if name not in _API:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_API[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_API})
