"""Pictures over HTTP: what is sent, to whom, how often, and what is refused."""

from __future__ import annotations

import asyncio
import getpass
import gzip
import io
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

pytest.importorskip("fastapi", reason="FastAPI is not installed (extra: dailies)")
pytest.importorskip("httpx", reason="httpx is not installed (extra: dev)")

import uvicorn
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from PIL import Image

from tests.review.versions import evidence
from vfx_deepfake.files import hash_file
from vfx_deepfake.review.place import find_place
from vfx_deepfake.review.registering import make_store, register
from vfx_deepfake.viewing.cache import Cache, Entry
from vfx_deepfake.viewing.mattes import matte_plane
from vfx_deepfake.viewing.packed import pack
from vfx_deepfake.viewing.published import PLATE, VERSION, open_published
from vfx_deepfake.viewing.stills import display_picture, working_picture
from vfx_deepfake.web import pictures
from vfx_deepfake.web.app import create_app
from vfx_deepfake.web.options import Options

V2 = "/media/demo/sh0010/v002"
ME = getpass.getuser()


def client_of(dailies, options=Options(single_user=True), root=None):  # noqa: B008 - frozen
    """The shot's versions registered and served; ``root``: where the database lies, if not in the show's folder."""
    place = find_place(root or dailies.root)
    with make_store(place, ME) as store:
        for number in (1, 2):
            file = dailies.folder(number) / "version.json"
            register(store, ME, evidence(file, place.root))
    return TestClient(
        create_app(place, options), base_url="http://127.0.0.1", client=("127.0.0.1", 50_000), follow_redirects=False
    )


@pytest.fixture(scope="module")
def site(dailies_shot, tmp_path_factory):
    """The dailies shot served to the account that runs the tests; its database lies elsewhere."""
    with client_of(dailies_shot, root=tmp_path_factory.mktemp("served")) as client:
        yield client


@pytest.fixture
def own_site(own_dailies, tmp_path, monkeypatch):
    """A copy that a test may change, with a cache of its own."""
    monkeypatch.setenv("VFX_DEEPFAKE_REVIEW_CACHE", str(tmp_path / "cache"))
    with client_of(own_dailies) as client:
        yield client


@pytest.fixture(scope="module")
def version(dailies_shot):
    return open_published(dailies_shot.shot.folder, dailies_shot.folder(2))


def words(answer, status) -> str:
    """The one line of a refusal."""
    assert answer.status_code == status, answer.text[:300]
    line = answer.json()["error"]
    assert "\n" not in line
    assert "Traceback" not in line
    return line


def test_info_is_what_the_player_needs(site):
    info = site.get(f"{V2}/info.json").json()
    assert info["frames"] == list(range(1001, 1015))
    assert info["encoding"]["curve"] == "acescct_extended"
    assert info["plate"] is True
    assert len(site.get(f"{V2}/landmarks.json").json()["1012"]) == 478


@pytest.mark.parametrize("of", [VERSION, PLATE])
@pytest.mark.parametrize("width", [0, 480, 960, 1920])
def test_a_frame_is_the_packed_picture(site, version, of, width):
    answer = site.get(f"{V2}/frames/1012", params={"of": of, "width": width})
    assert (answer.status_code, answer.headers["content-encoding"]) == (200, "gzip")
    assert (answer.headers["x-width"], answer.headers["x-height"]) == ("320", "180")  # never larger than it is
    assert answer.headers["cache-control"] == "private, max-age=86400, immutable"
    linear, outside = working_picture(version, version.picture(1012, of))
    assert np.array_equal(np.frombuffer(answer.content, "<u4").reshape(180, 320), pack(linear, (320, 180), outside))


def test_a_matte_is_a_plane_of_bytes(site, version):
    answer = site.get(f"{V2}/mattes/1012", params={"layer": "matte.eyes"})
    assert np.array_equal(
        np.frombuffer(answer.content, np.uint8).reshape(180, 320), matte_plane(version, 1012, "matte.eyes", (320, 180))
    )


def test_a_view_is_a_table_with_its_error(site):
    by_number, by_name = site.get(f"{V2}/lut/0"), site.get(f"{V2}/lut/ACES 1.0 - SDR Video (sRGB - Display)")
    assert site.get(f"{V2}/lut/default").content == by_number.content  # the shot asks for the first view
    assert by_number.content == by_name.content
    size = int(by_number.headers["x-size"])
    table = np.frombuffer(by_number.content, "<f2").reshape(size, size, size, 4)
    assert table[0, 0, -1, 0] > table[-1, 0, 0, 0]
    assert 0 < float(by_number.headers["x-error-mean"]) < float(by_number.headers["x-error-most"]) < 15


