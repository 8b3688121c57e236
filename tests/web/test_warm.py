"""What a server has ready before anybody asks, and that nothing is lost where it can't have it."""

from __future__ import annotations

import gzip

from tests.web.test_media import V2, own_site  # noqa: F401 - fixture
from vfx_deepfake.viewing.published import open_published
from vfx_deepfake.web.media import DEFAULT_VIEW, lut_wanted
from vfx_deepfake.web.pictures import studio
from vfx_deepfake.web.warm import warm


def test_the_newest_version_s_table_is_baked_before_it_is_asked_for(own_site, own_dailies):  # noqa: F811
    newest = open_published(own_dailies.shot.folder, own_dailies.folder(2))
    key = lut_wanted(newest, DEFAULT_VIEW).key
    cache = studio(own_site.app).cache
    assert cache.get(key) is None
    warm(own_site.app)
    kept = cache.get(key)
    assert kept is not None
    asked = own_site.get(f"{V2}/lut/default")
    assert asked.status_code == 200 and gzip.decompress(kept.body) == asked.content


def test_a_version_that_is_gone_is_left_to_whoever_asks(own_site, own_dailies, caplog):  # noqa: F811
    (own_dailies.folder(2) / "version.json").unlink()
    caplog.set_level("INFO")
    warm(own_site.app)
    assert any("sh0010 v002: not made ready" in line and "version.json" in line for line in caplog.messages)
    assert not [record for record in caplog.records if record.exc_info]
    assert own_site.get(f"{V2}/info.json").status_code != 200
    assert own_site.get("/").status_code == 200
