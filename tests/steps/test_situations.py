"""What the gate says in every situation that a production can get into: one row a situation.

Each row starts from a shot in order: an actor in the plate, a double whose faceset is put on him, both released for everything. One thing
is changed, an operation is asked for, and the table says who answers and with which words; an empty text means that it goes ahead.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vfx_deepfake.errors import ConsentError
from vfx_deepfake.provenance import register
from vfx_deepfake.provenance.register import REGISTER, add_release, revoke_release
from vfx_deepfake.shot import Shot, load_shot
from vfx_deepfake.steps import consent
from vfx_deepfake.steps.consent import Watch, covering, require_ancestors, require_releases
from vfx_deepfake.steps.library import require_for_library

TODAY = dt.date.today()
DAY = dt.timedelta(days=1)
ALL = ["train", "render", "deliver", "age", "expression", "dubbing", "export", "library"]
PAPER: dict[str, Any] = {
    "performer": "P. Former", "kind": "employment-based replica", "description": "as shown to the performer", "shows": ["north"],
    "sequences": ["ab"], "shots": ["sh*"], "operations": ALL, "ages": [20, 60], "territory": ["EU", "US"], "signed": TODAY - 30 * DAY,
    "valid_from": TODAY - 30 * DAY, "valid_until": TODAY + 300 * DAY, "document": "rider.pdf", "document_sha256": "ab" * 32,
    "approved_by": "legal",
}  # fmt: skip
SHOT = """schema = 2
[shot]
name = "{name}"
show = "{show}"
sequence = "ab"
[plate]
pattern = "plate/x.####.exr"
colorspace = "ACEScg"
[model]
method = "{method}"
[identity]
faceset = ["../facesets/double"]
{identity}
[consent]
identity = "{actor}"
releases = "../releases"
territory = "EU"
{consent}
"""


class Production:
    """A show on disk that a situation changes before the gate is asked."""

    def __init__(self, root: Path) -> None:
        self.root, self.releases = root, root / "releases"
        self.files: dict[str, str] = {
            "name": "sh0010",
            "show": "north",
            "method": "renderer",
            "identity": "",
            "actor": "actor",
            "consent": "",
        }
        self.papers = {"actor": dict(PAPER), "double": dict(PAPER)}
        self.after: list[Callable[[], object]] = []
        self.faceset("double", "double")

    def faceset(self, name: str, identity: str) -> None:
        folder = self.root / "facesets" / name
        folder.mkdir(parents=True)
        (folder / "faceset.toml").write_text(f'identity = "{identity}"\n')

    def take(self, actor: str) -> None:
        """Another shot whose performance drives this one."""
        (self.root / "take").mkdir()
        text = SHOT.format(**{**self.files, "name": "take", "method": "passthrough", "actor": actor})
        (self.root / "take" / "shot.toml").write_text(text)
        self.files["identity"] += '\ndrive = "../take"'

    def shot(self) -> Shot:
        for who, paper in self.papers.items():
            add_release(self.releases, {"id": who, "identity": who, **paper})
        folder = self.root / "sh0010"
        folder.mkdir()
        (folder / "shot.toml").write_text(SHOT.format(**self.files))
        for change in self.after:
            change()
        return load_shot(folder)


def asks(operation: str) -> Callable[[Shot], object]:
    return lambda shot: require_releases(shot, operation)


def rewrite(production: Production, old: str, new: str, who: str = "double") -> None:
    file = production.releases / f"{who}.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def paper(who: str = "double", **changes: Any) -> Callable[[Production], None]:
    return lambda production: production.papers[who].update(changes)


def no_paper(who: str) -> Callable[[Production], None]:
    return lambda production: production.papers.pop(who, None) and None


def said(**changes: str) -> Callable[[Production], None]:
    return lambda production: production.files.update(changes)


def later(change: Callable[[Production], object]) -> Callable[[Production], None]:
    return lambda production: production.after.append(lambda: change(production))


def both(*changes: Callable[[Production], object]) -> Callable[[Production], None]:
    def apply(production: Production) -> None:
        for change in changes:
            change(production)

    return apply


def withdrawn(on: dt.date = TODAY, who: str = "double") -> Callable[[Production], None]:
    return later(lambda production: revoke_release(production.releases, who, on=on, by="the performer", why=""))


def without(*operations: str) -> list[str]:
    return [each for each in ALL if each not in operations]


def a_second_paper(**changes: Any) -> Callable[[Production], None]:
    return later(
        lambda production: add_release(production.releases, {**PAPER, "id": "second", "identity": "double", **changes})
    )


def forged_register(production: Production) -> None:
    path = production.releases / REGISTER
    lines = path.read_text().splitlines()
    event = json.loads(lines[0])
    path.write_text("\n".join([json.dumps({**event, "who": "somebody"}), *lines[1:]]) + "\n")


def a_version_of(day: dt.date) -> Callable[[Production], None]:
    def write(production: Production) -> None:
        folder = production.root / "sh0010" / "versions" / "v001"
        folder.mkdir(parents=True)
        (folder / "version.json").write_text(json.dumps({"made_at": f"{day}T12:00:00+00:00"}))

    return later(write)


def stranger(production: Production) -> None:
    """A release that was put there by hand."""
    text = (production.releases / "double.toml").read_text()
    (production.releases / "friend.toml").write_text(text)


def undone(production: Production) -> None:
    """A withdrawal taken out of the file again."""
    revoke_release(production.releases, "double", on=TODAY, by="the performer", why="")
    file = production.releases / "double.toml"
    file.write_text("\n".join(line for line in file.read_text().splitlines() if not line.startswith("revoked")))


MINOR = {"minor": True, "guardian": "G. Uardian", "second_approval": "producer", "operations": without("export", "library"),
         "valid_until": TODAY + 200 * DAY}  # fmt: skip
NOTHING = both()
TRAIN, RENDER, DELIVER, EXPORT = asks("train"), asks("render"), asks("deliver"), asks("export")

# name, what is changed, what is asked, what is said (a regular expression; empty: it goes ahead)
SITUATIONS: tuple[tuple[str, Callable[[Production], object], Callable[[Shot], object], str], ...] = (
    ("all in order: train", NOTHING, TRAIN, ""),
    ("all in order: render", NOTHING, RENDER, ""),
    ("all in order: deliver", NOTHING, DELIVER, ""),
    ("no release at all", both(no_paper("actor"), no_paper("double")), TRAIN, "there is no release on record"),
    ("no release of the double", no_paper("double"), TRAIN, r"the faceset .*double: train of 'double'.*no release covers it"),
    ("no release of the actor in the plate", no_paper("actor"), RENDER, r"^render of 'actor'.*no release covers it"),
    ("one release for two identities", both(no_paper("double"), said(actor="actor")), RENDER, r"actor: is for 'actor'"),
    ("the shot does not say whose face it is", said(actor=""), TRAIN, r"\[consent\].identity is empty"),
    ("a name misspelt", said(actor="acter"), TRAIN, "did you mean identity 'actor'"),
    ("run out yesterday", paper(valid_until=TODAY - DAY), TRAIN, f"ran out on {TODAY - DAY}"),
    ("the last day", paper(valid_until=TODAY), TRAIN, ""),
    ("begins tomorrow", paper(valid_from=TODAY + DAY), TRAIN, f"begins on {TODAY + DAY}"),
    ("begins today", paper(valid_from=TODAY), TRAIN, ""),
    ("another production", paper(shows=["south"]), TRAIN, "is for show 'south'"),
    ("another sequence", paper(sequences=["cd", "ef"]), RENDER, "is for sequence 'cd' or 'ef'"),
    ("another shot", paper(shots=["zz*"]), RENDER, r"is for shot 'zz\*'"),
    ("training alone is released, rendering asked for", paper(operations=["train"]), RENDER, "is for train only"),
    ("delivery is not released", paper(operations=without("deliver")), DELIVER, "deliver of 'double'"),
    ("handing a model on is not released", paper(operations=without("export")), EXPORT, "export of 'double'"),
    ("keeping a model is not released", paper(operations=without("library")), lambda shot: require_for_library(shot, "double"),
     "library of 'double'"),
    ("shown at an age inside the range", said(identity="age = 30"), RENDER, ""),
    ("shown at an age outside the range", said(identity="age = 70"), RENDER, "is for ages 20 to 60, 70 is asked for"),
    ("an age that leaves the range on one frame", said(identity="age = [[1001, 30], [1010, 15]]"), RENDER, "15 to 30 is asked for"),
    ("change of age is not released", both(paper(operations=without("age")), said(identity="age = 30")), RENDER, "with change of age"),
    ("the actor's own apparent age is outside", said(consent="apparent_age = 90"), RENDER, "is for ages 20 to 60, 90 is asked for"),
    ("a smile put on, not released", both(paper(operations=without("expression")), said(identity="expression = { smile = 0.3 }")), RENDER,
     "with change of expression"),
    ("dubbing not released by the actor who is dubbed",
     both(paper("actor", operations=without("dubbing")), lambda p: p.take("actor")), RENDER,
     "^render of 'actor' with change of dubbing"),
    ("the actor of the driving take has no release", lambda p: p.take("speaker"), RENDER, "the driving take take: render of 'speaker'"),
    ("training does not need the driving take", lambda p: p.take("speaker"), TRAIN, ""),
    ("an alteration-only release for a replica", paper(kind="alteration only"), RENDER, "not for a replica on somebody else"),
    ("alteration only, on the person's own performance", paper("actor", kind="alteration only"), RENDER, ""),
    ("delivered to a territory that is not covered", paper(territory=["JP"]), DELIVER, "is for 'JP'; 'EU' is asked for"),
    ("another territory does not keep from rendering", paper(territory=["JP"]), RENDER, ""),
    ("withdrawn today", withdrawn(), TRAIN, f"was revoked on {TODAY}"),
    ("withdrawn from tomorrow on", withdrawn(TODAY + DAY), TRAIN, ""),
    ("withdrawn by hand in the file", later(lambda p: rewrite(p, "approved_by", f"revoked = {TODAY}\napproved_by")), TRAIN,
     f"was revoked on {TODAY}"),
    ("a withdrawal taken out again", later(undone), TRAIN, f"was revoked on {TODAY}"),
    ("withdrawn, and a second release covers it", both(withdrawn(), a_second_paper()), RENDER, ""),
    ("two releases that cover half each", both(paper(operations=["train", "age"]), a_second_paper(operations=["render"]),
                                               said(identity="age = 30")), RENDER, "no release covers it"),
    ("retention has ended", paper(retention_until=TODAY - DAY), TRAIN, "asks for everything made of the person to be removed"),
    ("an ancestor of the network without a release", NOTHING, lambda shot: require_ancestors(shot, ["double", "somebody"], "train"),
     "the network that training started from: train of 'somebody'"),
    ("an ancestor whose release has run out", paper(valid_until=TODAY - DAY), lambda shot: require_ancestors(shot, ["double"], "render"),
     f"ran out on {TODAY - DAY}"),
    ("a release changed after it was filed", later(lambda p: rewrite(p, "north", "south")), TRAIN, "was changed after it was filed"),
    ("a release put there by hand", later(stranger), TRAIN, "was not filed with 'vfx-deepfake release add'"),
    ("the register changed", later(forged_register), TRAIN, "line 1 does not follow from the one before"),
    ("the register gone", later(lambda p: (p.releases / REGISTER).unlink()), TRAIN, "is missing; restore it from its backup"),
    ("the signed paper changed",
     both(paper(document_sha256="cd" * 32), later(lambda p: (p.releases / "rider.pdf").write_text("other"))), TRAIN,
     "is not the document that release"),
    ("a release that can't be read", later(lambda p: (p.releases / "zz.toml").write_text("identity = ")), TRAIN, "not valid TOML"),
    ("the host's clock is behind a signature", paper(signed=TODAY + 2 * DAY, valid_from=TODAY + 2 * DAY), TRAIN, "mend the host's clock"),
    ("the host's clock is behind the shot's newest version", a_version_of(TODAY + 9 * DAY), RENDER, "v001 of sh0010 was made on .* mend"),
    ("a version made today in another time zone", a_version_of(TODAY + DAY), RENDER, ""),
    ("a minor, all rules kept", paper(**MINOR), RENDER, ""),
    ("a minor's model kept in a library", paper(**MINOR), lambda shot: covering(shot, "double", "library"), "library of 'double'"),
    ("a faceset that does not say whose it is",
     lambda p: (p.root / "facesets/double/faceset.toml").write_text(""), TRAIN, "does not say whose face"),
    ("passed through: the gate is not asked", both(no_paper("actor"), no_paper("double"), said(method="passthrough")),
     lambda shot: consent.needs_release(shot) and require_releases(shot, "render"), ""),
)  # fmt: skip


def test_there_are_enough_and_each_has_its_own_name():
    names = [name for name, *_ in SITUATIONS]
    assert len(set(names)) == len(names) >= 40


@pytest.mark.parametrize(("change", "ask", "words"), [pytest.param(*rest, id=name) for name, *rest in SITUATIONS])
def test_situation(tmp_path, change, ask, words):
    production = Production(tmp_path)
    change(production)
    if words:
        with pytest.raises(Exception, match=words) as caught:
            ask(shot_of(production))
        assert caught.type.__module__ == "vfx_deepfake.errors"  # said on purpose, one of ours
    else:
        ask(shot_of(production))


def shot_of(production: Production) -> Shot:
    return production.shot()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"guardian": ""}, "guardian is empty"),
        ({"second_approval": ""}, "second_approval must name a second person"),
        ({"second_approval": "legal"}, "second_approval must name a second person"),
        ({"operations": ALL}, "operations names export and library; models of a minor are neither handed on nor kept"),
        ({"valid_until": TODAY + 400 * DAY}, "a minor's consent is asked for every year"),
        ({"minor": False}, "guardian and second_approval are for minors"),
        ({"ages": [30, 20]}, "give the youngest and the oldest age"),
        ({"ages": [30]}, "give the youngest and the oldest age"),
        ({"retention_until": TODAY - 99 * DAY}, "retention_until .* lies before valid_from"),
    ],
)
def test_a_release_that_can_not_be_filed(tmp_path, changes, words):
    with pytest.raises(ConsentError, match=words):
        add_release(tmp_path, {**PAPER, **MINOR, **changes, "identity": "child"})
    assert not list(tmp_path.glob("*.toml"))


def test_withdrawn_while_work_goes_on(tmp_path):
    production = Production(tmp_path)
    shot = production.shot()
    watch = Watch(shot, "train", seconds=0)
    watch()
    revoke_release(production.releases, "double", on=TODAY, by="the performer", why="no more")
    with pytest.raises(ConsentError, match=f"was revoked on {TODAY}"):
        watch()


def test_a_watch_does_not_look_at_every_step(tmp_path):
    watch = Watch(Production(tmp_path).shot(), "train", seconds=3600)
    for file in (tmp_path / "releases").glob("*.toml"):
        file.unlink()
    watch()  # would be refused if it looked
    with pytest.raises(ConsentError, match="there is no release on record"):
        Watch(load_shot(tmp_path / "sh0010"), "train", seconds=0)()


def test_training_stops_when_its_release_is_withdrawn(own_shot, monkeypatch):
    """A real training: withdrawn at its third step, it stops there and publishes nothing."""
    from vfx_deepfake.cli.main import main
    from vfx_deepfake.steps import train

    folder = own_shot("small")
    assert main(["track", str(folder), "--progress", "none"]) == 0
    steps = []

    def look(self: Watch) -> None:
        steps.append(1)
        if len(steps) == 3:
            revoke_release(folder / "releases", "performer", on=TODAY, by="the performer", why="")
        require_releases(load_shot(folder), "train")

    monkeypatch.setattr(train.Watch, "__call__", look)
    assert (
        main(["train", str(folder), "--progress", "none", "--set", "train.steps=8", "--set", "train.crop_px=32"]) == 2
    )
    assert len(steps) == 3
    assert not list(folder.glob("runs/*/checkpoint_*"))


def test_register_is_a_chain(tmp_path):
    production = Production(tmp_path)
    production.shot()
    revoke_release(production.releases, "double", on=TODAY, by="the performer", why="moved on")
    events = register.read_register(production.releases)
    steps = [(each["seq"], each["action"], each["release"]) for each in events]
    assert steps == [(1, "filed", "actor"), (2, "filed", "double"), (3, "withdrawn", "double")]
    assert (events[2]["by"], events[2]["why"], events[2]["on"]) == ("the performer", "moved on", str(TODAY))
    path = production.releases / REGISTER
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))  # the first line taken out
    with pytest.raises(ConsentError, match="line 1 does not follow"):
        register.read_register(production.releases)


def test_revoking_twice_or_nothing(tmp_path):
    production = Production(tmp_path)
    production.shot()
    revoke_release(production.releases, "double", on=TODAY, by="the performer", why="")
    with pytest.raises(ConsentError, match=f"was revoked on {TODAY} already"):
        revoke_release(production.releases, "double", on=TODAY + DAY, by="the performer", why="")
    with pytest.raises(ConsentError, match="no release 'nobody'; on record: actor, double"):
        revoke_release(production.releases, "nobody", on=TODAY, by="the performer", why="")
    with pytest.raises(ConsentError, match="say who withdraws it"):
        revoke_release(production.releases, "actor", on=TODAY, by=" ", why="")


@pytest.mark.parametrize("stage", ["track", "qc"])
def test_on_a_farm_even_looking_needs_a_release(own_shot, stage, capsys):
    from vfx_deepfake.farm.worker import Limits, work

    folder = own_shot("small")
    revoke_release(folder / "releases", "performer", on=TODAY, by="the performer", why="")
    ended = work([stage, str(folder)], Limits(timeout_s=600), say=lambda line: None)
    assert ended.code == 2 and f"was revoked on {TODAY}" in ended.why
    assert not (folder / "track").exists()
