"""Settings of the tracker, its credentials, its marks."""

from __future__ import annotations

import pytest

from tests.exchange.tracking import publish_version
from tests.review.conftest import engine_name, place, root, server, store  # noqa: F401 - fixtures
from vfx_deepfake.cli import main
from vfx_deepfake.errors import BusyError, ReviewError, ShotError
from vfx_deepfake.exchange.credentials import LOGIN, PASSWORD, TOKEN, Credentials, read_credentials
from vfx_deepfake.exchange.desk import LOCK_FOLDER, from_facts, open_desk, place_of
from vfx_deepfake.exchange.publish import facts_of, submission_of
from vfx_deepfake.exchange.tracker import adapter_named, mark_of, marked, unmarked
from vfx_deepfake.exchange.versions import describe
from vfx_deepfake.files import one_writer
from vfx_deepfake.review.find import VersionName
from vfx_deepfake.settings.dailies import DailiesSpec, TrackerSpec
from vfx_deepfake.tables import build

SQLITE = pytest.mark.parametrize("engine_name", ["sqlite"], indirect=True)


@pytest.fixture
def no_login(monkeypatch):
    for variable in (LOGIN, PASSWORD, TOKEN):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def secret(tmp_path, no_login):
    """A file that only this account may read, with the given text."""

    def write(text: str, mode: int = 0o600):
        file = tmp_path / "kitsu.toml"
        file.write_text(text)
        file.chmod(mode)
        return file

    return write


def test_credentials_come_from_the_environment_or_a_private_file(secret, monkeypatch):
    file = secret('login = "bot@studio.com"\npassword = "hidden 1"\n')
    assert read_credentials(file) == Credentials(login="bot@studio.com", password="hidden 1")
    assert "hidden" not in repr(read_credentials(file))
    monkeypatch.setenv(TOKEN, "token 2")
    assert read_credentials(file) == Credentials(token="token 2")
    assert "token 2" not in repr(read_credentials(None))


def test_without_credentials_it_says_where_they_go(no_login, tmp_path):
    with pytest.raises(
        ReviewError, match=rf"set {LOGIN} and {PASSWORD} \(or {TOKEN}\), or name a file as 'credentials' in \[tracker\]"
    ):
        read_credentials(None)
    with pytest.raises(ReviewError, match=r"nothing.toml: can't be read \(No such file or directory\)"):
        read_credentials(tmp_path / "nothing.toml")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_may_read_is_refused(secret, mode):
    with pytest.raises(
        ReviewError, match="kitsu.toml: others may read or change it; chown it to this account and chmod 600 it"
    ):
        read_credentials(secret('token = "hidden"', mode))


@pytest.mark.parametrize(
    "text",
    ['login = "bot"', 'password = "hidden"', "login = 1\npassword = 12345678", 'token = "x"\npasword = "hidden"', ""],
)
def test_a_file_with_something_else_is_refused_without_quoting_it(secret, text):
    with pytest.raises(
        ReviewError, match="kitsu.toml: want the texts login and password, or the text token, and nothing else"
    ) as caught:
        read_credentials(secret(text))
    assert "hidden" not in str(caught.value)
    assert "12345678" not in str(caught.value)


PROBLEMS = [
    ({"kind": "kitsu"}, r"\[tracker\]: site is ''; want the tracker's address"),
    ({"kind": "kitsu", "site": "ftp://x"}, "want the tracker's address, https://kitsu.studio.com"),
    ({"kind": "kitsu", "site": "https://bot:hidden@x"}, "site holds a login; give it by the environment or a file"),
    ({"kind": "kitsu", "site": "https://x", "people": {"a@b": 1}}, "people: is {'a@b': 1}; want a table of texts"),
    ({"pasword": "x"}, "pasword: unknown key"),
    ({"status": {"done": ["x"]}}, "done: unknown key; known keys: approved, changes_requested, pending_review"),
]


@pytest.mark.parametrize(("table", "problem"), PROBLEMS)
def test_settings_that_cannot_be_used(table, problem):
    with pytest.raises(ShotError, match=problem) as caught:
        build(DailiesSpec, {"tracker": table}, "review.toml")
    assert "hidden" not in str(caught.value)


def test_an_unknown_tracker_lists_the_known_ones():
    with pytest.raises(ReviewError, match=r"\[tracker\].kind: is 'ftrack'; choose one of kitsu, shotgrid"):
        adapter_named("ftrack")


@pytest.mark.parametrize(
    "text", ["", "lip", "two\nlines", "[vfx note 12]", "ends in [vfx note 0123456789abcdef] not", "lip\n\n"]
)
def test_a_mark_comes_off_as_it_went_on(text):
    identity = "0123456789abcdef" * 2
    whole = marked(text, "note", identity)
    assert unmarked(whole) == (text.rstrip() if text.strip() else "", mark_of("note", identity))
    assert unmarked(f"{whole}\n ") == unmarked(whole)  # trackers trim and pad
    assert unmarked(text) == (text, "")


@SQLITE
def test_a_desk_needs_a_tracker_a_role_and_to_be_alone(store, no_login, monkeypatch):  # noqa: F811
    settings = store.place.root / "review.toml"

    def opened(who: str, action: str) -> None:
        with open_desk(store, who, "demo", action):
            raise AssertionError("nobody is there to log in to")

    with pytest.raises(ReviewError, match=r"names no tracker; put \[tracker\] with kind"):
        opened("art", "publish")
    settings.write_text('[tracker]\nkind = "kitsu"\nsite = "http://127.0.0.1:9"\n')
    with pytest.raises(ReviewError, match="art: is artist; to pull takes supervisor"):
        opened("art", "pull")
    with pytest.raises(ReviewError, match="the tracker wants a login"):
        opened("art", "publish")
    monkeypatch.setenv(TOKEN, "x")
    with (
        one_writer(store.place.root / LOCK_FOLDER, "somebody"),
        pytest.raises(BusyError, match=r"\.tracker: somebody .* works on it"),
    ):
        opened("art", "publish")


@SQLITE
def test_what_was_sent_is_kept_with_its_link(store):  # noqa: F811
    publish_version(store)
    submission = submission_of(describe(store, VersionName("demo", "sh0010", "v001")))
    facts = facts_of(submission)
    assert "movie" not in facts
    assert facts_of(from_facts(facts)) == facts
    assert (from_facts(facts).title, from_facts(facts).frame_rate) == (submission.title, submission.frame_rate)


def test_links_mean_something_in_one_project_of_one_site_only():
    spec = TrackerSpec(kind="kitsu", site="https://k.studio.com/")
    assert place_of(spec, "demo") == "kitsu https://k.studio.com/demo"
    assert (
        place_of(TrackerSpec(kind="kitsu", site="https://k.studio.com", project="Demo 2"), "demo")
        == "kitsu https://k.studio.com/Demo 2"
    )


@SQLITE
@pytest.mark.parametrize(("arguments", "problem"), [
    (["publish"], "name a shot and its versions, or give --all-pending"),
    (["publish", "sh0010"], "which versions? Name them, e.g. v003"),
    (["publish", "sh0010", "v001", "--all-pending"], "name a shot and its versions, or give --all-pending"),
    (["publish", "--all-pending"], "names no tracker; put [tracker] with kind"),
    (["pull"], "names no tracker; put [tracker] with kind"),
])  # fmt: skip
def test_commands_that_cannot_be_meant(store, monkeypatch, capsys, arguments, problem):  # noqa: F811
    monkeypatch.chdir(store.place.root)
    assert main(["review", *arguments]) == 2
    assert problem in capsys.readouterr().err
