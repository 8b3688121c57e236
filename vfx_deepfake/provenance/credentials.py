"""C2PA Content Credentials: what a picture or movie says of itself, signed and bound to its bytes (extra ``credentials``).

Written and read by c2pa-python after the C2PA Technical Specification 2.x (https://spec.c2pa.org). Nothing goes over the network unless
a time-stamp service is configured. The manifest holds no path, no host and no user.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vfx_deepfake import __version__
from vfx_deepfake.errors import ArtistError
from vfx_deepfake.files import written_aside
from vfx_deepfake.provenance.certificates import Chain, read_certificates
from vfx_deepfake.provenance.keys import Signer

CARRIERS = (
    ".png",
    ".tif",
    ".tiff",
    ".jpg",
    ".jpeg",
    ".mp4",
    ".mov",
)  # EXR and DPX have no place for credentials in C2PA
LINEAGE = "com.vfx-deepfake.lineage"
GENERATOR = "vfx_deepfake"
# IPTC NewsCodes, vocabulary digitalsourcetype
_SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TRAINED, BY_HAND = _SOURCES + "compositeWithTrainedAlgorithmicMedia", _SOURCES + "humanEdits"
# state of a file's credentials
TRUSTED, VALID, INVALID, ABSENT, UNCHECKED = "trusted", "valid", "invalid", "absent", "unchecked"
EXPIRED = "expired"  # whole, but the certificate has run out since and no time stamp tells when it was signed
_STATES = {"Trusted": TRUSTED, "Valid": VALID}
_RUN_OUT, _UNKNOWN = "signingCredential.expired", "signingCredential.untrusted"
_OFFLINE = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "builder": {"thumbnail": {"enabled": False}},
}
_PLATE = "plate"


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What is said of one picture or movie.

    altered: pixels of the plate were changed. trained: a trained network made pixels; else people did, with paint or sliders.
    plate: SHA-256 over the plate's files. lineage: goes in as the assertion LINEAGE, plain JSON.
    """

    version: str  # e.g. sh0010_v003
    shot: str
    altered: bool
    trained: bool
    plate: str
    lineage: Mapping[str, Any]

    @property
    def source_type(self) -> str:
        """The IPTC digital source type; empty where nothing was changed and nothing is claimed."""
        return (TRAINED if self.trained else BY_HAND) if self.altered else ""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What was read from a file. ``why`` has the library's codes of what is wrong, where something is."""

    state: str
    why: tuple[str, ...] = ()
    generator: str = ""
    title: str = ""
    signed_by: str = ""
    source_type: str = ""
    actions: tuple[str, ...] = ()
    ingredients: tuple[str, ...] = ()
    lineage: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """One line for people."""
        if self.state == ABSENT:
            return "carries no credentials"
        if self.state == EXPIRED:
            return f"credentials expired: whole, but the certificate of {self.signed_by} has run out and there is no time stamp"
        if self.state in (INVALID, UNCHECKED):
            return f"credentials {self.state} ({', '.join(self.why)})"
        known = "" if self.state == TRUSTED else ", whom no trusted certificate vouches for"
        kind = self.source_type.rpartition("/")[2] or "no change claimed"
        return f"credentials {self.state}: {self.title}, {kind}, signed by {self.signed_by}{known}"


def carries(path: Path | str) -> bool:
    """True for files that can carry credentials."""
    return Path(path).suffix.lower() in CARRIERS


def credentials_problem() -> str:
    """Why credentials can be neither written nor read here; empty when they can."""
    try:
        import c2pa  # noqa: F401
    except (ImportError, OSError) as error:  # OSError: its library does not load on this system
        return f"c2pa-python is not installed ({error}); pip install 'vfx_deepfake[credentials]'"
    return ""


