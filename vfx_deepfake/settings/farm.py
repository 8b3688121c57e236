"""How the shot's stages run on a farm: chunks, limits, host needs, environment."""

from __future__ import annotations

from dataclasses import dataclass

from vfx_deepfake.settings.checks import between


@dataclass(frozen=True, kw_only=True, slots=True)
class FarmSpec:
    """[farm]: what a farm needs to know; nothing here changes a pixel."""

    chunk_frames: int = 10  # frames a task, where a stage works in chunks
    stage_timeout_s: int = 14_400  # limit of a stage that works on the whole shot, seconds
    frame_timeout_s: int = 300  # limit of a chunk, seconds a frame
    retries: int = 1  # further attempts of a task after a crash, a time limit or "try again later"
    cores: int = 2  # that a task asks for
    memory_mib: int = 4096  # that a task asks for
    gpus: int = 0  # that a task of training and rendering asks for
    licences: tuple[str, ...] = ()  # licence tokens each task holds, as the engine names them
    queue: str = ""  # partition, pool or queue of the engine; empty takes its default
    rez: tuple[str, ...] = ()  # rez packages that the worker resolves, e.g. vfx_deepfake-0.1
    venv: str = ""  # virtual environment on the worker; with neither, vfx-deepfake is on the worker's PATH
    variables: tuple[str, ...] = ()  # NAME=VALUE, set on the worker
    path_map: tuple[str, ...] = ()  # /folder/here=/folder/on/the/worker, for engines without path mapping of their own

    def __post_init__(self) -> None:
        between("chunk_frames", self.chunk_frames, 1, 100_000)
        between("stage_timeout_s", self.stage_timeout_s, 1, 30 * 86_400)
        between("frame_timeout_s", self.frame_timeout_s, 1, 86_400)
        between("retries", self.retries, 0, 20)
        between("cores", self.cores, 1, 4096)
        between("memory_mib", self.memory_mib, 1, 2**24)
        between("gpus", self.gpus, 0, 64)
        if self.rez and self.venv:
            raise ValueError("rez and venv are both given; the worker takes one of them")
        for name, pairs in (("variables", self.variables), ("path_map", self.path_map)):
            wrong = [text for text in pairs if not all(text.partition("="))]
            if wrong:
                raise ValueError(f"{name} holds '{wrong[0]}'; write two parts with = between them")
