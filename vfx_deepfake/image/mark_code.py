"""The bits of a review mark: 64 bits with a keyed checksum, spread by a convolutional code that reads soft values.

A payload is 5 bytes that name a version, and 3 bytes that only who has the key can compute (HMAC-SHA-256, cut). The code has rate 1/3
and 64 states, and ends in state 0.
Source of the code: generators 133, 145, 175 (octal), as in 3GPP TS 36.212, 5.1.3.1. Decoding: Viterbi 1967.
"""

from __future__ import annotations

import hashlib
import hmac

import numpy as np

ID_BYTES, CHECK_BYTES = 5, 3
PAYLOAD_BITS = 8 * (ID_BYTES + CHECK_BYTES)
GENERATORS = (0o133, 0o145, 0o175)
MEMORY = 6
STATES = 1 << MEMORY
CODED_BITS = (PAYLOAD_BITS + MEMORY) * len(GENERATORS)


def version_id(name: str, key: bytes) -> bytes:
    """The 5 bytes that stand for a version's full name, such as show/sh0010/v003. They tell nothing to who has no key."""
    return hmac.new(key, b"version " + name.encode(), hashlib.sha256).digest()[:ID_BYTES]


def _check(identity: bytes, key: bytes) -> bytes:
    return hmac.new(key, b"check " + identity, hashlib.sha256).digest()[:CHECK_BYTES]


def _outputs() -> np.ndarray:
    """Coded bits as -1 and 1 by state and input: (STATES, 2, 3). The state's highest bit is the newest input."""
    register = (np.arange(2)[None, :] << MEMORY) | np.arange(STATES)[:, None]
    taps = register[..., None] & np.array(GENERATORS)
    return 1.0 - 2.0 * (np.bitwise_count(taps) & 1)


def encode(identity: bytes, key: bytes) -> np.ndarray:
    """Coded bits (CODED_BITS,) of -1 and 1 for the 5 bytes of a version.

    Raises: ValueError for another length.
    """
    if len(identity) != ID_BYTES:
        raise ValueError(f"a version's id has {ID_BYTES} bytes, got {len(identity)}")
    bits = np.unpackbits(np.frombuffer(identity + _check(identity, key), np.uint8))
    outputs, state, coded = _outputs(), 0, []
    for bit in [*bits, *[0] * MEMORY]:
        coded.append(outputs[state, bit])
        state = (int(bit) << MEMORY | state) >> 1
    return np.concatenate(coded)


def decode(soft: np.ndarray, key: bytes) -> bytes | None:
    """The version's 5 bytes from soft values (CODED_BITS,), positive for 1; None where the checksum is not this key's.

    Of values that hold no mark one in 2**24 passes the checksum.
    """
    path = _most_likely(np.asarray(soft, np.float64).reshape(-1, len(GENERATORS)))
    found = np.packbits(path[:PAYLOAD_BITS]).tobytes()
    identity = found[:ID_BYTES]
    return identity if hmac.compare_digest(found[ID_BYTES:], _check(identity, key)) else None


def _most_likely(soft: np.ndarray) -> np.ndarray:
    """The input bits whose coded bits fit best, from state 0 to state 0."""
    outputs = _outputs()
    after = np.arange(STATES)
    newest = after >> (MEMORY - 1)
    before = ((after[:, None] << 1) & (STATES - 1)) | np.arange(2)  # the two states that lead to each
    branch = outputs[before, newest[:, None]]  # (STATES, 2, 3)
    score = np.full(STATES, -np.inf)
    score[0] = 0.0
    came_from = np.empty((len(soft), STATES), np.intp)
    for step, values in enumerate(soft):
        ways = score[before] + branch @ values
        better = ways.argmax(axis=1)
        score, came_from[step] = ways[after, better], before[after, better]
    bits = np.empty(len(soft), np.uint8)
    state = 0
    for step in range(len(soft) - 1, -1, -1):
        bits[step] = newest[state]
        state = came_from[step, state]
    return bits
