"""Parse, call one stage, print, exit.

Exit codes: 0 done; 2 the artist can fix it (one plain line); 75 try again later; 1 our bug (a traceback in the log).
Results go to stdout, progress and messages to stderr.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from vfx_deepfake import __version__
from vfx_deepfake.cli.delivery import add_delivery
from vfx_deepfake.cli.faceset import add_faceset
from vfx_deepfake.cli.mark import add_mark
from vfx_deepfake.cli.models import add_models
from vfx_deepfake.cli.nuke import add_nuke
from vfx_deepfake.cli.progress import STYLES, make_progress
from vfx_deepfake.cli.release import add_release_commands
from vfx_deepfake.cli.review import StageParser, add_review
from vfx_deepfake.errors import EXIT_ARTIST, EXIT_BUG, EXIT_DONE, EXIT_RETRY, VfxError

PROGRAM = "vfx-deepfake"
SECONDS_TO_END = 2.0  # assumed: cleaning up after a signal takes less
_asked_to_stop = threading.Event()


def limit_threads() -> None:
    """Use the cores this process may use, and let idle threads sleep: spinning ones ruin a busy host."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OMP_NUM_THREADS", str(cores))


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--progress", choices=STYLES, default="auto", help="how progress is shown (default: a bar, or lines in a log)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def _shot(parser: argparse.ArgumentParser, *, frames: bool = False) -> None:
    parser.add_argument("shot", help="shot.toml, or the folder that holds it")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="win over the shot file")
    if frames:
        parser.add_argument("--frames", default="", help="part of the range, e.g. 1001-1020 (default: the whole shot)")
    _common(parser)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line, stages in pipeline order."""
    parser = argparse.ArgumentParser(prog=PROGRAM, description="De-aging and face replacement, one shot at a time.")
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    stages = parser.add_subparsers(dest="stage", required=True, metavar="STAGE", parser_class=StageParser)

    init = stages.add_parser("init", help="make a shot folder from a template")
    init.add_argument("folder", help="the shot's folder")
    init.add_argument("--template", default="keyframe_deage", help="a name in shot_templates, or a file")
    init.add_argument("--plate", required=True, help="plate frames, e.g. /plates/sh0010.####.exr")
    init.add_argument("--colorspace", required=True, help="OCIO name of the plate's encoding, e.g. ACEScg")
    init.add_argument("--frames", default="", help="range to deliver (default: what is on disk)")
    init.add_argument("--name", default="", help="shot name (default: the folder's)")
    init.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="any other setting")
    _common(init)

    _shot(stages.add_parser("check", help="find every problem before anything costs time, and estimate the cost"))
    _shot(stages.add_parser("track", help="find and follow the face"))
    suggest = stages.add_parser("suggest-keyframes", help="which frames to paint")
    _shot(suggest)
    suggest.add_argument("--count", type=int, default=5, help="how many frames (default 5)")
    add_faceset(stages, _common)
    _shot(stages.add_parser("facesets", help="build the shot's facesets, and report what they lack for its plate"))
    _shot(stages.add_parser("train", help="train the shot's model, or continue where it stopped"))
    _sweep(stages.add_parser("sweep", help="a sheet of a trained identity with one dial at several values"))
    _shot(stages.add_parser("mattes", help="the matte of what stands in front of the face, from a few painted frames"))
    _shot(stages.add_parser("render", help="render frames of the next version"), frames=True)
    add_review(stages, _shot, _common)
    qc = stages.add_parser("qc", help="measure a version against its plate: figures, plots and a page")
    _shot(qc, frames=True)
    qc.add_argument(
        "--version",
        dest="of_version",
        default="",
        help="a published one, e.g. v003 (default: the newest, or the one under way)",
    )
    _shot(stages.add_parser("version", help="publish the rendered frames as a version with its record"))
    run = stages.add_parser("run", help="every stage, skipping what is up to date")
    _shot(run)
    run.add_argument("--dry-run", action="store_true", help="say what would be done")
    add_delivery(stages, _shot, _common)
    add_models(stages, _shot, _common)
    add_nuke(stages, _shot)
    _farm(stages)
    add_release_commands(stages, _common)
    _detect(stages.add_parser("detect", help="what a forensic eye would look at in any sequence"))
    add_mark(stages, _common)
    demo = stages.add_parser("demo", help="a whole shot with the procedural performer")
    demo.add_argument("folder", nargs="?", default="demo_shot", help="where (default: demo_shot)")
    demo.add_argument("--size", default="1280x720", help="width x height of the plate")
    demo.add_argument("--num-frames", type=int, default=24, help="length of the shot")
    _common(demo)
    return parser


def _sweep(parser: argparse.ArgumentParser) -> None:
    _shot(parser, frames=True)
    dial = parser.add_mutually_exclusive_group(required=True)
    dial.add_argument("--mix", metavar="VALUES", help="shares of the second identity, e.g. 0,0.25,0.5,0.75,1")
    dial.add_argument("--age", metavar="VALUES", help="years, e.g. 30,40,50")
    dial.add_argument("--dial", metavar="NAME=VALUES", help="any other of [identity], e.g. expression.smile=-0.5,0,0.5")
    parser.add_argument("--to", default="", metavar="PNG", help="the sheet (default: in the shot's work folder)")


def _farm(stages: Any) -> None:
    submit = stages.add_parser("submit", help="send the shot's stages to a farm")
    _shot(submit, frames=True)
    submit.add_argument(
        "--farm", default="local", metavar="NAME", help="the engine (default: local, which runs the job here)"
    )
    submit.add_argument("--hold", action="store_true", help="submit, but wait to be released")
    submit.add_argument("--dry-run", action="store_true", help="say what would be submitted")
    batch = stages.add_parser(
        "batch", help="send a list of shots to a farm; broken ones are named and disturb no other"
    )
    batch.add_argument("list", help="list of shots, TOML or CSV")
    batch.add_argument(
        "--farm", default="local", metavar="NAME", help="the engine (default: local, which runs the jobs here)"
    )
    batch.add_argument("--hold", action="store_true", help="submit, but wait to be released")
    batch.add_argument("--dry-run", action="store_true", help="check everything and say what would be submitted")
    batch.add_argument("--rerun-failed", action="store_true", help="only shots that failed or never got onto the farm")
    _common(batch)
    status = stages.add_parser("status", help="how shots stand, what failed and why")
    status.add_argument("shots", nargs="+", metavar="LIST|SHOT", help="lists of shots, shot files or shot folders")
    _common(status)
    info = stages.add_parser("info", help="what shots have: versions, runs, notes, releases")
    info.add_argument("paths", nargs="+", metavar="SHOT|SHOW", help="shot files, shots' folders or shows' folders")
    info.add_argument("--notes", default="", metavar="VERSION", help="also the review notes of this version")
    info.add_argument(
        "--gizmo",
        default="",
        metavar="VERSION",
        help="also what the gizmo wants to know of: newest, approved, or e.g. v003",
    )
    info.add_argument("--brief", action="store_true", help="leave out how the stages and the farm stand; quicker")
    _common(info)
    work = stages.add_parser(
        "work", help="what a farm runs: one stage with a time limit, retries and its outcome on record"
    )
    work.add_argument(
        "--timeout", type=float, default=math.inf, metavar="SECONDS", help="limit of one attempt (default: none)"
    )
    work.add_argument("--retries", type=int, default=0, metavar="N", help="further attempts (default: 0)")
    work.add_argument("--path-mapping", default="", metavar="FILE", help="Open Job Description path-mapping rules")
    work.add_argument(
        "task", nargs=argparse.REMAINDER, metavar="STAGE ...", help="the stage, its shot file and its options"
    )
    work.set_defaults(progress="openjd", json=False)


def _detect(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pattern", help="the frames, e.g. /in/sh0010.####.exr")
    parser.add_argument("--plate", default="", help="the photographed frames, where there are any")
    parser.add_argument(
        "--colorspace", default="", help="OCIO name of the pixels (default: by the config's file rules)"
    )
    parser.add_argument("--frames", default="", help="part of the range, e.g. 1001-1020 (default: what is on disk)")
    parser.add_argument("--report", default="", metavar="DIR", help="write figures, plots and a page there")
    _common(parser)


def stop_when_asked() -> None:
    """SIGTERM ends the command as Ctrl-C does, with its cleaning up."""
    _asked_to_stop.clear()
    signal.signal(signal.SIGTERM, _interrupted)
    signal.signal(signal.SIGALRM, _interrupted)


def _interrupted(signum: int, _frame: Any) -> None:
    # a library that is being imported may swallow the exception: raised again until the command ends
    _asked_to_stop.set()
    signal.setitimer(signal.ITIMER_REAL, SECONDS_TO_END)
    raise KeyboardInterrupt(signal.Signals(signum).name)


def _print_result(result: Any, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, indent=1, default=str))
    elif isinstance(result, dict):
        for key, value in result.items():
            if not isinstance(value, list):
                print(f"{key:14} {value}")
        for line in result.get("lines", ()):
            print(line)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one stage; returns the exit code."""
    limit_threads()
    args = build_parser().parse_args(arguments)
    from vfx_deepfake.cli.commands import COMMANDS  # torch and the media libraries load only when a stage needs them

    command: Callable[..., Any] = COMMANDS[args.stage]
    stop_when_asked()
    name = f"{PROGRAM} {args.stage}"
    try:
        result = command(args, make_progress(args.progress))
        if isinstance(result, int):
            return result
        _print_result(result, args.json)
        return _tell_problems(name, result)
    except (Exception, KeyboardInterrupt) as error:
        return _ended_by(name, args, error)