def test_pictures_for_walls_and_for_people_without_the_player(site, version):
    thumb = Image.open(io.BytesIO(site.get(f"{V2}/thumb.jpg").content))
    assert (thumb.format, thumb.size) == ("JPEG", (320, 180))
    still = site.get(f"{V2}/still.png", params={"frame": 1012, "exposure": -1})
    assert np.array_equal(np.array(Image.open(io.BytesIO(still.content))), display_picture(version, 1012, stops=-1))
    plate = site.get(f"{V2}/still.png", params={"frame": 1012, "of": PLATE, "view": "3"})
    assert plate.headers["content-type"] == "image/png"
    assert plate.content != still.content
    sheet = site.get(f"{V2}/sheet.png")
    assert sheet.content == version.paths.sheet.read_bytes()


def test_figures_and_plots_of_qc(site, version):
    assert site.get(f"{V2}/qc/qc.json").json()["verdict"] == "look"
    assert site.get(f"{V2}/qc/seam.png").content == (version.paths.qc / "plots" / "seam.png").read_bytes()
    assert "QC made no seam.png; 'vfx-deepfake qc' measures it" in words(
        site.get("/media/demo/sh0010/v001/qc/seam.png"), 404
    )
    assert "no file 'index.html' of QC; known: qc.json, grain.png" in words(site.get(f"{V2}/qc/index.html"), 404)


@pytest.mark.parametrize(
    "path",
    [
        "info.json",
        "frames/1012",
        "mattes/1012",
        "lut/0",
        "thumb.jpg",
        "still.png?frame=1012",
        "sheet.png",
        "movie.mp4",
        "qc/qc.json",
    ],
)
def test_what_a_browser_has_is_not_sent_again(site, path):
    first = site.get(f"{V2}/{path}")
    again = site.get(f"{V2}/{path}", headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"].startswith("private, ")
    other = site.get(f"{V2}/{path}", headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.content) == (200, first.content)


def test_different_pictures_have_different_tags(site):
    paths = ["frames/1012", "frames/1013", "frames/1012?of=plate", "mattes/1012", "mattes/1012?layer=matte.eyes",
             "still.png?frame=1012", "still.png?frame=1012&exposure=1", "still.png?frame=1012&view=2",
             "lut/0", "lut/1", "thumb.jpg", "thumb.jpg?frame=1001"]  # fmt: skip
    tags = {site.get(f"{base}/{path}").headers["etag"] for path in paths for base in (V2, "/media/demo/sh0010/v001")}
    assert len(tags) == 2 * len(paths) - 2  # the tables belong to the shot and not to a version


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, -1),
        ("bytes=-64", -64, -1),
        ("bytes=7-7", 7, 7),
        ("bytes=5-99999999999", 5, -1),
    ],
)
def test_a_movie_comes_in_ranges(site, version, said, first, last):
    movie = version.paths.movie.read_bytes()
    answer = site.get(f"{V2}/movie.mp4", headers={"Range": said})
    begin, end = first % len(movie), last % len(movie)
    assert answer.status_code == 206
    assert answer.content == movie[begin : end + 1]
    assert answer.headers["content-range"] == f"bytes {begin}-{end}/{len(movie)}"
    assert answer.headers["content-type"] == "video/mp4"


def test_ranges_that_can_not_be_had(site, version):
    movie = version.paths.movie.read_bytes()
    whole = site.get(f"{V2}/movie.mp4")
    assert (whole.status_code, whole.content, whole.headers["accept-ranges"]) == (200, movie, "bytes")
    for said in (f"bytes={len(movie)}-", f"bytes={len(movie) + 5}-{len(movie) + 9}", "bytes=-0"):
        answer = site.get(f"{V2}/movie.mp4", headers={"Range": said})
        assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(movie)}")
    for said in ("bytes=9-5", "pixels=0-9", "bytes=a-b", "bytes"):
        assert site.get(f"{V2}/movie.mp4", headers={"Range": said}).status_code == 400
    several = site.get(f"{V2}/movie.mp4", headers={"Range": "bytes=0-9,20-29"})
    assert several.status_code == 206
    assert several.headers["content-type"].startswith("multipart/byteranges")
    assert movie[:10] in several.content
    assert movie[20:30] in several.content


