"""What an identity is made from: facesets, a partner's facesets, a driving take; found, opened, checked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from vfx_deepfake.errors import FacesetError, ShotError, located
from vfx_deepfake.faceset.data import POINTS_FILE, RECORD_FILE, Faceset, load_faceset, read_record
from vfx_deepfake.shot import Shot, load_shot
from vfx_deepfake.steps.opened import OpenShot, open_shot
from vfx_deepfake.tables import read_toml

FACESET_FILE = "faceset.toml"


def faceset_folders(shot: Shot) -> dict[str, tuple[Path, ...]]:
    """Folders by the key of [identity] that names them: ``faceset`` and ``mix_with``."""
    spec = shot.settings.identity
    return {
        key: tuple(Path(os.path.normpath(shot.paths.source(text))) for text in texts)
        for key, texts in (("faceset", spec.faceset), ("mix_with", spec.mix_with))
    }


def faceset_hashes(opened: OpenShot) -> dict[str, list[str]]:
    """What decides the material of training, by key of [identity]: hashes of each faceset's record and points; the record
    holds those of its crops. Empty for a faceset that is not built yet.
    """
    return {
        key: [_material(opened, folder) for folder in folders] for key, folders in faceset_folders(opened.shot).items()
    }


def _material(opened: OpenShot, folder: Path) -> str:
    files = [folder / name for name in (RECORD_FILE, POINTS_FILE)]
    return opened.hashes.together(files) if all(file.is_file() for file in files) else ""


def open_facesets(opened: OpenShot) -> tuple[list[Faceset], list[Faceset]]:
    """The identity's facesets and those of the one it is mixed with.

    Raises: ShotError where none is named, or where they do not fit each other or the shot; FacesetError.
    """
    folders = faceset_folders(opened.shot)
    file = opened.shot.file.name
    if not folders["faceset"]:
        raise ShotError(f"{file} [identity].faceset: names none; give the folder of at least one faceset")
    mine, others = ([load_faceset(each) for each in folders[key]] for key in ("faceset", "mix_with"))
    for key, found in (("faceset", mine), ("mix_with", others)):
        _require_one_identity(found, f"{file} [identity].{key}")
    working = opened.settings.color.working
    for each in (*mine, *others):
        if each.working != working:
            raise ShotError(
                f"{file} [identity]: {each.folder} was built in {each.working} and the shot works in {working}; "
                "build it again in the shot's working space, or change [color].working"
            )
    return mine, others


def _require_one_identity(facesets: Sequence[Faceset], where: str) -> None:
    names = sorted({each.identity for each in facesets})
    if len(names) > 1:
        raise ShotError(f"{where}: holds {' and '.join(names)}; one list is one identity: put another into mix_with")


def identities(shot: Shot, *, driving: bool) -> Iterator[tuple[str, str]]:
    """Whose likeness the shot's files bring in, as (identity, where it is said); for gates, so nothing but names is read.

    ``driving``: the actor of the take that drives the face too; training does not see it.

    Raises: FacesetError for a faceset that does not say whose it is; ShotError for a driving shot that can't be read.
    """
    for folders in faceset_folders(shot).values():
        for folder in folders:
            yield _identity_of(folder), f"the faceset {folder}"
    if driving and shot.settings.identity.drive:
        take = load_driving_shot(shot)
        yield take.settings.consent.identity, f"the driving take {take.name}"


def _identity_of(folder: Path) -> str:
    """Whose faceset it is, by its record, or by its recipe before it is built."""
    recipe = folder / FACESET_FILE
    if not (folder / RECORD_FILE).is_file() and recipe.is_file():
        identity = read_toml(recipe).get("identity", "")
    else:
        identity = read_record(folder)["identity"]
    if not isinstance(identity, str) or not identity:
        raise FacesetError(f"{folder}: does not say whose face it holds; give 'identity' in its {FACESET_FILE}")
    return identity


def load_driving_shot(shot: Shot) -> Shot:
    """The shot of [identity].drive as its file says it.

    Raises: ShotError when it can't be read, or is this shot.
    """
    where = f"{shot.file.name} [identity].drive"
    with located(where):
        take = load_shot(os.path.normpath(shot.paths.source(shot.settings.identity.drive)))
    if take.file == shot.file:
        raise ShotError(f"{where}: names this shot itself; leave it empty for the plate's own performance")
    return take


def driving_take(opened: OpenShot) -> OpenShot | None:
    """The opened shot whose performance drives this one; None for the plate's own.

    Raises: ShotError.
    """
    if not opened.settings.identity.drive:
        return None
    return open_shot(load_driving_shot(opened.shot).file)