def embed(path: Path, credential: Credential, signer: Signer, chain: Chain, timestamp_url: str = "") -> None:
    """Write credentials into a file, in place of any that it has; the file is replaced whole or not at all.

    Raises: ArtistError when the format can't carry them, the library is missing, or it can't write them.
    """
    if not carries(path):
        raise ArtistError(f"{path}: can't carry credentials; of pictures and movies {', '.join(CARRIERS)} can")
    problem = credentials_problem()
    if problem:
        raise ArtistError(f"{path}: no credentials: {problem}")
    import c2pa

    try:
        sealer = c2pa.Signer.from_callback(signer.sign, c2pa.C2paSigningAlg.ED25519, chain.pem, timestamp_url or None)
        builder = c2pa.Builder.from_json(json.dumps(manifest_of(credential)), context=c2pa.Context.from_dict(_OFFLINE))
        with written_aside(path) as part, sealer, builder:
            builder.sign_file(path, part, sealer)
    except c2pa.C2paError as error:
        raise ArtistError(f"{path}: credentials could not be written ({error}); check the file, the certificate chain, and the "
                          "time-stamp service if there is one")  from error  # fmt: skip


def manifest_of(credential: Credential) -> dict[str, Any]:
    """The manifest's definition as the library takes it."""
    actions: list[dict[str, Any]] = [{"action": "c2pa.opened", "parameters": {"ingredientIds": [_PLATE]}}]
    if credential.altered:
        what = "face changed with a trained network" if credential.trained else "face changed by paint or sliders"
        actions.append({"action": "c2pa.edited", "digitalSourceType": credential.source_type, "description": what,
                        "softwareAgent": {"name": GENERATOR, "version": __version__}})  # fmt: skip
    lineage = {"plate_sha256": credential.plate, "digitally_altered": credential.altered, **credential.lineage}
    return {
        "claim_generator_info": [{"name": GENERATOR, "version": __version__}],
        "title": credential.version,
        "ingredients": [
            {
                "label": _PLATE,
                "title": f"{credential.shot} plate",
                "relationship": "parentOf",
                "instance_id": f"sha256:{credential.plate}",
            }
        ],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": actions}, "created": True},
            {"label": LINEAGE, "data": lineage, "created": True},
        ],
    }


def read_credentials(path: Path, anchors: Path | None = None) -> Credentials:
    """What a file says of itself, and whether that holds.

    anchors: PEM with the certificates to trust (a studio's root, or a trust list); without it the best state is VALID.
    Raises: ArtistError when the file is missing or ``anchors`` holds no certificates.
    """
    if not path.is_file():
        raise ArtistError(f"{path}: no such file; give a picture, a movie or a delivery's folder")
    problem = credentials_problem()
    if problem:
        return Credentials(UNCHECKED, (problem,))
    import c2pa

    settings: dict[str, Any] = dict(_OFFLINE)
    if anchors:
        read_certificates(anchors)
        settings["trust"] = {"user_anchors": anchors.read_text(encoding="utf-8")}
    try:
        with c2pa.Reader(path, context=c2pa.Context.from_dict(settings)) as reader:
            return _understood(json.loads(reader.json()))
    except c2pa.C2paError.ManifestNotFound:
        return Credentials(ABSENT)
    except c2pa.C2paError as error:
        return Credentials(INVALID, (str(error),))


def _understood(store: Mapping[str, Any]) -> Credentials:
    """The active manifest in our words."""
    active = store["manifests"][store["active_manifest"]]
    results = store.get("validation_results", {}).get("activeManifest", {})
    data = {each["label"].partition("__")[0]: each["data"] for each in active.get("assertions", ())}
    actions = data.get("c2pa.actions.v2", data.get("c2pa.actions", {})).get("actions", [])
    makers = active.get("claim_generator_info") or [{}]
    failures = {failure["code"] for failure in results.get("failure", ())}
    run_out = _RUN_OUT in failures and failures <= {_RUN_OUT, _UNKNOWN}
    return Credentials(
        state=EXPIRED if run_out else _STATES.get(store.get("validation_state", ""), INVALID),
        why=tuple(sorted(failures)),
        generator=f"{makers[0].get('name', '')} {makers[0].get('version', '')}".strip(),
        title=active.get("title", ""),
        signed_by=active.get("signature_info", {}).get("issuer", ""),
        source_type=next((action["digitalSourceType"] for action in actions if action.get("digitalSourceType")), ""),
        actions=tuple(action["action"] for action in actions),
        ingredients=tuple(each.get("title", "") for each in active.get("ingredients", ())),
        lineage=data.get(LINEAGE, {}),
    )
