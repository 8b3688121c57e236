from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from pathlib import Path
from typing import Any

import pytest

from vfx_deepfake.errors import ConsentError
from vfx_deepfake.provenance.gate import Use, refusals, require, state
from vfx_deepfake.provenance.register import add_release, load_releases
from vfx_deepfake.provenance.release import (
    KINDS,
    NEVER,
    OPERATIONS,
    Release,
    release_from_table,
    release_text,
)

DAY = dt.timedelta(days=1)
FROM, UNTIL = dt.date(2026, 3, 1), dt.date(2026, 9, 30)
FIELDS: dict[str, Any] = {
    "identity": "old_man",
    "performer": "P. Former",
    "kind": "employment-based replica",
    "description": "Made 20 years younger in the flashbacks, face only.",
    "shows": ["northern_light"],
    "shots": ["sh*"],
    "operations": ["train", "render"],
    "signed": dt.date(2026, 2, 20),
    "valid_from": FROM,
    "valid_until": UNTIL,
    "document": "rider.pdf",
    "document_sha256": "ab" * 32,
    "approved_by": "legal",
}


def release(name: str = "rider", **changes: Any) -> Release:
    return release_from_table({**FIELDS, **changes}, name, "r.toml")


def use(**changes: Any) -> Use:
    asked = {"identity": "old_man", "operation": "render", "show": "northern_light", "shot": "sh0010", "date": FROM}
    return Use(**{**asked, **changes})


def test_the_whole_domain_of_operation_date_revocation_show_shot_and_identity() -> None:
    dates = {FROM - DAY: False, FROM: True, FROM + DAY: True, UNTIL - DAY: True, UNTIL: True, UNTIL + DAY: False}
    revocations = [NEVER, FROM - DAY, FROM, FROM + DAY, UNTIL, UNTIL + DAY]
    operations = [("train",), ("render",), ("train", "render")]
    shows = {"northern_light": True, "other": False, "": False}
    shots = {"sh0010": True, "ab0010": False}
    identities = {"old_man": True, "old_woman": False}
    cases = 0
    for revoked, granted in itertools.product(revocations, operations):
        paper = release(revoked=revoked, operations=list(granted))
        for operation, date, show, shot, who in itertools.product(OPERATIONS, dates, shows, shots, identities):
            asked = use(operation=operation, date=date, show=show, shot=shot, identity=who)
            good = all((dates[date], shows[show], shots[shot], identities[who], operation in granted, date < revoked))
            assert (not refusals(paper, asked)) == good, asked
            if good:
                assert require([paper], asked) is paper
            else:
                with pytest.raises(ConsentError, match="no release covers it"):
                    require([paper], asked)
            cases += 1
    assert cases == 6 * 3 * len(OPERATIONS) * 6 * 3 * 2 * 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"date": UNTIL + DAY}, "ran out on 2026-09-30"),
        ({"date": FROM - DAY}, "begins on 2026-03-01"),
        ({"show": "other"}, "is for show 'northern_light'"),
        ({"shot": "ab0010"}, "is for shot 'sh*'"),
        ({"identity": "old_woman"}, "is for 'old_man'"),
    ],
)
def test_a_refusal_says_why(changes: dict[str, Any], reason: str) -> None:
    assert refusals(release(), use(**changes)) == [reason]


def test_a_refusal_names_every_release_and_every_reason() -> None:
    papers = [
        release("a", operations=["train"], valid_until=dt.date(2026, 4, 1)),
        release("b", revoked=dt.date(2026, 5, 5)),
        release("c", identity="old_men"),
    ]
    with pytest.raises(ConsentError) as caught:
        require(papers, use(date=dt.date(2026, 6, 1)))
    assert str(caught.value).split("\n") == [
        "render of 'old_man' in show 'northern_light', shot 'sh0010' on 2026-06-01: no release covers it; "
        "file a signed one that does with 'vfx-deepfake release add', or correct the shot",
        "  a: is for train only, ran out on 2026-04-01",
        "  b: was revoked on 2026-05-05",
        "  c: is for 'old_men'",
        "  did you mean identity 'old_men'?",
    ]


def test_no_release_at_all_is_said() -> None:
    with pytest.raises(ConsentError, match="there is no release on record"):
        require([], use())


def test_a_shot_without_identity_is_told_which_ones_there_are() -> None:
    with pytest.raises(ConsentError, match=r"\[consent\].identity is empty; .*on record: old_man$"):
        require([release()], use(identity=""))
    with pytest.raises(ConsentError, match="no release is on record"):
        require([], use(identity=""))


def test_of_several_the_one_that_runs_longest_is_taken() -> None:
    long_but_revoked = release("a", valid_until=dt.date(2030, 1, 1), revoked=dt.date(2026, 5, 1))
    longest = release("b", valid_until=dt.date(2027, 1, 1))
    assert require([release("c"), long_but_revoked, longest], use()) is longest


def test_an_unknown_operation_is_our_bug_not_the_artists() -> None:
    with pytest.raises(ValueError, match="operation is 'paint'; known are train, render"):
        require([release()], use(operation="paint"))


def test_star_covers_a_shot_without_a_show() -> None:
    assert refusals(release(shows=["*"]), use(show="")) == []


