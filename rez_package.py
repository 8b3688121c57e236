"""The rez package. rez reads ``package.py``: `make rez` copies this file under that name and builds there.

The studio's own rez packages bring the libraries below (`rez-pip --install NAME` makes them from wheels; rez writes - as _).
Versions come from setup.cfg and the package, so that no number stands twice.
"""

name = "vfx_deepfake"
description = "De-aging and face replacement for film shots: from a linear EXR plate to a 10-bit log delivery"
authors = ["the vfx_deepfake authors"]
tools = ["vfx-deepfake"]


@early()
def version():
    from pathlib import Path

    text = Path("vfx_deepfake/__init__.py").read_text()
    return text.split('__version__ = "', 1)[1].split('"', 1)[0]


@early()
def requires():
    from configparser import ConfigParser

    setup = ConfigParser()
    setup.read("setup.cfg")

    def as_rez(line, mark=""):
        found, _, least = line.partition(">=")
        return mark + found.strip().replace("-", "_") + "-" + least.split(",")[0].strip() + "+"

    python = "python-" + setup["options"]["python_requires"].removeprefix(">=") + "+"
    needed = [as_rez(line) for line in setup["options"]["install_requires"].split("\n") if line]
    # weak: only if the environment has it, then at least this version
    movies = [as_rez(line, "~") for line in setup["options.extras_require"]["review"].split("\n") if line]
    return [python] + needed + movies


build_command = """
set -e
mkdir -p {install_path}/python {install_path}/bin
cp -R {root}/vfx_deepfake {install_path}/python/
cp -R {root}/ocio_configs {root}/shot_templates {install_path}/python/vfx_deepfake/
cp -R {root}/nuke_plugin {install_path}/
printf '#!/bin/sh\\nexec python -m vfx_deepfake "$@"\\n' > {install_path}/bin/vfx-deepfake
chmod 755 {install_path}/bin/vfx-deepfake
"""


def commands():
    env.PYTHONPATH.append("{root}/python")
    env.PATH.prepend("{root}/bin")
    env.NUKE_PATH.append("{root}/nuke_plugin")
