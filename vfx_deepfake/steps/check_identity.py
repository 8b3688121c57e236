"""What ``check`` looks at in a shot whose face comes from facesets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.face.head import HeadFrame
from vfx_deepfake.face.topology import MEDIAPIPE
from vfx_deepfake.face.track import FaceTrack
from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.faceset.data import RECORD_FILE, Faceset
from vfx_deepfake.frames import format_frames
from vfx_deepfake.settings.identity import MOST_PX, MOST_PX_WHOLE, IdentitySpec, whole_face_only
from vfx_deepfake.steps.identity_model import named_start
from vfx_deepfake.steps.identity_sources import FACESET_FILE, driving_take, faceset_folders, open_facesets
from vfx_deepfake.steps.opened import OpenShot

LARGER = 1.25  # a face that fills this much more of the plate than its crop has pixels is softened visibly; assumed
FEW_CROPS = 30  # fewer rarely show a performance's every pose; assumed


@dataclass
class Findings:
    """Problems stop the shot, warnings do not, facts are said."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """An artist's error becomes a problem, and the next check goes on."""
        try:
            yield
        except ArtistError as error:
            self.problems += str(error).splitlines()


def check_identity(opened: OpenShot) -> Findings:
    """Facesets, start and driving take of an identity; nothing for another method but settings that do nothing."""
    found, settings = Findings(), opened.settings
    if not settings.model.swaps:
        if settings.identity != IdentitySpec():
            found.warnings.append(
                f"[identity] is set and model.method is '{settings.model.method}': it does nothing; "
                "set model.method = 'renderer'"
            )
        return found
    with found.gathering():
        _check_facesets(opened, found)
    with found.gathering():
        named_start(opened)
    with found.gathering():
        _check_size(opened, found)
    with found.gathering():
        _check_take(opened, found)
    return found


def _check_facesets(opened: OpenShot, found: Findings) -> None:
    folders = [folder for group in faceset_folders(opened.shot).values() for folder in group]
    unbuilt = [each for each in folders if not (each / RECORD_FILE).is_file() and (each / FACESET_FILE).is_file()]
    if unbuilt and opened.settings.identity.faceset:
        found.facts["facesets"] = f"to be built: {', '.join(each.name for each in unbuilt)}"
        return
    mine, others = open_facesets(opened)
    found.facts["facesets"] = ", ".join(
        f"{each.name} ({each.identity}, {len(each)} crops)" for each in (*mine, *others)
    )
    spec = opened.settings.identity
    for each in (*mine, *others):
        if each.size < spec.crop_px:
            found.warnings.append(
                f"{each.folder} has crops of {each.size} px and the face is made at {spec.crop_px}: what is finer is "
                f"invented; build it larger, or set identity.crop_px = {each.size}"
            )
        if len(each) < FEW_CROPS:
            found.warnings.append(f"{each.folder} has {len(each)} crops in use: poses and looks will be missing")
    _check_ages(spec, mine, found)


def _check_size(opened: OpenShot, found: Findings) -> None:
    """Is the aligned crop one that the method can make, and as large as the plate's face? That is known once the shot is tracked."""
    file, made_px = opened.shot.paths.track_file, opened.settings.identity.crop_px
    whole = opened.settings.model.method == "autoencoder"
    if whole and made_px > MOST_PX_WHOLE:
        found.problems.append(f"[identity].crop_px is {made_px} and {whole_face_only()}")
    if not file.is_file():
        return
    track = FaceTrack.load(file)
    if track.topology != MEDIAPIPE or not len(track.face_frames):
        return
    sides = [SIDE_CM * HeadFrame.of(track.points_at(int(frame))).px_per_cm for frame in track.face_frames]
    needed = max(sides)
    most = MOST_PX_WHOLE if whole else MOST_PX
    if needed > LARGER * made_px:
        larger = min(-(-round(needed) // 16) * 16, most)
        advice = (
            f"set identity.crop_px = {larger}{', the most' * (larger == most)}, with a faceset of that size"
            if larger > made_px
            else "model.method = 'renderer' makes larger ones"
            if whole
            else "no method makes larger ones"
        )
        found.warnings.append(
            f"[identity].crop_px is {made_px} and the face fills {needed:.0f} px of the plate: it will be softer than the plate; {advice}"
        )


def _check_ages(spec: IdentitySpec, facesets: list[Faceset], found: Findings) -> None:
    wanted = [age for age in spec.age.values if age]
    if not wanted:
        return
    ages = sorted({crop.age for each in facesets for crop in each.crops if crop.age is not None})
    if len(ages) < 2:
        found.problems.append(
            f"[identity].age: {wanted[0]:g} is asked for and the facesets name {len(ages)} age(s); "
            "give facesets of at least two ages, or set age = 0"
        )
    elif min(wanted) < ages[0] or max(wanted) > ages[-1]:
        found.warnings.append(
            f"[identity].age goes from {min(wanted):g} to {max(wanted):g} and the facesets from {ages[0]:g} to {ages[-1]:g}: "
            "what lies beyond is their nearest age"
        )


def _check_take(opened: OpenShot, found: Findings) -> None:
    """A driving take must be tracked, and should show the face wherever the plate needs it."""
    take = driving_take(opened)
    if take is None:
        return
    file = take.shot.paths.track_file
    if not file.is_file():
        found.problems.append(
            f"[identity].drive: {take.name} is not tracked yet; run 'vfx-deepfake track {take.shot.file}' first"
        )
        return
    track, offset = FaceTrack.load(file), opened.settings.identity.drive_offset
    missing = [frame for frame in opened.frames if not track.has_face(frame + offset)]
    found.facts["drive"] = take.name
    if missing:
        found.warnings.append(
            f"[identity].drive: {take.name} shows no face for {format_frames(missing)}, "
            f"{len(missing)} of {len(opened.frames)} frames; the plate's own mouth stays there (see drive_offset)"
        )
