"""What the gizmo says of its knobs when the pointer rests on them: a knob's name, then its help, indented."""

from __future__ import annotations

TEXT = """
view
    What leaves the node. Everything but 'result' is for looking at: set it back before rendering.
matte_view
    Which mattes the view 'mattes' shows. Regions: red lips and mouth, yellow nose, green eyes, blue brows,
    grey skin. Holdout red, garbage blue.
view_gain
    The view 'difference gained' shows what the version changes, times this.
shot
    The shot's name; the name of the version's files begins with it.
version
    The version that is shown, e.g. v003.
status
    How the version stands in review when it was loaded; 'refresh' reads it again.
qc
    What the measures said of the version: passed, or how many frames to look at.
version_dir
    Folder of the version, e.g. .../versions/v003. Empty: the plate passes.
exr
    The version's EXR frames inside its folder.
first_frame
    First frame of the version; outside the range the plate passes.
last_frame
    Last frame of the version.
newest
    Load the newest version.
approved
    Load the newest approved version.
any
    Choose from all versions, with their status.
refresh
    Read status, QC and notes again.
mix
    Master mix of the whole face. 0 is the plate, bit for bit; 1 is the version.
skin
    Strength of the skin, and everything of the face that is none of the others. 0 leaves the plate there, 1
    is the version; above 1 does more than was painted.
eyes
    Strength of the eyes. 0 leaves the plate there, 1 is the version; above 1 does more than was painted.
brows
    Strength of the brows. 0 leaves the plate there, 1 is the version; above 1 does more than was painted.
nose
    Strength of the nose. 0 leaves the plate there, 1 is the version; above 1 does more than was painted.
mouth
    Strength of the lips, teeth and the open mouth. 0 leaves the plate there, 1 is the version; above 1 does
    more than was painted.
identity_mix
    From the version's face (0) to its second face (1), the layer face_b. Greyed out where the version has
    none: versions carry one only if they were rendered with a partner identity.
has_face_b
    Set when a version with the layer face_b is loaded.
match
    Brings the broad colour and light of the face to those of the degrained plate: 1 all the way. Only what
    is wider than the size below changes; the plate is matched at every frame, so the match cannot flicker
    by itself.
match_size
    Over how many pixels colour is averaged for the match.
exposure
    Exposure of the face in stops; 0 leaves it alone.
saturation
    Saturation of the face; 1 leaves it alone, 0 is grey.
detail
    Puts the plate's own fine detail back on skin and nose: 0 the version's, 1 the plate's. Eyes, brows and
    mouth keep the version's.
detail_size
    What is finer than about this many pixels counts as detail.
erode
    Shrinks the face's matte by so many pixels; below 0 it grows, never over holdout or garbage, nor past
    what was rendered.
feather_in
    Softens the matte's edge towards the face's middle; nothing is added outside.
feather_out
    Softens the matte's edge away from the face; nothing is taken inside.
erode_left
    Takes so many pixels off the matte at its left in the picture; the other sides stay.
feather_left
    Softens the matte's edge inwards at its left in the picture over about so many pixels.
erode_right
    Takes so many pixels off the matte at its right in the picture; the other sides stay.
feather_right
    Softens the matte's edge inwards at its right in the picture over about so many pixels.
erode_top
    Takes so many pixels off the matte at its top in the picture; the other sides stay.
feather_top
    Softens the matte's edge inwards at its top in the picture over about so many pixels.
erode_bottom
    Takes so many pixels off the matte at its bottom in the picture; the other sides stay.
feather_bottom
    Softens the matte's edge inwards at its bottom in the picture over about so many pixels.
holdout
    How much of the holdout input stays in front of the face. The version's own holdout is in its matte
    already.
holdout_channel
    Channel of the holdout input that holds the roto.
grain_on
    Off: what changed stays clean.
grain_amount
    Grain on what changed: 1 is the plate's own level, 0 none. Outside the matte the plate's grain stays as
    it is.
grain_source
    version: the grain that was rendered. plate: the plate's own, brought to the face's light. synth: made
    here from the numbers below.
synth_level
    Strength of grain a channel: deviation = level * (light + offset) ^ power, scene-linear.
synth_offset
    Light at which the grain of the blacks begins.
synth_power
    How grain grows with light: 0 not at all, 0.5 as photons do, 1 in proportion.
synth_softness
    Size of synthetic grain: 0 single pixels, 1 about two pixels wide.
plate_colorspace
    OCIO space of the pixels at the plate input; the result leaves in the same. Where it is the working
    space nothing is converted.
working_colorspace
    Scene-linear space of the version's elements, as its record says.
paint_in
    Lays the paint input over the result, under its alpha. The same input is what 'add key frame' writes.
add_keyframe
    Write the paint input of this frame as a painted key frame of the shot.
suggest_keyframes
    Ask which frames to paint, and mark them on the timeline.
shot_file
    The shot's shot.toml.
new_shot
    Make a shot file from the plate's Read and range.
track
    Find and follow the face, in the background.
train
    Train the shot's model, in the background.
render
    Everything that is not up to date, to the next version, in the background.
submit
    Send the shot's stages to the farm.
notes
    Show the notes of review on their frames.
write_note
    Write a note on this frame of this version.
panel
    Open the panel: shots, runs, versions, farm, releases.
"""


def helps() -> dict[str, str]:
    """Help by the name of the knob."""
    found: dict[str, str] = {}
    name = ""
    for line in TEXT.strip().splitlines():
        if line.startswith(" "):
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
        else:
            name = line
    return found
