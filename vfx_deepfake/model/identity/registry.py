"""The methods by name: a new one from facesets, or one that was trained from its checkpoint.

A family is a module of this package with two functions: ``prepare(facesets, partners, shot, options)`` and
``restore(design, tensors, device, facesets)``, both giving a :class:`Method`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfx_deepfake.errors import TrainError
from vfx_deepfake.model.identity.method import Method, Options, ShotViews

if TYPE_CHECKING:
    from vfx_deepfake.faceset.data import Faceset

FAMILIES = ("renderer", "autoencoder")
LEAST_PX = 64


def prepare(
    name: str,
    facesets: Sequence[Faceset],
    partners: Sequence[Faceset] = (),
    shot: ShotViews | None = None,
    options: Options | None = None,
) -> Method:
    """A method ready to be trained.

    ``facesets`` are of one identity, at one age or several; ``partners`` of a second one, to mix with. ``shot`` gives the
    plate's own face to methods that learn from it too; without it they start from the facesets alone.
    Raises: TrainError for an unknown name, a size no network takes, or facesets that do not fit together; FacesetError for
    crops that can't be read.
    """
    options = options or Options()
    if options.size % 16 or options.size < LEAST_PX:
        raise TrainError(f"size is {options.size}; use a multiple of 16, at least {LEAST_PX}")
    if not facesets:
        raise TrainError(f"method '{name}' learns an identity from facesets and none is given; set [identity].faceset")
    spaces = sorted({one.working for one in (*facesets, *partners)})
    if len(spaces) > 1:
        raise TrainError(f"facesets: working spaces {' and '.join(spaces)} can't be mixed; build them again in one")
    return _family(name).prepare(list(facesets), list(partners), shot, options)


def restore(path: Path, device: str = "auto", facesets: Sequence[Faceset] = ()) -> Method:
    """The method of a checkpoint, ready to render. ``facesets`` for methods that look at real crops while they render.

    Raises: TrainError for a file that is damaged, of an unknown family, or does not fit its design.
    """
    from vfx_deepfake.model import checkpoint

    saved = checkpoint.read(path)
    family = saved.notes.get("family")
    if not isinstance(family, str) or family not in FAMILIES:
        raise TrainError(
            f"{path}: holds no identity model (family {family!r}); expected one of {', '.join(FAMILIES)}; train again"
        )
    try:
        with checkpoint.within(saved.tensors):
            return _family(family).restore(saved.notes["design"], saved.tensors, device, list(facesets))
    except (KeyError, TypeError, ValueError) as error:
        raise TrainError(f"{path}: was made by another version of this program ({error}); train again") from error
    except RuntimeError as error:
        raise TrainError(f"{path}: its weights do not fit the network; train again") from error


def _family(name: str) -> Any:
    if name not in FAMILIES:
        raise TrainError(f"identity method '{name}' is unknown; known: {', '.join(FAMILIES)}")
    return import_module(f"vfx_deepfake.model.identity.{name}")