def test_state_on_each_side_of_each_day() -> None:
    paper = release(revoked=dt.date(2026, 8, 1))
    assert state(paper, FROM - DAY) == "begins on 2026-03-01"
    assert state(paper, FROM) == "valid until 2026-09-30"
    assert state(paper, dt.date(2026, 8, 1)) == "revoked on 2026-08-01"
    assert state(release(), UNTIL + DAY) == "ran out on 2026-09-30"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "borrowed"}, "kind is 'borrowed'; choose one of employment-based replica, "),
        ({"operations": ["train", "sell"]}, "operations names 'sell'; known are train, render"),
        ({"operations": []}, "operations is empty"),
        ({"performer": " "}, "performer is empty; it must be said"),
        ({"valid_until": FROM - DAY}, "valid_until 2026-02-28 lies before valid_from 2026-03-01"),
        ({"valid_from": dt.date(2026, 1, 1)}, "consent can't be given backwards"),
        ({"signed": dt.datetime(2026, 2, 20, 8)}, "signed must be a plain date such as 2026-03-01"),
        ({"signed": "2026-02-20"}, "signed: is '2026-02-20'; want date"),
        ({"document": ""}, "document is empty; name the signed paper"),
        ({"document_sha256": "AB" * 32}, "the hash is 64 lower-case hex digits"),
        ({"schema": 3}, "schema is 3; this software knows 2"),
        ({"revokd": dt.date(2026, 4, 1)}, r"r.toml.revokd: unknown key; did you mean 'revoked' or 'revoked_by'\?"),
        ({"id": "other"}, "the id is the file's name, so leave it out"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConsentError, match=message):
        release(**changes)


def test_only_a_synthetic_performer_needs_no_paper() -> None:
    bare = {"document": "", "document_sha256": ""}
    assert release(kind="synthetic performer", **bare).document == ""
    for kind in KINDS[:-1]:
        with pytest.raises(ConsentError, match="document is empty"):
            release(kind=kind, **bare)


def test_add_files_a_release_that_reads_back_the_same(tmp_path: Path) -> None:
    spoken = 'She said: "younger" — 20 years\nfür Rückblenden \\ only 😀'
    path = add_release(tmp_path / "releases", {**FIELDS, "description": spoken})
    assert path.name == "old_man_2026-02-20.toml"
    (read,) = load_releases(tmp_path / "releases")
    assert read == release("old_man_2026-02-20", description=spoken)
    assert "revoked" not in path.read_text(encoding="utf-8")


def test_add_takes_the_hash_of_a_paper_at_hand(tmp_path: Path) -> None:
    (tmp_path / "rider.pdf").write_bytes(b"signed")
    table = {key: value for key, value in FIELDS.items() if key != "document_sha256"}
    add_release(tmp_path, {**table, "id": "rider"})
    (read,) = load_releases(tmp_path)
    assert read.document_sha256 == hashlib.sha256(b"signed").hexdigest()


def test_add_never_replaces_a_signed_release(tmp_path: Path) -> None:
    path = add_release(tmp_path, FIELDS)
    before = path.read_bytes()
    with pytest.raises(ConsentError, match="exists already and stays as it was signed"):
        add_release(tmp_path, {**FIELDS, "performer": "Someone Else"})
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["../up", "a/b", ".hidden"])
def test_add_keeps_to_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConsentError, match="can't be a file name"):
        add_release(tmp_path / "releases", {**FIELDS, "id": name})
    assert list(tmp_path.rglob("*")) == []


def test_a_refused_release_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ConsentError, match="release.approved_by: missing"):
        add_release(tmp_path, {key: value for key, value in FIELDS.items() if key != "approved_by"})
    assert list(tmp_path.iterdir()) == []


def test_a_changed_paper_closes_the_gate(tmp_path: Path) -> None:
    (tmp_path / "rider.pdf").write_bytes(b"signed")
    table = {**FIELDS, "document_sha256": hashlib.sha256(b"signed").hexdigest()}
    add_release(tmp_path, table)
    (tmp_path / "rider.pdf").write_bytes(b"signed, and one more page")
    with pytest.raises(ConsentError, match="is not the document that release 'old_man_2026-02-20' was filed with"):
        load_releases(tmp_path)


def test_every_problem_of_every_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("identity = old", encoding="utf-8")
    text = release_text(release()).replace("performer", "perfomer").replace("kind =", "kin =")
    (tmp_path / "b.toml").write_text(text, encoding="utf-8")
    (tmp_path / "c.toml").write_text(release_text(release()), encoding="utf-8")
    with pytest.raises(ConsentError) as caught:
        load_releases(tmp_path)
    lines = str(caught.value).split("\n")
    assert len(lines) == 5  # one for a, two unknown and two missing keys for b
    assert "a.toml: not valid TOML" in lines[0]
    assert f"{tmp_path}/b.toml.perfomer: unknown key; did you mean 'performer'?" in lines


def test_a_folder_that_is_not_there_holds_no_release(tmp_path: Path) -> None:
    assert load_releases(tmp_path / "nowhere") == ()


def test_other_files_in_the_folder_are_let_be(tmp_path: Path) -> None:
    add_release(tmp_path, FIELDS)
    (tmp_path / "README.md").write_text("papers", encoding="utf-8")
    assert len(load_releases(tmp_path)) == 1
