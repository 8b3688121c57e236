"""A registered show for what goes out of the house: records without frames, or the dailies shot with its pictures."""

from __future__ import annotations

import shutil

import pytest

pytest.importorskip("opentimelineio", reason="OpenTimelineIO is not installed (extra: dailies)")
pytest.importorskip("reportlab", reason="ReportLab is not installed (extra: dailies)")

from tests.review.conftest import place, root, server, store  # noqa: F401 - fixtures
from tests.review.versions import QC, evidence, make_version
from vfx_deepfake.review.people import set_user
from vfx_deepfake.review.place import VARIABLE, find_place
from vfx_deepfake.review.registering import make_store, register, register_shot
from vfx_deepfake.shot import load_shot


@pytest.fixture
def engine_name():
    return "sqlite"


@pytest.fixture
def show(store):  # noqa: F811
    """sh0010 v001 and v002, sh0020 v001 of show demo; frames 1001-1003 that are on no disk."""
    for number, shot in ((1, "sh0010"), (2, "sh0010"), (1, "sh0020")):
        register(store, "boss", evidence(make_version(store.place.root, number, shot=shot, qc=QC), store.place.root))
    return store


@pytest.fixture(scope="session")
def pictured(dailies_shot, tmp_path_factory):
    """The dailies shot's two versions, registered, with frames and movie; ``ana`` is a supervisor. Tests add notes and decide nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(VARIABLE, raising=False)
        folder = shutil.copytree(dailies_shot.root, tmp_path_factory.mktemp("exchange") / "show")
        with make_store(find_place(folder), "boss") as opened:
            register_shot(opened, "boss", load_shot(folder / "sh0010"))
            set_user(opened, "boss", "ana", role="supervisor")
            yield opened
