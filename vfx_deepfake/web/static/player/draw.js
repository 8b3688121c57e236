// Drawing on the picture: strokes in plate pixels, kept with the frame they are drawn on.

const SVG = "http://www.w3.org/2000/svg";
const LEAST_MOVE_PX = 0.7; // plate pixels between two points of a stroke; assumed: under what can be seen
const MOST_POINTS = 18000; // the server refuses more than 20,000

export class Draw {
  #stroke = null;

  /** State keys: pen ("" | "draw" | "erase"), colour, widthPx, draft {frame, strokes} or null, camera, frame, notes, drawings (show those of notes). */
  constructor(state, stage, zoom, aspect) {
    Object.assign(this, { state, stage, zoom, aspect });
    this.paper = stage.querySelector(".paper");
    this.strokes = this.paper.querySelector(".strokes");
    this.#listen();
    state.on("camera", () => this.#place());
    state.on("draft frame notes drawings pen", () => this.show());
  }

  /** Pen in hand or not; drawing happens on a frame that stands. */
  toggle(tool = "draw") {
    this.state.set({ pen: this.state.now.pen === tool ? "" : tool, speed: 0 });
  }

  undo() {
    const { draft } = this.state.now;
    if (draft) this.#keep(draft.strokes.slice(0, -1));
  }

  clear() {
    this.state.set({ draft: null });
  }

  /** Draw again what belongs on this frame: notes that have it in their range, then what is being drawn. */
  show() {
    const { draft, frame, notes, drawings, pen } = this.state.now;
    this.stage.classList.toggle("drawing", Boolean(pen));
    const there = drawings ? notes.filter((note) => note.first_frame <= frame && frame <= note.last_frame && note.first_frame !== null) : [];
    const strokes = there.flatMap((note) => note.drawing.map((stroke) => line(stroke, note.resolved_by ? "done" : "")));
    const own = draft?.frame === frame ? draft.strokes : [];
    this.strokes.replaceChildren(...strokes, ...own.map((stroke, index) => line(stroke, "own", index)));
  }

  #place() {
    const { scale, x, y } = this.state.now.camera;
    const d = devicePixelRatio;
    this.paper.setAttribute("transform", `translate(${x / d} ${y / d}) scale(${(scale * this.aspect) / d} ${scale / d})`);
  }

  #keep(strokes) {
    this.state.set({ draft: strokes.length ? { frame: this.state.now.frame, strokes } : null });
  }

  #own() {
    const { draft, frame } = this.state.now;
    return draft?.frame === frame ? draft.strokes : [];
  }

  #listen() {
    const { stage } = this;
    stage.addEventListener("pointerdown", (event) => {
      const { pen, colour, widthPx, draft, frame } = this.state.now;
      if (!pen || event.button !== 0) return;
      event.preventDefault();
      if (draft && draft.frame !== frame) return this.state.set({ trouble: `the drawing on frame ${draft.frame} is not saved yet; save or discard it first` });
      stage.setPointerCapture(event.pointerId);
      this.#stroke = pen === "draw" ? { colour, width_px: widthPx, points: [this.#point(event)] } : "erase";
      if (pen === "draw") this.#keep([...this.#own(), this.#stroke]);
      else this.#erase(event);
    });
    stage.addEventListener("pointermove", (event) => {
      if (this.#stroke === "erase") this.#erase(event);
      else if (this.#stroke) this.#extend(event);
    });
    stage.addEventListener("lostpointercapture", () => (this.#stroke = null));
  }

  #point(event) {
    const [x, y] = this.zoom.spot(event);
    return [x / this.aspect, y].map((value) => Math.round(value * 10) / 10);
  }

  #extend(event) {
    const points = [...this.#stroke.points];
    for (const each of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) {
      const [x, y] = this.#point(each);
      const [lastX, lastY] = points.at(-1);
      if (Math.hypot(x - lastX, y - lastY) >= LEAST_MOVE_PX) points.push([x, y]);
    }
    const others = this.#own().slice(0, -1);
    if (others.reduce((sum, stroke) => sum + stroke.points.length, points.length) > MOST_POINTS) return;
    this.#stroke = { ...this.#stroke, points };
    this.#keep([...others, this.#stroke]);
  }

  #erase(event) {
    const hit = document.elementsFromPoint(event.clientX, event.clientY).find((each) => each.classList.contains("own"));
    if (hit) this.#keep(this.#own().filter((_, index) => String(index) !== hit.dataset.index));
  }
}

function line(stroke, kind, index = "") {
  const element = document.createElementNS(SVG, "polyline");
  const points = stroke.points.length === 1 ? [stroke.points[0], stroke.points[0]] : stroke.points; // a dot
  element.setAttribute("points", points.map((point) => point.join(",")).join(" "));
  element.setAttribute("stroke", stroke.colour);
  element.setAttribute("stroke-width", stroke.width_px);
  element.setAttribute("class", `stroke ${kind}`);
  element.dataset.index = index;
  return element;
}
