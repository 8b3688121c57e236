"""The autoencoder method: everybody is encoded alike and painted as who is asked for. The field's classic, and our reference.

Two identities at one age get separate decoders; a second identity to mix with, or several ages, get the joint variant, whose
codes can lie between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from vfx_deepfake.errors import TrainError
from vfx_deepfake.face.mesh import warp_map
from vfx_deepfake.faceset.data import Faceset
from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.relight import STOP_LOG
from vfx_deepfake.model.identity.adversary import Adversary
from vfx_deepfake.model.identity.autoencoder_lessons import Lessons, alone, crops_of, face_matte, resized
from vfx_deepfake.model.identity.autoencoder_mix import People, by_region
from vfx_deepfake.model.identity.autoencoder_network import CAPACITIES, Design, Network
from vfx_deepfake.model.identity.colour import match_skin
from vfx_deepfake.model.identity.features import likeness_loss
from vfx_deepfake.model.identity.losses import l1, picture_loss
from vfx_deepfake.model.identity.method import Drive, Made, Options, ShotViews, View
from vfx_deepfake.model.loop import pick_device
from vfx_deepfake.settings.identity import MOST_PX_WHOLE, whole_face_only

MATTE_SHARE = 0.1  # of the matte's L1 in the loss
SHEET_ROWS = 6


class Autoencoder:
    """Implements :class:`~vfx_deepfake.model.identity.method.Method`. Without lessons it renders and does not train."""

    def __init__(
        self, network: Network, people: People, lessons: Lessons | None = None, options: Options | None = None
    ) -> None:
        self.network: nn.Module = network
        self._net, self._people, self._lessons = network, people, lessons
        self._options = options or Options()
        share, seed = self._options.adversary, self._options.seed
        self.adversary = Adversary(share, self._device, seed) if lessons is not None and share > 0 else None

    @property
    def _device(self) -> torch.device:
        return self._net.offset.device

    def design(self) -> dict[str, Any]:
        """Plain data that builds the same network again."""
        return {"network": self._net.design.as_data(), "people": self._people.as_data()}

    def shared_names(self) -> list[str]:
        """The weights that belong to nobody in particular: a start for other identities."""
        joint = self._net.design.joint
        shared = ("encoder.", f"readings.{len(self._net.readings) - 1}.", *(("decoders.",) if joint else ()))
        return [name for name in self._net.state_dict() if name.startswith(shared)]

    def step_loss(self, step: int) -> Tensor:
        """Each face of the batch out of its warped picture, as its own identity paints it."""
        if self._lessons is None:
            raise TrainError("this autoencoder was opened to render; prepare one from facesets to train")
        batch = self._lessons.draw(self._options.batch_size, step, self._device)
        picture, matte = self._net(batch.shown.to(memory_format=torch.channels_last), batch.whose)
        loss = picture_loss(picture, batch.wanted, batch.weight)
        loss = loss + MATTE_SHARE * l1(torch.sigmoid(matte), batch.matte, (batch.weight > 0).float())
        if self.adversary is not None:
            loss = loss + self.adversary.loss(picture, batch.wanted, batch.matte, step)
        if self._options.likeness > 0:
            loss = loss + self._options.likeness * likeness_loss(picture, batch.wanted, batch.texels)
        return loss

    def adapt(self, shot: ShotViews) -> None:
        """One colour for the whole shot: the made skin's mean becomes that of the plate's."""
        self._net.offset.zero_()
        self._net.offset.copy_(torch.from_numpy(match_skin(shot, lambda view: self.make(view, Drive()))))

    def make(self, view: View, drive: Drive) -> Made:
        """The identity's face; a picture of another size than the network's is brought there and back."""
        wanted = len(view.image_log)
        shown, points = view.image_log, view.points
        if drive.points is not None:
            shown, points = performing(shown, view.points, drive.points), drive.points
        painted = by_region(
            drive.mix,
            points,
            wanted,
            lambda mix: resized(self._painted(shown, points, self._people.shares(mix, drive.age)), wanted),
        )
        painted[..., :3] += np.float32(drive.level * STOP_LOG)
        matte = np.clip(painted[..., 3], 0, 1) * view.valid
        return Made(np.ascontiguousarray(painted[..., :3]), matte.astype(np.float32), view.valid.astype(np.float32))

    @torch.inference_mode()
    def _painted(self, image_log: np.ndarray, points: np.ndarray, shares: np.ndarray) -> np.ndarray:
        """(S, S, 4) float32 at the network's size: log picture in the shot's colour, and matte."""
        self._net.eval()
        size = self._net.design.size
        planes = torch.from_numpy(np.ascontiguousarray(resized(image_log, size).transpose(2, 0, 1), np.float32))[None]
        planes = alone(planes, torch.from_numpy(face_matte(points * (size / len(image_log)), size)))
        whose = torch.from_numpy(shares.astype(np.float32))[None]
        picture, matte = self._net(planes.to(self._device), whose.to(self._device))
        picture = picture + self._net.offset[:, None, None]
        made = torch.cat([picture, torch.sigmoid(matte)], dim=1)
        return np.asarray(made[0].permute(1, 2, 0).cpu().numpy())

    @torch.inference_mode()
    def sheet(self) -> np.ndarray:
        """Rows of: plate, the plate painted as itself, as the identity; a crop of the identity, painted as itself."""
        if self._lessons is None:
            raise TrainError("this autoencoder was opened to render; there is no training to show")
        plate, crops = (self._lessons.some(identity, SHEET_ROWS) for identity in (0, 1))
        columns = [plate[:, :3], self._as(plate, 0), self._as(plate, 1), crops[:, :3], self._as(crops, 1)]
        rows = max(len(plate), len(crops))
        tall = [torch.cat([one, one.new_zeros(rows - len(one), *one.shape[1:])]) for one in columns]
        sheet = torch.cat([torch.cat(list(one), dim=1) for one in tall], dim=2)
        return np.ascontiguousarray(sheet.permute(1, 2, 0).numpy())

    def _as(self, pictures: Tensor, identity: int) -> Tensor:
        """Pictures with their mattes (n, 4, S, S), painted as an identity: (n, 3, S, S)."""
        shown = alone(pictures[:, :3], pictures[:, 3:])
        if not len(shown):
            return shown
        whose = torch.zeros(len(shown), self._net.design.identities)
        whose[:, identity] = 1
        return self._net(shown.to(self._device), whose.to(self._device))[0].cpu()


def prepare(
    facesets: Sequence[Faceset], partners: Sequence[Faceset], shot: ShotViews | None, options: Options
) -> Autoencoder:
    """A fresh one. Raises: TrainError for an unknown capacity or GPU, or too large a size; FacesetError for crops that can't be read."""
    if options.capacity not in CAPACITIES:
        raise TrainError(f"capacity is '{options.capacity}'; choose one of {', '.join(CAPACITIES)}")
    if options.size > MOST_PX_WHOLE:
        raise TrainError(f"size is {options.size} and {whole_face_only()}")
    people, labels = People.of(facesets, partners)
    encoder_width, decoder_width, code = CAPACITIES[options.capacity]
    design = Design(
        size=options.size,
        identities=people.count,
        joint=options.joint or people.count > 2,
        encoder_width=encoder_width,
        decoder_width=decoder_width,
        code=code,
    )
    lessons = Lessons(crops_of(labels, shot), people.count, options.size, options.seed)
    torch.manual_seed(options.seed)
    network = Network(design, options.checkpointing).to(pick_device(options.device))
    return Autoencoder(network, people, lessons, options)


def restore(
    design: Mapping[str, Any], tensors: Mapping[str, Tensor], device: str, facesets: Sequence[Faceset]
) -> Autoencoder:
    """One that was trained, ready to render; it needs no facesets."""
    network = Network(Design(**design["network"]))
    network.load_state_dict(dict(tensors))
    return Autoencoder(network.to(pick_device(device)).eval(), People.from_data(design["people"]))


def performing(image_log: np.ndarray, points: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """A picture (S, S, 3) warped along the mesh so that its face performs as ``wanted`` (478, 2), from its own points."""
    place = warp_map(points, wanted, Window.of_image(image_log)) - np.float32(0.5)
    x, y = place[..., 0], place[..., 1]
    return np.asarray(cv2.remap(image_log, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE))
