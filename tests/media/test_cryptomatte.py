"""ID mattes: IDs against published values, and a decoder that knows the specification and nothing of ours."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from vfx_deepfake.image.crop import Window
from vfx_deepfake.image.region_matte import DISJOINT, disjoint
from vfx_deepfake.media.cryptomatte import CHANNELS, header, object_id, ranked
from vfx_deepfake.media.exr import Part, write_exr

WINDOW = Window(3, 2, 40, 30)


@pytest.mark.parametrize(
    ("name", "value"),
    [("hello", 6.0705627102400005616e-17), ("mädchen", 6.2361298211599995797e25), ("плоскост", None), ("", None)],
)
def test_ids_are_the_published_ones_and_always_plain_numbers(name, value) -> None:
    """The values stand in the tests of the specification's own Nuke scripts."""
    found = object_id(name)
    assert found.dtype == np.float32 and np.isfinite(found) and abs(found) >= np.finfo(np.float32).tiny
    if value is not None:
        assert found == np.float32(value)


def test_no_name_gives_a_number_that_pictures_can_not_hold() -> None:
    exponents = {int(object_id(f"object {index}").view(np.uint32)) >> 23 & 255 for index in range(20_000)}
    assert exponents == set(range(1, 255))  # all of them, and neither 0 nor 255


def regions(seed: int = 3) -> dict[str, np.ndarray]:
    """Soft mattes that overlap anyhow."""
    rng = np.random.default_rng(seed)
    return {name: np.clip(rng.normal(0.1, 0.4, WINDOW.shape), 0, 1).astype(np.float32) for name in DISJOINT}


def test_disjoint_parts_share_a_pixel_out() -> None:
    mattes = regions()
    parts = disjoint(mattes)
    total = sum(parts.values())
    assert total.max() <= 1 + 1e-6  # eight float32 roundings
    np.testing.assert_array_equal(parts["holdout"], mattes["holdout"])
    assert all((parts[name] <= mattes[name]).all() for name in DISJOINT)


def decoded(path: Path, part: int) -> dict[str, np.ndarray]:
    """Coverage of every object of a file, found through its metadata alone."""
    source = oiio.ImageInput.open(str(path))
    assert source.seek_subimage(part, 0)
    spec = source.spec()
    found = {attribute.name: attribute.value for attribute in spec.extra_attribs if "cryptomatte/" in attribute.name}
    (name_key,) = [key for key in found if key.endswith("/name")]
    key, name = name_key[: -len("/name")], found[name_key]
    assert len(key) == len("cryptomatte/") + 7
    assert found[key + "/hash"] == "MurmurHash3_32" and found[key + "/conversion"] == "uint32_to_float32"
    pixels = source.read_image(part, 0, 0, spec.nchannels, "float")
    layers = sorted({channel.split(".")[0] for channel in spec.channelnames if channel.startswith(name)})
    assert spec.format == oiio.FLOAT or all(str(kind) == "float" for kind in spec.channelformats)
    out = {}
    for label, digits in json.loads(found[key + "/manifest"]).items():
        wanted = struct.unpack(">f", bytes.fromhex(digits))[0]
        coverage = np.zeros(pixels.shape[:2], np.float32)
        for layer in layers:
            r, g, b, a = (pixels[..., spec.channelnames.index(f"{layer}.{channel}")] for channel in "RGBA")
            coverage += np.where(r == np.float32(wanted), g, 0) + np.where(b == np.float32(wanted), a, 0)
        out[label] = coverage
    source.close()
    return out


def test_a_decoder_of_the_specification_finds_every_part(tmp_path: Path) -> None:
    parts = disjoint(regions())
    few = np.sort(np.stack(list(parts.values())), axis=0)[-5] == 0  # at most four objects: nothing is left out there
    assert few.mean() > 0.2
    write_exr(tmp_path / "ids.exr", [Part("rgba", np.zeros((*WINDOW.shape, 3), np.float32), ("R", "G", "B"), WINDOW),
                                     Part("ids", ranked(parts), CHANNELS, WINDOW, half=False)], WINDOW, header(DISJOINT))  # fmt: skip
    found = decoded(tmp_path / "ids.exr", part=1)
    assert set(found) == set(DISJOINT)
    for name, coverage in found.items():
        np.testing.assert_array_equal(coverage[few], parts[name][few])  # float32 in, float32 out


def test_ranks_fall_and_empty_ones_are_zero() -> None:
    pairs = ranked({"a": np.float32([[0.2, 0.0]]), "b": np.float32([[0.7, 0.0]])})
    np.testing.assert_array_equal(pairs[0, 0, :4], np.float32([object_id("b"), 0.7, object_id("a"), 0.2]))
    assert not pairs[0, 0, 4:].any() and not pairs[0, 1].any()