def _ended_by(name: str, args: argparse.Namespace, error: BaseException) -> int:
    """Say what ended a command; returns the exit code."""
    # a library that is being imported may make of the interrupt that it is not installed
    if isinstance(error, KeyboardInterrupt) or _asked_to_stop.is_set():
        signal.setitimer(signal.ITIMER_REAL, 0)
        print(f"{name}: stopped; run the same command again to go on where it was", file=sys.stderr)
        return EXIT_RETRY
    if isinstance(error, VfxError):
        for line in str(error).splitlines():
            print(f"{name}: {line}", file=sys.stderr)
        if args.progress == "openjd" and error.exit_code == EXIT_ARTIST:
            print(f"openjd_fail: {str(error).splitlines()[0]}", flush=True)
        return error.exit_code
    if isinstance(error, MemoryError):
        print(
            f"{name}: this host has too little memory; run it on a larger one, or render fewer frames at a time",
            file=sys.stderr,
        )
        return EXIT_RETRY
    return EXIT_DONE if isinstance(error, BrokenPipeError) else report_bug(name, error)


def _tell_problems(name: str, result: Any) -> int:
    """Some commands do what can be done and tell what could not; returns the exit code."""
    problems = result.get("problems", ()) if isinstance(result, dict) else ()
    for line in problems:
        print(f"{name}: {line}", file=sys.stderr)
    return int(result["exit_code"]) if problems else EXIT_DONE


def report_bug(name: str, error: BaseException) -> int:
    """Keep the traceback in a file and give one line that says where."""
    log = Path(f"{PROGRAM}-error-{os.getpid()}.log")
    text = "".join(traceback.format_exception(error))
    try:
        log.write_text(text, encoding="utf-8")
        where = f"the details are in {log.absolute()}"
    except OSError:
        print(text, file=sys.stderr)
        where = "the details are above"
    print(
        f"{name}: a fault in vfx-deepfake itself ({type(error).__name__}: {error}); {where}; please report it",
        file=sys.stderr,
    )
    return EXIT_BUG
