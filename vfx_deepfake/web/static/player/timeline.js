// The strip under the picture: playhead, range, what is buffered, notes.

const SVG = "http://www.w3.org/2000/svg";

export class Timeline {
  /** State keys: frame, first, last, notes, buffered (frames that are here). */
  constructor(root, state, transport) {
    Object.assign(this, { root, state, transport });
    const { frames } = transport;
    this.start = frames[0];
    this.length = frames.at(-1) - frames[0] + 1;
    this.drawing = root.querySelector("svg");
    this.drawing.setAttribute("viewBox", `0 0 ${this.length} 10`);
    root.setAttribute("aria-valuemin", frames[0]);
    root.setAttribute("aria-valuemax", frames.at(-1));
    root.addEventListener("pointerdown", (event) => {
      root.setPointerCapture(event.pointerId);
      this.#scrub(event);
    });
    root.addEventListener("pointermove", (event) => root.hasPointerCapture(event.pointerId) && this.#scrub(event));
    state.on("frame first last notes buffered", () => this.show());
  }

  #scrub(event) {
    const { left, width } = this.root.getBoundingClientRect();
    this.transport.seek(this.start + Math.max(0, Math.min(this.length - 1, Math.floor(((event.clientX - left) / width) * this.length))));
  }

  show() {
    const { frame, first, last, notes, buffered } = this.state.now;
    const parts = [this.#bar("range", first, last, 0, 10)];
    for (const [from, to] of runs(buffered)) parts.push(this.#bar("buffered", from, to, 8.6, 1.4));
    for (const note of notes) {
      if (note.first_frame === null || note.reply_to) continue;
      parts.push(this.#bar(note.resolved_by ? "mark done" : "mark", note.first_frame, note.last_frame, 0, 3));
    }
    parts.push(this.#bar("head", frame, frame, 0, 10));
    this.drawing.replaceChildren(...parts);
    this.root.setAttribute("aria-valuenow", frame);
    this.root.setAttribute("aria-valuetext", `frame ${frame}`);
  }

  #bar(kind, from, to, top, height) {
    const bar = document.createElementNS(SVG, "rect");
    const places = { class: kind, x: from - this.start, y: top, width: to - from + 1, height };
    for (const [name, value] of Object.entries(places)) bar.setAttribute(name, value);
    return bar;
  }
}

/** Rising numbers as runs: [1, 2, 3, 7] is [[1, 3], [7, 7]]. */
function runs(numbers) {
  const found = [];
  for (const number of numbers) {
    if (found.length && found.at(-1)[1] === number - 1) found.at(-1)[1] = number;
    else found.push([number, number]);
  }
  return found;
}
