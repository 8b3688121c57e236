"""A shot of the performer: plate, exact young answer, masks and points, frame by frame and reproducible."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from vfx_deepfake.demo.performer.camera import Camera, placed
from vfx_deepfake.demo.performer.curves import Array
from vfx_deepfake.demo.performer.expression import expressed
from vfx_deepfake.demo.performer.grain import Grain
from vfx_deepfake.demo.performer.head import HeadGrid, build_head
from vfx_deepfake.demo.performer.light import Lights
from vfx_deepfake.demo.performer.looks import Looks
from vfx_deepfake.demo.performer.performance import Moment, Performance
from vfx_deepfake.demo.performer.points import named_points, point_names
from vfx_deepfake.demo.performer.render import SUBPIXELS, Picture, render_moment
from vfx_deepfake.demo.performer.skin import Skin, paint_skin
from vfx_deepfake.demo.performer.stage import microphone, room

_PX_PER_CM = 0.0265  # of the picture's height: the head fills about 0.62 of it
_AWAY_DEGREES = 60.0  # a head turned farther shows no face
_OCCLUDED_SHARE = 0.003  # of the face's area; less is no occlusion worth the name


@dataclass(frozen=True, slots=True)
class Truth:
    """One frame with its answers; images (H, W, C) float32 scene-linear ACEScg, masks (H, W) 0..1.

    plate: with grain; clean: without; young: age 0, without; young_grained: with the grain that it would have had;
    masks:
    ``face`` and the regions that add up to it, ``teeth`` within the mouth, ``head``, ``occluder``, all as visible; points (P, 2) plate
    coordinates in
    the order of ``POINT_NAMES``; occluded: something is before the face; has_face: the face looks to the camera.
    """

    frame: int
    plate: Array
    clean: Array
    young: Array
    young_grained: Array
    grain_field: Array
    masks: dict[str, Array]
    points: Array
    occluded: bool
    has_face: bool
    moment: Moment

    @property
    def painted(self) -> Array:
        """What a painter would hand over who made this frame young: the change laid on the plate, whose grain stays."""
        return self.plate + (self.young - self.clean)


@dataclass(frozen=True, kw_only=True)
class Performer:
    """A performer before a camera. Everything follows from these settings; frames can be drawn in any order."""

    width: int = 1280
    height: int = 720
    first: int = 1001
    count: int = 24
    seed: int = 1
    age: float = 1.0
    grain: Grain = Grain()
    performance: Performance = Performance()
    lights: Lights = Lights()
    looks: Looks = Looks()

    @property
    def frames(self) -> range:
        """Frame numbers of the shot."""
        return range(self.first, self.first + self.count)

    @property
    def camera(self) -> Camera:
        """The camera, in plate pixels."""
        distance = 110.0
        return Camera(_PX_PER_CM * self.height * distance, (self.width / 2, 0.47 * self.height), distance)

    @cached_property
    def grid(self) -> HeadGrid:
        """The head at rest, as fine as the picture needs."""
        fine = SUBPIXELS * self.height
        rows, columns = int(np.clip(fine * 0.21, 150, 420)), int(np.clip(fine * 0.19, 140, 380))
        return build_head(rows, columns, self.looks.shape)

    @cached_property
    def background(self) -> Array:
        """The room behind, (H, W, 3) scene-linear."""
        return room(self.width, self.height, self.seed)

    @cached_property
    def _skins(self) -> dict[float, Skin]:
        cells = float(np.clip(1.7 * _PX_PER_CM * self.height, 12.0, 60.0))
        return {age: paint_skin(self.grid, age, cells, self.seed, self.looks) for age in sorted({0.0, self.age})}

    def prepare(self) -> None:
        """Make what all frames share: head, skins, room. Call it before frames are drawn in several threads."""
        _ = self.grid, self._skins, self.background

    def moment(self, frame: int) -> Moment:
        """What happens in a frame."""
        return self.performance.moment(frame - self.first, self.count)

    def face_is_free(self, frame: int) -> bool:
        """Whether the face looks to the camera with nothing before it; cheap, without drawing the face."""
        moment = self.moment(frame)
        if abs(moment.pose.yaw) >= _AWAY_DEGREES:
            return False
        if moment.microphone is None:
            return True
        _, cover = self._occluder(moment)
        points = named_points(
            self.grid,
            placed(expressed(self.grid, moment.expression), self.grid.height, moment.pose),
            self.camera,
            moment.eyes,
        )
        (left, top), (right, bottom) = points.min(0).astype(int), points.max(0).astype(int) + 1
        return not bool(cover[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)].any())

    def picture(self, frame: int, age: float) -> Picture:
        """The performer alone at an age of 0 or the shot's own."""
        skin = self._skins[age]
        size = (self.width, self.height)
        return render_moment(self.grid, skin, self.moment(frame), age, self.camera, self.lights, size, self.looks)

    def truth(self, frame: int) -> Truth:
        """Draw one frame with all its answers."""
        old = self.picture(frame, self.age)
        young = self.picture(frame, 0.0) if self.age else old
        moment = self.moment(frame)
        layer, occluder = self._occluder(moment)
        clean, fresh = (self._composed(picture, layer, occluder) for picture in (old, young))
        field = self.grain.field((self.height, self.width), self.seed, frame)
        visible = {name: mask * (1.0 - occluder) for name, mask in old.regions.items()}
        face = sum(old.regions.values(), np.zeros_like(occluder))
        whole = {"face": face, "head": old.cover, "teeth": old.teeth}
        masks = {**visible, **{name: mask * (1.0 - occluder) for name, mask in whole.items()}, "occluder": occluder}
        return Truth(
            frame=frame,
            plate=clean + self.grain.over(clean, field),
            clean=clean,
            young=fresh,
            young_grained=fresh + self.grain.over(fresh, field),
            grain_field=field,
            masks=masks,
            points=old.points,
            occluded=bool((face * occluder).sum() > _OCCLUDED_SHARE * max(float(face.sum()), 1.0)),
            has_face=abs(moment.pose.yaw) < _AWAY_DEGREES,
            moment=moment,
        )

    def _occluder(self, moment: Moment) -> tuple[Array, Array]:
        if moment.microphone is None:
            return np.zeros((self.height, self.width, 3), np.float32), np.zeros((self.height, self.width), np.float32)
        return microphone(self.width, self.height, moment.microphone, self.seed)

    def _composed(self, picture: Picture, layer: Array, occluder: Array) -> Array:
        behind = picture.colour + self.background * (1.0 - picture.cover[..., None])
        return (layer + behind * (1.0 - occluder[..., None])).astype(np.float32)


POINT_NAMES = point_names()
