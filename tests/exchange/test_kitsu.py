"""Kitsu for real: its own server on this host, driven by its own client as people do, against our commands."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("gazu", reason="gazu is not installed (extra: kitsu)")

import gazu

from tests.exchange import kitsu_server
from tests.exchange.kitsu_server import ADMIN, KitsuServer
from tests.exchange.tracking import publish_version
from tests.review.conftest import server  # noqa: F401 - a fixture
from tests.review.versions import name
from vfx_deepfake.cli import main
from vfx_deepfake.exchange import desk, kitsu
from vfx_deepfake.exchange.credentials import LOGIN, PASSWORD, TOKEN
from vfx_deepfake.exchange.publish import submission_of
from vfx_deepfake.exchange.versions import describe
from vfx_deepfake.review.decisions import decide
from vfx_deepfake.review.listing import about
from vfx_deepfake.review.notes import add_note
from vfx_deepfake.review.people import set_user, this_account
from vfx_deepfake.review.place import VARIABLE, find_place
from vfx_deepfake.review.registering import make_store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(kitsu_server.missing()), reason=kitsu_server.missing() or "-"),
]
STROKE = {"colour": "#ff8800", "width_px": 3, "points": [[10.0, 6.0], [20.0, 12.0], [40.0, 8.0]]}
SETTINGS = """[tracker]
kind = "kitsu"
site = "{site}"
credentials = "kitsu.toml"
[tracker.people]
"ana@example.com" = "ana"
"""


@pytest.fixture(scope="module")
def kitsu_site(server, tmp_path_factory):  # noqa: F811
    """The server, with project demo, SQ01/sh0010, its task, and Ana, a supervisor there."""
    made = KitsuServer(tmp_path_factory.mktemp("kitsu"), server)
    try:
        made.make()
        client = log_in(made, ADMIN, made.password)
        project = gazu.project.new_project("demo", client=client)
        project = gazu.project.update_project({**project, "fps": "24", "resolution": "320x180"}, client=client)
        task_type = gazu.task.get_task_type_by_name("Compositing", client=client)
        sequence = gazu.shot.new_sequence(project, "SQ01", client=client)
        for shot in ("sh0010", "sh0020", "sh0040"):
            gazu.task.new_task(gazu.shot.new_shot(project, sequence, shot, client=client), task_type, client=client)
        gazu.shot.new_shot(project, sequence, "sh0030", client=client)
        ana = gazu.person.new_person("Ana", "Alder", "ana@example.com", role="manager", client=client)
        gazu.person.change_password_for_person(ana, made.password, client=client)
        gazu.project.add_person_to_team(project, ana, client=client)
        yield made
    finally:
        made.remove()


def log_in(site: KitsuServer, login: str, password: str):
    client = gazu.client.create_client(site.site)
    gazu.log_in(login, password, client=client)
    return client


class Show:
    """A show of ours, and what Ana sees and does in Kitsu."""

    def __init__(self, site: KitsuServer, root: Path, shot: str) -> None:
        self.site, self.root, self.shot = site, root, shot
        (root / "review.toml").write_text(SETTINGS.format(site=site.site))
        secret = root / "kitsu.toml"
        secret.write_text(f'login = "{ADMIN}"\npassword = "{site.password}"\n')
        secret.chmod(0o600)
        self.store = make_store(find_place(root), this_account())
        for person, role in (("ana", "supervisor"), ("sam", "supervisor"), ("art", "artist"), ("kitsu", "artist")):
            set_user(self.store, this_account(), person, role=role)
        self.ana = log_in(site, "ana@example.com", site.password)
        project = gazu.project.get_project_by_name("demo", client=self.ana)
        there = next(each for each in gazu.shot.all_shots_for_project(project, client=self.ana) if each["name"] == shot)
        self.task = gazu.task.all_tasks_for_shot(there, client=self.ana)[0]

    def version(self, number: int) -> None:
        publish_version(self.store, number, shot=self.shot)

    def status(self) -> str:
        task = gazu.task.get_task(self.task["id"], client=self.ana)
        return gazu.task.get_task_status(task["task_status_id"], client=self.ana)["short_name"]

    def comments(self) -> list[dict]:
        return sorted(gazu.task.all_comments_for_task(self.task, client=self.ana), key=lambda each: each["created_at"])

    def previews(self) -> list[dict]:
        found = gazu.task.all_previews_for_task(self.task, client=self.ana)
        return [
            gazu.files.get_preview_file(each["id"], client=self.ana)
            for each in sorted(found, key=lambda each: each["revision"])
        ]

    def says(self, status: str, text: str) -> dict:
        return gazu.task.add_comment(
            self.task, gazu.task.get_task_status_by_short_name(status, client=self.ana), text, client=self.ana
        )

    def standing(self, number: int = 1) -> dict:
        return about(self.store, name(number, self.shot))


@pytest.fixture
def show(kitsu_site, tmp_path, monkeypatch, request):
    """``sh0010``, or the shot that the test's parameter names: each test has one of its own."""
    for variable in (VARIABLE, LOGIN, PASSWORD, TOKEN):
        monkeypatch.delenv(variable, raising=False)
    root = tmp_path / "show"
    root.mkdir()
    made = Show(kitsu_site, root, getattr(request, "param", "sh0010"))
    yield made
    made.store.close()


