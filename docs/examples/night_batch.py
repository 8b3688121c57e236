"""De-age a list of shots over night: one network for all, the rest as the shot files say.

    python night_batch.py /shows/north/tonight.toml slurm

Run it again in the morning: it says how every shot stands and sends what failed once more.
"""

import sys

from vfx_deepfake import Entry, Silent, VfxError, list_shots, read_shotlist, shot_status, submit_batch


def main(list_file: str, farm: str) -> int:
    """Submit what is not done; returns the number of shots that somebody has to look at."""
    try:
        shots = read_shotlist(list_file)  # or made here: see by_hand()
    except VfxError as error:  # the list itself is wrong: every problem, one a line
        print(error)
        return 1
    sent = submit_batch(shots, farm=farm, rerun_failed=True, progress=Silent())
    for one in sent:
        state = shot_status(one.listed.file, one.listed.overrides)
        print(state.line)
        for stage in state.stages:
            if stage.tasks:
                print(f"    {stage.name}: {stage.done} of {stage.tasks} tasks")
    return sum(one.exit_code != 0 for one in sent)


def by_hand(folder: str) -> int:
    """The same for a list that comes from somewhere else, a database of shots for example."""
    entries = [
        Entry(shot="sh0010", set=("train.steps=800",)),  # trains the network
        Entry(shot="sh0020", model="sh0010"),  # takes it over, judged by its own key frames
        Entry(shot="sh0030", model="sh0010", set=("render.strength=0.8",)),
    ]
    return len(submit_batch(list_shots(entries, folder), farm="openjd", dry_run=True))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
