"""Credentials of the review pictures: in the movie and the contact sheet where a key and a chain are configured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.files import hash_data
from vfx_deepfake.progress import Progress
from vfx_deepfake.provenance.credentials import Credential, embed
from vfx_deepfake.provenance.keys import key_id
from vfx_deepfake.provenance.signing import configured, open_signing
from vfx_deepfake.steps.opened import OpenShot
from vfx_deepfake.steps.render_stage import RenderPlan, require_render_release


def review_credential(opened: OpenShot, plan: RenderPlan, frames: Mapping[int, Mapping[str, Any]]) -> Credential:
    """What the pictures of a version under way say of it; its record is not written yet."""
    releases = sorted({release.id for release in require_render_release(opened).values()})
    return Credential(
        version=f"{opened.name}_v{plan.paths.number:03d}", shot=opened.name,
        altered=any(data["counts"].get("changed_px", 0) for data in frames.values()),
        trained=opened.settings.model.trains, plate=hash_data(plan.inputs["plate"]),
        lineage={"inputs_hash": plan.identity, "releases": releases},
    )  # fmt: skip


def credit_review(
    opened: OpenShot,
    plan: RenderPlan,
    frames: Mapping[int, Mapping[str, Any]],
    made: Iterable[Path],
    progress: Progress,
) -> str:
    """Put credentials into the review pictures of a version under way; see :func:`credit`."""
    return credit(made, lambda: review_credential(opened, plan, frames), progress)


def credit(made: Iterable[Path], credential: Callable[[], Credential], progress: Progress) -> str:
    """Put credentials into pictures and movies, and say for the record which key signed, or why there are none.

    A key or a chain that can't be used costs the credentials, with a warning, and not the night's pictures: nothing leaves the house here.
    """
    missing = configured()
    if missing:
        return f"none: {missing}"
    try:
        signing = open_signing()
        if signing.chain is None:
            return "none: no certificate chain"
        said = credential()
        for path in made:
            embed(path, said, signing.signer, signing.chain, signing.timestamp_url)
    except ArtistError as error:
        progress.say(f"warning: review pictures without credentials: {error}")
        return "none: the key, the chain or the library could not be used"
    return f"signed with key {key_id(signing.signer.public)}"