def run(capsys, *arguments: str) -> tuple[int, dict, str]:
    """One command, with what it printed."""
    code = main(["review", *arguments, "--json", "--progress", "none"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if out else {}, err


def test_out_and_back(show, capsys):
    shot = str(show.root / "sh0010")
    show.version(1)
    note = add_note(show.store, "art", name(), "the lip", frames="1002", drawing=[STROKE])
    code, _, err = run(capsys, "publish", shot, "v001")
    assert code == 0, err
    (preview,) = show.previews()
    assert (preview["revision"], preview["status"], preview["original_name"], preview["extension"]) == (
        1,
        "ready",
        "sh0010_v001",
        "mp4",
    )
    (drawing,) = preview["annotations"]
    assert drawing["time"] == pytest.approx(2 / 24, abs=1e-3)  # third picture: slate, 1001, 1002
    assert show.status() == "wfa"
    announced, said = show.comments()
    assert announced["text"].startswith("sh0010_v001 by ")
    assert said["text"].startswith("sh0010_v001 frame 1002, art: the lip")

    assert run(capsys, "publish", shot, "v001")[1]["lines"] == ["sh0010 v001  nothing new"]
    assert (len(show.comments()), len(show.previews())) == (2, 1)

    show.says("retake", "the lip is late")
    gazu.task.reply_to_comment(show.task, said, "and the jaw", client=show.ana)
    me = gazu.client.get_current_user(client=show.ana)["id"]
    stroke = {"type": "path", "id": "hers", "path": [["M", 32, 18], ["Q", 40, 20, 48, 18]], "left": 31, "top": 17, "width": 16, "height": 1,
              "pathOffset": {"x": 40, "y": 18.5}, "stroke": "#00ff00", "strokeWidth": 2, "canvasWidth": 128, "canvasHeight": 72,
              "createdBy": me}  # fmt: skip
    hers = {"additions": [{"time": 0.125, "drawing": {"objects": [stroke]}}]}
    gazu.client.put(f"actions/preview-files/{preview['id']}/update-annotations", hers, client=show.ana)
    code, came, err = run(capsys, "pull", str(show.root))
    assert code == 0, err
    standing = show.standing()
    assert [standing[key] for key in ("state", "decided_by", "reason")] == [
        "changes_requested",
        "ana",
        "the lip is late",
    ]
    found = {(each["author"], each["text"]): each for each in standing["notes"]}
    assert {*found} == {
        ("art", "the lip"),
        ("ana", "the lip is late"),
        ("ana", "and the jaw"),
        ("ana", "(a drawing)"),
    }, came
    assert found["ana", "and the jaw"]["reply_to"] == note["id"]
    hers = found["ana", "(a drawing)"]
    assert (hers["first_frame"], hers["drawing"]) == (
        1003,
        [{"colour": "#00ff00", "width_px": 1.0, "points": [[16.0, 9.0], [24.0, 9.0]]}],
    )
    assert run(capsys, "pull", str(show.root))[1]["lines"] == ["nothing new"]
    assert run(capsys, "publish", shot, "v001")[1]["lines"] == ["sh0010 v001  nothing new"]

    show.version(2)
    assert run(capsys, "publish", shot, "--all-pending")[0] == 2
    assert run(capsys, "publish", "--all-pending", "--folder", str(show.root))[0] == 0
    assert ([each["revision"] for each in show.previews()], show.status()) == ([1, 2], "wfa")
    decide(show.store, "sam", name(2), "approved", "good")
    assert run(capsys, "publish", "--all-pending", "--folder", str(show.root))[1]["lines"] == [
        "sh0010 v002  approved: good"
    ]
    assert show.status() == "approved"
    assert "approved by sam: good" in show.comments()[-1]["text"]
    assert run(capsys, "pull", str(show.root))[1]["lines"] == ["nothing new"]
    numbers = (len(show.comments()), len(show.previews()))
    run(capsys, "publish", shot, "v001", "v002")
    assert (len(show.comments()), len(show.previews())) == numbers
    kept = (show.store.place.journal.read_text(), show.store.place.file.read_bytes().decode("latin-1"))
    assert not any(show.site.password in each for each in kept)


KILLED = """
import os, signal, sys
from vfx_deepfake.exchange import desk
def killed(*args, **more):
    os.kill(os.getpid(), signal.SIGKILL)
desk.link = killed
from vfx_deepfake.cli import main
sys.exit(main(["review", "publish", *sys.argv[1:]]))
"""


@pytest.mark.parametrize("show", ["sh0020"], indirect=True)
def test_a_kill_between_upload_and_link_gives_no_second_version(show, capsys):
    show.version(1)
    shot = str(show.root / "sh0020")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, shot, "v001"], capture_output=True, text=True, env=os.environ.copy()
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (first,) = show.previews()
    code, result, err = run(capsys, "publish", shot, "v001")
    assert code == 0, err
    assert result["lines"] == ["sh0020 v001  found there"]
    assert [each["id"] for each in show.previews()] == [first["id"]]
    assert len(show.comments()) == 1

    # killed earlier: the comment is there, without its preview; and the preview is there, without its movie
    show.version(2)
    submission = submission_of(describe(show.store, name(2, "sh0020")))
    with desk.open_desk(show.store, this_account(), "demo", "publish") as ours:
        ours.tracker._comment(
            show.task["id"], ours.tracker.status_id("wfa"), kitsu.marked("begun", "version", submission.identity)
        )
        found = ours.tracker.find_version(show.task["id"], submission)
        assert (found.is_ours, found.is_complete) == (True, False)
    gazu.task.create_preview(show.task, show.comments()[-1], revision=2, client=show.ana)
    assert run(capsys, "publish", shot, "v002")[0] == 0
    assert [(each["revision"], each["original_name"]) for each in show.previews()] == [
        (1, "sh0020_v001"),
        (2, "sh0020_v002"),
    ]
    assert len(show.comments()) == 2

    # somebody's own revision 3 is not ours
    show.version(3)
    gazu.task.create_preview(show.task, show.says("wip", "by hand"), revision=3, client=show.ana)
    code, _, err = run(capsys, "publish", shot, "v003")
    assert code == 2
    assert "sh0020 v003: the tracker has another version with number 3" in err

    # v001 is not the newest there any more, so its decision leaves the task's status alone
    before = show.status()
    decide(show.store, "sam", name(1, "sh0020"), "changes_requested", "older")
    assert run(capsys, "publish", shot, "v001")[0] == 0
    assert show.status() == before
    assert "retake by sam: older" in show.comments()[-1]["text"]
    with desk.open_desk(show.store, this_account(), "demo", "publish") as ours:
        there = ours.tracker.read_back({first["id"]: ours.sent()[first["id"]][1]})
    assert [status.text for status in there.statuses] == [
        "sh0020_v001 retake by sam: older"
    ]  # it is found by its mark, on v001


@pytest.mark.parametrize("show", ["sh0040"], indirect=True)
def test_what_is_wrong_is_said_in_one_line(show, capsys, monkeypatch):
    show.version(1)
    shot, site, settings = str(show.root / "sh0040"), show.site.site, show.root / "review.toml"

    def refused(expected: int = 2) -> str:
        code, _, err = run(capsys, "publish", shot, "v001", "--dry-run")
        assert (code, len(err.strip().splitlines())) == (expected, 1), err
        assert show.site.password not in err
        return err

    text = settings.read_text()
    settings.write_text(text.replace("[tracker]", '[tracker]\nproject = "dmeo"'))
    assert f"{site}: has no open project 'dmeo'; there are: demo; set [tracker].project" in refused()
    settings.write_text(text.replace("[tracker]", '[tracker]\ntask = "Roto"'))
    assert f"{site}: has no task type 'Roto'; there are: " in refused()
    settings.write_text(text + '[tracker.shots]\nsh0040 = "sh0041"\n')
    assert (
        f"{site}: demo: has no shot 'sh0041'; there are: SQ01/sh0010, SQ01/sh0020, SQ01/sh0030, SQ01/sh0040; make it there"
        in refused()
    )
    settings.write_text(text + '[tracker.shots]\nsh0040 = "SQ01/sh0030"\n')
    assert f"{site}: demo: SQ01/sh0030 has no task 'Compositing'; make it there, or set [tracker].task" in refused()
    settings.write_text(
        text.replace("[tracker.people]", '[tracker.status]\npending_review = ["to-see"]\n[tracker.people]')
    )
    code, _, err = run(capsys, "publish", shot, "v001")
    assert code == 2
    assert f"{site}: has no status 'to-see'; there are: " in err
    assert show.comments() == []
    settings.write_text(text.replace("kitsu", "kistu", 1))
    assert "[tracker].kind: is 'kistu'; choose one of kitsu, shotgrid" in refused()
    settings.write_text(text)

    (show.root / "kitsu.toml").chmod(0o640)
    assert "kitsu.toml: others may read or change it; chown it to this account and chmod 600 it" in refused()
    monkeypatch.setenv(LOGIN, ADMIN)
    monkeypatch.setenv(PASSWORD, "not this one")
    assert f"{site}: refuses the login; check the credentials" in refused()
    monkeypatch.setenv(PASSWORD, show.site.password)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: whoever calls is turned away
        silent = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        settings.write_text(text.replace(site, silent))
        assert f"{silent}: does not answer; check the address and the network" in refused(75)
    settings.write_text(text)
    assert run(capsys, "publish", shot, "v001", "--dry-run")[0] == 0
