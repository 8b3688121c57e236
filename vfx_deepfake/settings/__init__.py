"""Everything a shot file can say, as frozen typed tables; ``shot.py`` reads them from TOML.

Each class is one table of shot.toml and each field one key; the comment beside a field is its documentation. A check in
``__post_init__`` states what was found and what would be right; the reader turns its ValueError into a ShotError with the place.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from vfx_deepfake.settings.beauty import BeautySpec
from vfx_deepfake.settings.delivery import ConsentSpec, DeliverySpec, ReviewSpec
from vfx_deepfake.settings.farm import FarmSpec
from vfx_deepfake.settings.finish import BlendSpec, ColorMatchSpec, TextureSpec
from vfx_deepfake.settings.identity import IdentitySpec
from vfx_deepfake.settings.mattes import MattesSpec
from vfx_deepfake.settings.model import KeyframeSpec, ModelSpec, TrainSpec
from vfx_deepfake.settings.packing import PackSpec
from vfx_deepfake.settings.plate import DEFAULT_CONFIG as DEFAULT_CONFIG
from vfx_deepfake.settings.plate import ColorSpec, NameSpec, PlateSpec, TrackSpec
from vfx_deepfake.settings.qc import QcSpec
from vfx_deepfake.settings.render import RenderSpec

SCHEMA = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """One whole shot file."""

    schema: int = SCHEMA
    shot: NameSpec
    plate: PlateSpec
    color: ColorSpec = field(default_factory=ColorSpec)
    track: TrackSpec = field(default_factory=TrackSpec)
    keyframes: KeyframeSpec = field(default_factory=KeyframeSpec)
    model: ModelSpec = field(default_factory=ModelSpec)
    identity: IdentitySpec = field(default_factory=IdentitySpec)
    train: TrainSpec = field(default_factory=TrainSpec)
    beauty: BeautySpec = field(default_factory=BeautySpec)
    mattes: MattesSpec = field(default_factory=MattesSpec)
    texture: TextureSpec = field(default_factory=TextureSpec)
    colormatch: ColorMatchSpec = field(default_factory=ColorMatchSpec)
    blend: BlendSpec = field(default_factory=BlendSpec)
    render: RenderSpec = field(default_factory=RenderSpec)
    qc: QcSpec = field(default_factory=QcSpec)
    delivery: DeliverySpec = field(default_factory=DeliverySpec)
    pack: PackSpec = field(default_factory=PackSpec)
    review: ReviewSpec = field(default_factory=ReviewSpec)
    consent: ConsentSpec = field(default_factory=ConsentSpec)
    farm: FarmSpec = field(default_factory=FarmSpec)
