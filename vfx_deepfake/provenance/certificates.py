"""Certificates say whose a signing key is: a studio's own root and leaf for use inside, or a chain that was bought.

A chain is a PEM file, the key's own certificate first, each certificate issued by the next. The rules that are checked are those of the
C2PA certificate profile: https://spec.c2pa.org, Technical Specification 2.x, "X.509 Certificates".
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vfx_deepfake.errors import ArtistError
from vfx_deepfake.files import write_text
from vfx_deepfake.provenance.keys import key_id, new_key, open_key

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, CertificateBuilder

LEAF_YEARS, ROOT_YEARS = 5, 20
# extended key usages that C2PA's default list accepts for signing claims
_CLAIM_USES = {
    "1.3.6.1.5.5.7.3.4",  # e-mail protection
    "1.3.6.1.5.5.7.3.36",  # document signing
    "1.3.6.1.4.1.62558.2.1",  # C2PA claim signing
}
_SLACK = dt.timedelta(days=1)  # hosts whose clocks differ


@dataclass(frozen=True, slots=True)
class Chain:
    """A checked chain: its PEM text, who the leaf names, and the last moment of the certificate that ends first."""

    pem: str
    name: str
    until: dt.datetime


def load_chain(path: Path, public: bytes) -> Chain:
    """The chain of the key whose raw public half is ``public``.

    Raises: ArtistError when it can't be read, is another key's, has run out, is out of order, or is not for signing.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    certificates = read_certificates(path)
    leaf = certificates[0]
    key = leaf.public_key()
    if not isinstance(key, Ed25519PublicKey):
        raise ArtistError(f"{path}: its first certificate is for a key of another kind; an Ed25519 key was expected")
    if key.public_bytes_raw() != public:
        raise ArtistError(f"{path}: is for key {key_id(key.public_bytes_raw())}, the signing key is {key_id(public)}; "
                          "give the chain of this key, its own certificate first")  # fmt: skip
    for certificate in certificates:
        _require_valid_today(path, certificate)
    _require_use(path, leaf)
    _require_order(path, certificates)
    until = min(certificate.not_valid_after_utc for certificate in certificates)
    return Chain(path.read_text(encoding="ascii"), _name(leaf), until)


def read_certificates(path: Path) -> list[Certificate]:
    """The certificates of a PEM file.

    Raises: ArtistError when there is none to read.
    """
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise ArtistError(
            f"{path}: the certificates can't be read ({error.strerror}); check the path, or make them with "
            "'vfx-deepfake keys certificate'"
        ) from error
    except ValueError as error:
        raise ArtistError(f"{path}: holds no certificates in PEM; want the chain, or what issued it") from error


def make_chain(path: Path, public: bytes, studio: str, root: Path, years: int = LEAF_YEARS) -> Chain:
    """Write a chain for a key, issued by the studio's own root; whoever trusts the root's certificate knows the studio.

    root: file with the root's private key, readable by its owner alone; made together with ``root.crt``, its certificate, where
    there is none. Raises: ArtistError when ``path`` exists, or the root can't be used.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509.oid import ExtendedKeyUsageOID

    if path.exists():
        raise ArtistError(f"{path}: exists already and is left alone; choose another name for the new chain")
    issuer = _open_root(root, studio)
    signer = open_key(root)
    leaf = (
        _builder(f"{studio} signing", studio, public, years, issuer)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
        .sign(signer.private, None)
    )
    _require_order(root, [leaf, issuer])
    text = b"".join(each.public_bytes(Encoding.PEM) for each in (leaf, issuer)).decode("ascii")
    write_text(path, text)
    return load_chain(path, public)


def root_certificate(root: Path) -> Path:
    """Where the certificate of a studio's root lies: what is given to those who shall trust it."""
    return root.with_suffix(".crt")


def _open_root(root: Path, studio: str) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    place = root_certificate(root)
    if root.exists():
        certificate = read_certificates(place)[0]
        _require_valid_today(place, certificate)
        return certificate
    signer = new_key(root)
    certificate = (
        _builder(f"{studio} root", studio, signer.public, ROOT_YEARS, None)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(signer.private, None)
    )
    write_text(place, certificate.public_bytes(Encoding.PEM).decode("ascii"))
    return certificate


def _builder(name: str, studio: str, public: bytes, years: int, issuer: Certificate | None) -> CertificateBuilder:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.x509.oid import NameOID

    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, studio), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    key, begin = Ed25519PublicKey.from_public_bytes(public), dt.datetime.now(dt.UTC) - _SLACK
    end = begin + dt.timedelta(days=365.25 * years)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(min(end, issuer.not_valid_after_utc) if issuer else end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    if issuer is None:
        return builder
    above = x509.SubjectKeyIdentifier.from_public_key(issuer.public_key())
    identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above)
    return builder.add_extension(identifier, critical=False)


def _key_usage(**uses: bool) -> Any:
    from cryptography import x509

    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
             "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{name: uses.get(name, False) for name in names})


def _require_valid_today(path: Path, certificate: Certificate) -> None:
    now, first, last = dt.datetime.now(dt.UTC), certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now > last:
        raise ArtistError(f"{path}: the certificate of '{_name(certificate)}' ran out on {last:%Y-%m-%d}; "
                          "get a new one, or make one with 'vfx-deepfake keys certificate'")  # fmt: skip
    if now < first:
        raise ArtistError(f"{path}: the certificate of '{_name(certificate)}' is good from {first:%Y-%m-%d} on; "
                          "check this host's clock, or wait")  # fmt: skip


def _require_use(path: Path, leaf: Certificate) -> None:
    """The leaf must be no authority, may sign, and for a purpose that C2PA accepts."""
    from cryptography import x509

    extensions = {type(each.value): each.value for each in leaf.extensions}
    constraints = extensions.get(x509.BasicConstraints)
    usage = extensions.get(x509.KeyUsage)
    if isinstance(constraints, x509.BasicConstraints) and constraints.ca:
        raise ArtistError(
            f"{path}: its first certificate is an authority's; put the signing key's own certificate first"
        )
    if not isinstance(usage, x509.KeyUsage) or not usage.digital_signature:
        raise ArtistError(f"{path}: its first certificate is not for signatures (key usage); get one that is")
    purposes = extensions.get(x509.ExtendedKeyUsage)
    named = {each.dotted_string for each in purposes} if isinstance(purposes, x509.ExtendedKeyUsage) else set()
    if not named & _CLAIM_USES:
        raise ArtistError(f"{path}: its first certificate is for {', '.join(sorted(named)) or 'no purpose at all'} (extended key usage); "
                          "get one for e-mail protection, document signing or C2PA claims")  # fmt: skip


def _require_order(path: Path, certificates: list[Certificate]) -> None:
    from cryptography.exceptions import InvalidSignature

    for lower, upper in pairwise(certificates):
        try:
            lower.verify_directly_issued_by(upper)
        except (InvalidSignature, ValueError, TypeError) as error:
            raise ArtistError(f"{path}: '{_name(lower)}' was not issued by '{_name(upper)}', which follows it; "
                              "put the chain in order, the key's own certificate first")  from error  # fmt: skip


def _name(certificate: Certificate) -> str:
    from cryptography.x509.oid import NameOID

    named = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(named[0].value) if named else certificate.subject.rfc4514_string()
