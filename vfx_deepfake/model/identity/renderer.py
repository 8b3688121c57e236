"""The mesh renderer: an identity's colours and features in its own coordinates, drawn by the plate's performance under the plate's light.

The performance is the plate's points on the identity's shape, the light is the plate's own shading; both are what the
network learns to paint from the identity's crops.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from vfx_deepfake.errors import TrainError
from vfx_deepfake.faceset.align import SIDE_CM
from vfx_deepfake.faceset.data import Faceset
from vfx_deepfake.image.relight import STOP_LOG
from vfx_deepfake.model.identity.adversary import Adversary
from vfx_deepfake.model.identity.autoencoder_mix import People, by_region
from vfx_deepfake.model.identity.crop_views import views_of
from vfx_deepfake.model.identity.eyes import solve_eyes, worn
from vfx_deepfake.model.identity.feature_places import places_apart
from vfx_deepfake.model.identity.losses import picture_loss, weighted_mean
from vfx_deepfake.model.identity.method import Drive, Made, Options, ShotViews, View
from vfx_deepfake.model.identity.mouth import LIPS, TEETH, as_open, solve_mouth, with_mouth
from vfx_deepfake.model.identity.real_crops import RealCrops
from vfx_deepfake.model.identity.renderer_gate import measure_gate
from vfx_deepfake.model.identity.renderer_inputs import Inputs, borrowing, look
from vfx_deepfake.model.identity.renderer_lessons import Lessons, inner_face
from vfx_deepfake.model.identity.renderer_network import CAPACITIES, MULTIPLE, Design, Network
from vfx_deepfake.model.identity.renderer_takes import ForeignTake
from vfx_deepfake.model.identity.retarget import difference, retarget, solve_shape
from vfx_deepfake.model.identity.shot_colour import solve_offset
from vfx_deepfake.model.identity.silhouette import fill
from vfx_deepfake.model.identity.skin import mixed, mixed_known
from vfx_deepfake.model.identity.skin_colour import solve_skin
from vfx_deepfake.model.identity.skin_level import level_of, likely_difference, of_takes
from vfx_deepfake.model.identity.standing import lighting, standing_part
from vfx_deepfake.model.identity.tiles import smaller
from vfx_deepfake.model.loop import pick_device

ERROR_SHARE = 0.05  # of the guess of its own error in the loss
MOST_ERROR_LOG = 0.1  # a guessed error of this is no confidence at all
EDGE_CM = 0.9  # over which the paste is soft, inside the outline; half of it leaves a line at temple and jaw
MOST_FRAMES = 60  # of a shot that are looked at to adapt, evenly spread
SHEET_ROWS = 4


class Renderer:
    """Implements :class:`~vfx_deepfake.model.identity.method.Method`. Without lessons it renders and does not train."""

    def __init__(
        self,
        network: Network,
        people: People,
        lessons: Lessons | None = None,
        options: Options | None = None,
        sources: Sequence[Sequence[str]] = (),
        crops: Sequence[RealCrops | None] = (),
    ) -> None:
        self.network: nn.Module = network
        self._net, self._people, self._lessons = network, people, lessons
        self._options = options or Options()
        self._sources = [list(hashes) for hashes in sources]  # of every entry's facesets
        self._crops: list[RealCrops | None] = list(lessons.crops if lessons is not None else crops)
        self._held = False  # the painter does not learn
        share, seed = self._options.adversary, self._options.seed
        self.adversary = Adversary(share, self._device, seed) if lessons is not None and share > 0 else None

    @property
    def _device(self) -> torch.device:
        return self._net.offset.device

    def design(self) -> dict[str, Any]:
        """Plain data that builds the same network again."""
        network, people = self._net.design.as_data(), self._people.as_data()
        return {"network": network, "people": people, "facesets": self._sources, "held": self._held}

    def shared_names(self) -> list[str]:
        """The weights that belong to nobody in particular: a start for other identities."""
        return self._net.shared_names()

    def learn_from(self, takes: Sequence[ForeignTake]) -> None:
        """Learn what belongs to nobody from drawn people in each other's takes too; textures stay as they were solved, so that the
        painter does not lean on what it will not find with somebody new."""
        self._lessons_or_fail().know_takes(takes, self._net.identities())
        self._net.textures.requires_grad_(False)

    def start_from(self, notes: Mapping[str, Any]) -> None:
        """Before training from a checkpoint with these notes: a painter that learnt from people in each other's takes stays as it is.
        The identity's own crops have exact landmarks and the right person's light, and would make it forget what a plate lacks. Where
        performer and identity are one, the plate has both."""
        taught = bool(notes.get("takes")) or bool(notes.get("design", {}).get("held"))
        self._held = taught and bool((self._net.skin_apart > 0).any())
        self._net.painter.requires_grad_(not self._held)

    def step_loss(self, step: int) -> Tensor:
        """Crops drawn again from their light and geometry."""
        batch = self._lessons_or_fail().draw(self._options.batch_size, step, self._device)
        picture, error = self._net(batch.planes.to(memory_format=torch.channels_last), batch.shares)
        loss = picture_loss(picture, batch.wanted, batch.weight)
        off = (picture.detach() - batch.wanted).abs().mean(dim=1, keepdim=True).clamp(max=MOST_ERROR_LOG)
        guess = MOST_ERROR_LOG * torch.sigmoid(error.float())
        loss = loss + ERROR_SHARE * weighted_mean((guess - off).abs(), batch.weight)
        if self.adversary is not None:
            loss = loss + self.adversary.loss(picture, batch.wanted, (batch.weight > 0).float(), step)
        return loss

    def adapt(self, shot: ShotViews) -> None:
        """The performer's shape against the identity's, and the identity's skin under the plate's light: once for the shot. Before,
        how far what was learnt is let through."""
        net = self._net
        if self._lessons is not None:
            measure_gate(net, self._lessons)
        net.adapted.fill_(0)
        net.offset.zero_()
        net.own_level.zero_()
        net.performer_eyes.zero_()
        net.performer_mouth.zero_()
        net.standing.zero_()
        if not len(shot.frames):
            return
        picked = np.linspace(0, len(shot.frames) - 1, min(len(shot.frames), MOST_FRAMES)).round().astype(int)
        views = [smaller(shot.view(shot.frames[index])) for index in picked]
        performer = solve_shape(np.stack([view.points for view in views]))
        places = places_apart((net.skin(entry).colour for entry in range(net.design.entries)), views)
        apart = np.stack([difference(performer, *pair) for pair in zip(net.identities(), places, strict=True)])
        another = (net.skin_apart > 0).any(dim=1).cpu().numpy()
        apart[~another] = 0  # the performer's own face: what landmarks of two takes differ by is their error
        net.performer.copy_(_tensor(performer.shape))
        net.apart.copy_(_tensor(apart))
        net.nearness.fill_(performer.nearness)
        net.performer_eyes.copy_(_tensor(solve_eyes(views)))
        net.performer_mouth.copy_(_tensor(solve_mouth(views)))
        net.adapted.fill_(1)
        for entry in range(net.design.entries):
            if another[entry]:  # what stays on the same face belongs there
                net.standing[entry] = _tensor(standing_part(views, net.skin(entry).colour))
        net.offset.copy_(_tensor(solve_offset(views, lambda view: self.make(view, Drive()))))
        seen, takes = level_of(views), zip(net.skin_level.cpu().numpy(), net.skin_apart.cpu().numpy(), strict=True)
        net.own_level.copy_(_tensor(np.stack([likely_difference(seen, *take) for take in takes])))

    def make(self, view: View, drive: Drive) -> Made:
        """The identity's face, at the size of the view whatever it learnt from; sides are filled up to multiples of MULTIPLE."""
        size = len(view.image_log)
        painted = by_region(drive.mix, view.points, size, lambda mix: self._painted(view, drive, mix))
        matte = np.clip(painted[..., 3], 0, 1) * view.valid
        confidence = np.clip(painted[..., 4], 0, 1) * view.valid
        return Made(np.ascontiguousarray(painted[..., :3]), matte.astype(np.float32), confidence.astype(np.float32))

    @torch.inference_mode()
    def _painted(self, view: View, drive: Drive, mix: float) -> np.ndarray:
        """(S, S, 5): picture, matte and confidence at one share of the second identity."""
        self._net.eval()
        shares = self._people.shares(mix, drive.age)[1:]
        performed = view.points if drive.points is None else drive.points
        points = self.shown_points(performed, shares)
        inputs = self._inputs(view, points, shares)
        planes = _tensor(inputs.planes().transpose(2, 0, 1))[None].to(self._device)
        size = planes.shape[-1]
        room = -size % MULTIPLE
        planes = nn.functional.pad(planes, (0, room, 0, room), mode="replicate")
        picture, error = self._net.painted(planes, _tensor(shares)[None].to(self._device))
        own = np.float32(drive.level * STOP_LOG) + shares @ self._net.own_level.cpu().numpy()
        level = _tensor(inputs.level + own).to(self._device) + self._net.offset
        picture = picture[0] + level[:, None, None]
        out = torch.cat([picture, 1 - torch.sigmoid(error[0].float())])[:, :size, :size].permute(1, 2, 0)
        made = out.float().cpu().numpy()
        return self._in_place(view, points, made)

    def _in_place(self, view: View, points: np.ndarray, made: np.ndarray) -> np.ndarray:
        """Picture, matte and confidence: the new face over what lies behind the plate's."""
        size = len(view.image_log)
        theirs, mine = inner_face(points, size), inner_face(view.points, size)
        soft = max(EDGE_CM * size / SIDE_CM, 1.0)
        new, old = _inward(theirs, soft), _inward(mine, soft)
        uncovered = np.clip(old - new, 0, 1)
        picture = made[..., :3]
        if float(uncovered.max()) > 0.01:
            behind = fill(view.image_log, np.clip(1 - np.maximum(_outward(mine, soft), theirs), 0, 1) * view.valid)
            picture = picture + (1 - _inward(theirs, 0.5 * soft))[..., None] * uncovered[..., None] * (behind - picture)
        return np.dstack([picture, np.maximum(new, old), made[..., 3]])

    def shown_points(self, performed: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """Points (478, 2) of the identity that performs as ``performed``, after :meth:`adapt`; before it, the same points."""
        if not float(self._net.adapted):
            return performed
        apart = np.tensordot(shares, self._net.apart.cpu().numpy(), axes=1)
        moved = retarget(performed, self._net.performer.cpu().numpy(), apart, float(self._net.nearness))
        return as_open(moved, *self._mouths(shares))

    def _inputs(self, view: View, points: np.ndarray, shares: np.ndarray) -> Inputs:
        skin = mixed([self._net.skin(entry) for entry in range(self._net.design.entries)], shares)
        standing = np.tensordot(shares, self._net.standing.cpu().numpy(), axes=1)
        inputs = look(view, points, skin, lighting(view, skin.colour, standing))
        if self._crops and self._net.design.real_crops:
            size = len(view.image_log)
            borrowed = inputs.borrowed
            for share, crops in zip(shares, self._crops, strict=True):
                if share and crops is not None:
                    borrowed = borrowed + share * crops.borrowed(points, size)
            inputs = borrowing(inputs, borrowed)
        eyes, theirs = self._net.eyes.cpu().numpy(), self._net.performer_eyes.cpu().numpy()
        if eyes[shares > 0].any():  # else those of real crops are left
            inputs = worn(inputs, view, points, theirs, mixed_known(eyes, shares, theirs))
        return with_mouth(inputs, view, points, *self._mouths(shares))

    def _mouths(self, shares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The performer's and the identity's; where lips end and what tint teeth have is known each by itself."""
        mouths, theirs = self._net.mouths.cpu().numpy(), self._net.performer_mouth.cpu().numpy()
        parts = [mixed_known(mouths[:, part], shares, theirs[part]) for part in (LIPS, TEETH)]
        return theirs, np.concatenate(parts)

    @torch.inference_mode()
    def sheet(self) -> np.ndarray:
        """Rows of: a crop, its light and colour alone, the crop painted; four crops."""
        lessons = self._lessons_or_fail()
        rows = []
        for number in range(SHEET_ROWS):
            entry = number % len(lessons.labels)
            count = len(lessons.labels[entry])
            planes = lessons.planes(entry, number * (count - 1) // max(SHEET_ROWS - 1, 1))
            told = planes[:, :-4].to(self._device)
            shares = torch.zeros(1, len(lessons.labels), device=self._device)
            shares[0, entry] = 1
            painted, _ = self._net(told, shares)
            base = self._net.base(told, shares)
            rows.append(torch.cat([planes[0, -4:-1], base[0].cpu(), painted[0].cpu()], dim=2) + 0.4)
        return np.ascontiguousarray(torch.cat(rows, dim=1).permute(1, 2, 0).numpy())

    def _lessons_or_fail(self) -> Lessons:
        if self._lessons is None:
            raise TrainError("this renderer was opened to render; prepare one from facesets to train")
        return self._lessons


def prepare(
    facesets: Sequence[Faceset], partners: Sequence[Faceset], shot: ShotViews | None, options: Options
) -> Renderer:
    """A fresh one, colours solved. Raises: TrainError for an unknown capacity or GPU; FacesetError for crops that can't be read."""
    if options.capacity not in CAPACITIES:
        raise TrainError(f"capacity is '{options.capacity}'; choose one of {', '.join(CAPACITIES)}")
    people, labels = People.of(facesets, partners)
    width = CAPACITIES[options.capacity]
    design = Design(size=options.size, entries=len(labels), width=width, real_crops=options.real_crops)
    lessons = Lessons(labels, options.size, options.seed, options.real_crops)
    torch.manual_seed(options.seed)
    network = Network(design, options.checkpointing)
    skins = [solve_skin(views, design.texels) for views in lessons.labels]
    lessons.know(skins)
    for entry, (skin, views) in enumerate(zip(skins, lessons.labels, strict=True)):
        network.know(entry, skin, solve_shape(np.stack([view.points for view in views])))
        network.eyes[entry], network.mouths[entry] = _tensor(lessons.eyes[entry]), _tensor(lessons.mouths[entry])
        if all(one.identity != options.performer for one in labels[entry]):  # the same skin is as dark as it is
            level, apart = of_takes(lessons.takes(entry))
            network.skin_level[entry], network.skin_apart[entry] = _tensor(level), _tensor(apart)
    sources = [[one.hash for one in own] for own in labels]
    return Renderer(network.to(pick_device(options.device)), people, lessons, options, sources)


def restore(
    design: Mapping[str, Any], tensors: Mapping[str, Tensor], device: str, facesets: Sequence[Faceset]
) -> Renderer:
    """One that was trained, ready to render. With its facesets it borrows from real crops; without them it does not."""
    network = Network(Design(**design["network"]))
    network.load_state_dict(dict(tensors))
    people = People.from_data(design["people"])
    size, by_hash = network.design.size, {one.hash: one for one in facesets}
    crops: list[RealCrops | None] = []
    for entry, hashes in enumerate(design["facesets"]):
        known = [by_hash[each] for each in hashes if each in by_hash]
        crops.append(RealCrops(views_of(known, size), network.skin(entry)) if known else None)
    return Renderer(network.to(pick_device(device)).eval(), people, sources=design["facesets"], crops=crops)


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32))


def _inward(mask: np.ndarray, soft_px: float) -> np.ndarray:
    """A soft edge that lies wholly inside a mask."""
    return np.asarray(np.clip(2 * cv2.GaussianBlur(mask, (0, 0), soft_px / 2) - 1, 0, 1) * mask, np.float32)


def _outward(mask: np.ndarray, soft_px: float) -> np.ndarray:
    """The mask and about ``soft_px`` round it."""
    return np.asarray(np.clip(4 * cv2.GaussianBlur(mask, (0, 0), soft_px), 0, 1), np.float32)
