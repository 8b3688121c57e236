// What every key does: the one list that the page acts on and the help shows.

/** [group, key, what it does, how] of each key; see keys.js. */
export function keyTable({ state, transport, zoom, grade, overlays, compare, draw, notes, decide, dailies, help, tabs }) {
  return [
    ["Play", " ", "Play, stop", () => transport.toggle()],
    ["Play", "j", "Play backwards; again: 2x, 4x", () => transport.shuttle(-1)],
    ["Play", "k", "Stop", () => transport.stop()],
    ["Play", "l", "Play; again: 2x, 4x", () => transport.shuttle(1)],
    ["Play", "ArrowLeft", "One frame back", () => transport.step(-1)],
    ["Play", "ArrowRight", "One frame on", () => transport.step(1)],
    ["Play", "Shift+ArrowLeft", "Ten frames back", () => transport.step(-10)],
    ["Play", "Shift+ArrowRight", "Ten frames on", () => transport.step(10)],
    ["Play", "Home", "First frame of the range", () => transport.seek(state.now.first)],
    ["Play", "End", "Last frame of the range", () => transport.seek(state.now.last)],
    ["Play", "i", "Range begins here", () => transport.setIn()],
    ["Play", "o", "Range ends here", () => transport.setOut()],
    ["Play", "u", "Whole shot again", () => transport.clearRange()],
    ["Play", "r", "Repeat, or stop at the end", () => state.set({ loop: !state.now.loop })],
    ["Size", "f", "Fit into the window", () => zoom.fit()],
    ["Size", "z", "One to one", () => zoom.oneToOne()],
    ["Size", "t", "Follow the face", () => zoom.lockFace()],
    ["Size", "+", "Larger", () => zoom.by(1.25)],
    ["Size", "-", "Smaller", () => zoom.by(0.8)],
    ["Compare", "a", "This version (A)", () => state.set({ compare: "a" })],
    ["Compare", "b", "Toggle A and B", () => compare.mode("b")],
    ["Compare", "w", "Wipe, upright", () => compare.mode("wipe-v")],
    ["Compare", "h", "Wipe, level", () => compare.mode("wipe-h")],
    ["Compare", "d", "Difference", () => compare.mode("difference")],
    ["Compare", "s", "Side by side", () => compare.mode("side")],
    ["Compare", "[", "Wipe back; less difference", () => (state.now.compare === "difference" ? compare.amplify(-1) : compare.moveWipe(-0.05))],
    ["Compare", "]", "Wipe on; more difference", () => (state.now.compare === "difference" ? compare.amplify(1) : compare.moveWipe(0.05))],
    ["Look", "e", "Exposure up a quarter stop", () => grade.expose(1)],
    ["Look", "Shift+e", "Exposure down a quarter stop", () => grade.expose(-1)],
    ["Look", "g", "Gamma up", () => grade.bend(1)],
    ["Look", "Shift+g", "Gamma down", () => grade.bend(-1)],
    ["Look", "1", "All channels", () => state.set({ channel: "colour" })],
    ["Look", "2", "Red alone", () => grade.isolate("red")],
    ["Look", "3", "Green alone", () => grade.isolate("green")],
    ["Look", "4", "Blue alone", () => grade.isolate("blue")],
    ["Look", "5", "Alpha: the applied matte", () => grade.isolate("alpha")],
    ["Look", "6", "Luma", () => grade.isolate("luma")],
    ["Look", "v", "Next view transform", () => grade.nextView()],
    ["Look", "0", "Exposure, gamma and channels as they were", () => grade.reset()],
    ["Look", "m", "Next matte over the picture", () => overlays.nextMatte()],
    ["Look", "c", "Confidence of the track over the picture", () => overlays.toggleConfidence()],
    ["Look", "q", "Points of the face's track", () => state.set({ landmarks: !state.now.landmarks })],
    ["Notes", "n", "Write a note; Ctrl+Enter saves it", () => {
      tabs.open(0);
      notes.write();
    }],
    ["Notes", "p", "Pen: draw on this frame", () => draw.toggle("draw")],
    ["Notes", "x", "Eraser", () => draw.toggle("erase")],
    ["Notes", "Ctrl+z", "Take the last stroke back", () => draw.undo()],
    ["Notes", "y", "Show or hide drawings", () => state.set({ drawings: !state.now.drawings })],
    ["Notes", ",", "Note before", () => notes.jump(-1)],
    ["Notes", ".", "Next note", () => notes.jump(1)],
    ["Decide", "Shift+a", "Approve: write the reason, then Ctrl+Enter", () => decide.begin("approved")],
    ["Decide", "Shift+c", "Request changes: write the reason, then Ctrl+Enter", () => decide.begin("changes_requested")],
    ["Dailies", "PageUp", "Version before", () => dailies.previous()],
    ["Dailies", "PageDown", "Next version", () => dailies.next()],
    ["Page", "?", "This help", () => help.showModal()],
    ["Page", "Escape", "Leave a field; pen away", () => {
      document.activeElement?.blur();
      state.set({ pen: "" });
    }],
  ];
}