def test_a_range_of_another_movie_than_the_browser_knows_is_the_whole_one(site, version):
    tag = site.get(f"{V2}/movie.mp4").headers["etag"]
    known = site.get(f"{V2}/movie.mp4", headers={"Range": "bytes=0-9", "If-Range": tag})
    other = site.get(f"{V2}/movie.mp4", headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert (known.status_code, len(known.content)) == (206, 10)
    assert (other.status_code, other.content) == (200, version.paths.movie.read_bytes())


@pytest.mark.parametrize("file", ["..%2f..%2fversion.json", "%2e%2e/%2e%2e/version.json", "..", "%2fetc%2fpasswd", "....//qc.json",
                                  "qc.json%00.png", "plots%2fseam.png", "QC.JSON", "..%5cversion.json"])  # fmt: skip
def test_no_path_leads_out_of_the_version(site, file):
    answer = site.get(f"{V2}/qc/{file}")
    assert answer.status_code in (400, 404)
    assert b"record_schema" not in answer.content
    assert b"root:" not in answer.content


@pytest.mark.parametrize(
    "name",
    [
        "..%2fsh0010/v002",
        "demo/..%2f..%2f/v002",
        "demo/sh0010/..",
        "demo/sh0010/v002%2f..%2fv001",
        "demo/sh0010/..%2fv001",
    ],
)
def test_no_name_leads_to_another_folder(site, name):
    assert site.get(f"/media/{name}/info.json").status_code in (400, 404)


@pytest.mark.parametrize(("path", "status", "line"), [
    ("frames/999", 404, "sh0010 v002: has no frame 999; it has 1001-1014"),
    ("frames/1012?of=else", 404, "'of' is 'else'; want version or plate"),
    ("frames/1012?width=333", 400, "width: is 333; want one of 480, 960, 1920, 0"),
    ("frames/1012?width=-1", 400, "width: is -1"),
    ("frames/99999999999999999999999", 404, "has no frame 99999999999999999999999"),
    ("frames/ten", 422, "frame: Input should be a valid integer"),
    ("mattes/1012?layer=matte.hat", 404, "no layer 'matte.hat'"),
    ("mattes/1012?layer=../../rgba", 404, "no layer '../../rgba'"),
    ("lut/99", 404, "has no view number 99"),
    ("lut/%C2%B2", 404, "its config has no view '\\xb2'"),
    ("lut/Best view", 404, "its config has no view 'Best view'; info.json lists them"),
    ("still.png?frame=1012&exposure=17", 422, "exposure: Input should be less than or equal to 16"),
    ("still.png?frame=1012&exposure=nan", 422, "exposure: Input should be"),
    ("still.png", 422, "frame: Field required"),
    ("thumb.jpg?frame=1", 404, "has no frame 1"),
])  # fmt: skip
def test_what_can_not_be_had_is_said_in_a_line(site, path, status, line):
    assert line in words(site.get(f"{V2}/{path}"), status)


def test_only_registered_versions_and_only_for_people_who_are_logged_in(site, own_dailies):
    assert "is not registered; on record: v001, v002" in words(site.get("/media/demo/sh0010/v003/info.json"), 404)
    assert "is not registered" in words(site.get("/media/other/sh0010/v002/thumb.jpg"), 404)
    assert "want a version such as v003" in words(site.get("/media/demo/sh0010/newest/thumb.jpg"), 400)
    with client_of(own_dailies, Options()) as stranger:
        for path in ("info.json", "frames/1012", "thumb.jpg", "movie.mp4", "sheet.png", "qc/qc.json", "lut/0"):
            assert words(stranger.get(f"{V2}/{path}"), 401) == "log in first"


def test_without_the_plate_the_version_is_shown_all_the_same(own_site, own_dailies):
    for frame in own_dailies.shot.frames:
        own_dailies.shot.plate_frame(frame).unlink()
    info = own_site.get(f"{V2}/info.json").json()
    assert info["plate"] is False
    assert (
        "sh0010.1001.exr can't be read (No such file or directory); it is gone or not mounted on this host"
        in info["plate_problem"]
    )
    assert "1012.exr can't be read" in words(own_site.get(f"{V2}/frames/1012?of=plate"), 404)
    assert own_site.get(f"{V2}/frames/1012").status_code == 200


def test_what_is_no_more_what_was_registered_is_refused(own_site, own_dailies):
    folder = own_dailies.folder(2)
    for name in ("exr/sh0010_v002.1003.exr", "review/sh0010_v002.mp4", "review/sh0010_v002_sheet.png"):
        (folder / name).chmod(0o644)
        (folder / name).write_bytes((folder / name).read_bytes()[:-7])
    for path in (
        "frames/1003",
        "mattes/1003",
        "still.png?frame=1003",
        "thumb.jpg?frame=1003",
        "movie.mp4",
        "sheet.png",
    ):
        assert "is not the file that was registered" in words(own_site.get(f"{V2}/{path}"), 409)
    assert own_site.get(f"{V2}/frames/1004").status_code == 200
    record = folder / "version.json"
    record.chmod(0o644)
    record.write_text(record.read_text().replace('"demo"', '"omed"'))
    for path in ("info.json", "frames/1004", "thumb.jpg", "lut/0", "qc/qc.json"):
        assert "was changed after it was registered" in words(own_site.get(f"{V2}/{path}"), 409)
    record.unlink()
    assert "gone or not mounted on this host" in words(own_site.get(f"{V2}/info.json"), 404)


def test_a_frame_that_was_registered_damaged_is_one_line(own_dailies, tmp_path, monkeypatch):
    frame, record = own_dailies.folder(2) / "exr" / "sh0010_v002.1005.exr", own_dailies.folder(2) / "version.json"
    for file in (frame, record):
        file.chmod(0o644)
    frame.write_bytes(frame.read_bytes()[:9000])
    said = json.loads(record.read_text())
    said["frames"]["1005"]["exr/sh0010_v002.1005.exr"] = hash_file(frame)
    record.write_text(json.dumps(said))
    monkeypatch.setenv("VFX_DEEPFAKE_REVIEW_CACHE", str(tmp_path / "cache"))
    with client_of(own_dailies) as client:
        for path in ("frames/1005", "thumb.jpg?frame=1005", "still.png?frame=1005", "mattes/1005"):
            assert "sh0010_v002.1005.exr: damaged or not an image" in words(client.get(f"{V2}/{path}"), 409)
        assert client.get(f"{V2}/frames/1006").status_code == 200


def test_what_was_packed_before_stays_what_was_registered(own_site, own_dailies):
    """The cache is keyed by the record: a frame that is exchanged later does not come in through it."""
    before = own_site.get(f"{V2}/frames/1005").content
    file = own_dailies.folder(2) / "exr" / "sh0010_v002.1005.exr"
    file.chmod(0o644)
    file.write_bytes((own_dailies.folder(2) / "exr" / "sh0010_v002.1006.exr").read_bytes())
    assert own_site.get(f"{V2}/frames/1005").content == before


class Making:
    """An app whose thumbnails take until ``go`` is set, and which counts what is made and how much of it at once."""

    def __init__(self, folder):
        self.go, self.made, self.most, self._now, self._guard = threading.Event(), [], 0, 0, threading.Lock()
        self.app = FastAPI()
        self.app.state.studio = pictures.Studio(Cache(folder, 10**6), asyncio.Semaphore(2), asyncio.Semaphore(1))

        @self.app.get("/{kind}/{number}")
        async def picture(request: Request, kind: str, number: int):
            wanted = pictures.Wanted(
                [kind, number], lambda: self.make(kind, number), "text/plain", small=kind == "thumb"
            )
            return await pictures.send(request, lambda: wanted)

    def make(self, kind, number):
        with self._guard:
            self.made.append((kind, number))
            self._now += 1
            self.most = max(self.most, self._now)
        assert kind == "frame" or self.go.wait(60)
        with self._guard:
            self._now -= 1
        return Entry(kind.encode())


def test_a_wall_of_thumbnails_waits_and_the_players_frames_go_past_it(tmp_path):
    making = Making(tmp_path)
    with TestClient(making.app) as client, ThreadPoolExecutor(24) as pool:
        thumbs = [pool.submit(client.get, f"/thumb/{number}") for number in range(16)]
        frames = [pool.submit(client.get, f"/frame/{number}") for number in range(6)]
        assert {job.result(60).text for job in frames} == {"frame"}
        assert sum(kind == "thumb" for kind, _ in making.made) <= 1
        making.go.set()
        assert {job.result(60).text for job in thumbs} == {"thumb"}
    assert len(making.made) == 22
    assert making.most <= 2


def test_nothing_is_made_for_somebody_who_has_gone(tmp_path):
    making = Making(tmp_path)
    server = uvicorn.Server(uvicorn.Config(making.app, port=0, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        first = ask(port, "/thumb/0")
        until(lambda: making.made)
        second, third = ask(port, "/thumb/1"), ask(port, "/thumb/2")
        until(lambda: len(server.server_state.connections) == 3)
        second.close()
        until(lambda: len(server.server_state.connections) == 2)
        making.go.set()
        assert first.recv(12) == third.recv(12) == b"HTTP/1.1 200"
        assert making.made == [("thumb", 0), ("thumb", 2)]
        first.close()
        third.close()
    finally:
        making.go.set()
        server.should_exit = True
        thread.join(60)


def ask(port, path) -> socket.socket:
    """A browser that has asked and waits."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return connection


def until(happens):
    """Wait for what another thread does; a minute at most."""
    for _ in range(6000):
        if found := happens():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen within a minute")


def test_a_gzip_body_is_one_file(site):
    """Read by nothing of httpx: the bytes on the wire are one gzip member."""
    with site.stream("GET", f"{V2}/frames/1012") as answer:
        raw = b"".join(answer.iter_raw())
    assert len(gzip.decompress(raw)) == 320 * 180 * 4
    assert int(answer.headers["content-length"]) == len(raw)
