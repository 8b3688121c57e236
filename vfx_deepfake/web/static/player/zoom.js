// Where the picture lies on the screen: fit, one to one, wheel at the cursor, pan, and locked to the face.
// A camera is {scale: device pixels a plate pixel, x, y: where the plate's corner lies in a pane, device pixels}.

const MOST = 32, LEAST = 0.05; // device pixels a plate pixel; assumed
const FACE_SHARE = 0.6; // of the pane's height that a locked face takes; assumed: eyes and mouth large, the seam still in view

/** The whole plate in the pane. */
export function fitted(pane, plate) {
  const scale = Math.min(pane[0] / plate[0], pane[1] / plate[1]);
  return { scale, x: (pane[0] - plate[0] * scale) / 2, y: (pane[1] - plate[1] * scale) / 2 };
}

/** The camera at another scale that leaves the spot under `at` (device pixels in the pane) where it is. */
export function scaledAt(camera, scale, at) {
  const bounded = Math.max(LEAST, Math.min(MOST, scale));
  const factor = bounded / camera.scale;
  return { scale: bounded, x: at[0] - (at[0] - camera.x) * factor, y: at[1] - (at[1] - camera.y) * factor };
}

/** The middle of a face box [x, y, width, height] in the middle of the pane, moved by `shift` device pixels. */
export function onFace(box, scale, pane, shift) {
  return {
    scale,
    x: pane[0] / 2 - (box[0] + box[2] / 2) * scale + shift[0],
    y: pane[1] / 2 - (box[1] + box[3] / 2) * scale + shift[1],
  };
}

export class Zoom {
  #camera = { scale: 1, x: 0, y: 0 };
  #shift = [0, 0];
  #scale = 1;

  /** plate: its size on the screen at scale 1; aspect: of a plate's pixel; face: {frame: [x, y, width, height]}, plate pixels. State keys: zoom ("fit" | "free" | "face"), camera, frame, compare. */
  constructor(stage, state, plate, aspect, face) {
    Object.assign(this, { stage, state, plate, glass: stage.querySelector(".glass"), whole: [1, 1] });
    this.boxes = Object.entries(face).map(([frame, [x, y, width, height]]) => [Number(frame), [x * aspect, y, width * aspect, height]]).sort((a, b) => a[0] - b[0]);
    new ResizeObserver(() => this.place()).observe(stage);
    state.on("frame zoom compare", () => this.place());
    this.#listen();
  }

  /** Size of one picture's pane, device pixels. */
  get pane() {
    const [width, height] = this.whole;
    return [this.state.now.compare === "side" ? Math.floor(width / 2) : width, height];
  }

  /** Lay the glass, which holds canvas and drawing, on whole device pixels: between them the browser would blur what is meant to be one to one. */
  #align() {
    const density = devicePixelRatio;
    const stage = this.stage.getBoundingClientRect();
    const [left, top, right, bottom] = [stage.left, stage.top, stage.right, stage.bottom].map((edge) => Math.round(edge * density));
    this.whole = [Math.max(1, right - left), Math.max(1, bottom - top)];
    const css = { left: left / density - stage.left, top: top / density - stage.top, width: this.whole[0] / density, height: this.whole[1] / density };
    for (const [name, value] of Object.entries(css)) this.glass.style[name] = `${value}px`;
  }

  /** The camera for what the state says now. */
  place() {
    this.#align();
    const { zoom, frame } = this.state.now;
    let camera = this.#camera;
    if (zoom === "fit") camera = fitted(this.pane, this.plate);
    if (zoom === "face") camera = onFace(this.#box(frame), this.#scale, this.pane, this.#shift);
    if (Number.isInteger(camera.scale)) camera = { ...camera, x: Math.round(camera.x), y: Math.round(camera.y) }; // pixel on pixel
    this.#camera = camera;
    this.state.set({ camera });
  }

  fit() {
    this.state.set({ zoom: "fit" });
    this.place();
  }

  /** One plate pixel on one device pixel; what was in the middle stays there. */
  oneToOne() {
    this.scaleTo(1, this.pane.map((side) => side / 2));
  }

  scaleTo(scale, at) {
    this.#camera = scaledAt(this.#camera, scale, at);
    if (this.state.now.zoom === "face") {
      this.#scale = this.#camera.scale;
      const still = onFace(this.#box(this.state.now.frame), this.#scale, this.pane, [0, 0]);
      this.#shift = [this.#camera.x - still.x, this.#camera.y - still.y];
    } else {
      this.state.set({ zoom: "free" });
    }
    this.place();
  }

  by(factor) {
    this.scaleTo(this.#camera.scale * factor, this.pane.map((side) => side / 2));
  }

  /** Keep the tracked face in the middle while frames go by. Its size is held, so that breathing of the box is not taken for the face's. */
  lockFace() {
    if (!this.boxes.length) return;
    this.#scale = Math.min(MOST, (this.pane[1] * FACE_SHARE) / this.#box(this.state.now.frame)[3]);
    this.#shift = [0, 0];
    this.state.set({ zoom: "face" });
    this.place();
  }

  /** The face's box on a frame; where the track has none, the one before it. */
  #box(frame) {
    return (this.boxes.findLast(([at]) => at <= frame) ?? this.boxes[0])[1];
  }

  /** Plate pixels under a pointer event; side by side, in the pane it is in. */
  spot(event) {
    const [x, y] = this.#inPane(event);
    const { scale, x: left, y: top } = this.#camera;
    return [(x - left) / scale, (y - top) / scale];
  }

  #inPane(event) {
    const { left, top } = this.glass.getBoundingClientRect();
    const x = (event.clientX - left) * devicePixelRatio;
    return [this.state.now.compare === "side" && x >= this.pane[0] ? x - this.pane[0] : x, (event.clientY - top) * devicePixelRatio];
  }

  #listen() {
    const { stage } = this;
    stage.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.scaleTo(this.#camera.scale * Math.exp(-event.deltaY * 0.0015), this.#inPane(event));
    }, { passive: false });
    stage.addEventListener("pointerdown", (event) => {
      if (event.defaultPrevented || event.button > 1 || (event.button === 0 && this.state.now.pen)) return;
      event.preventDefault();
      stage.setPointerCapture(event.pointerId);
      stage.classList.add("held");
    });
    stage.addEventListener("pointermove", (event) => {
      if (stage.hasPointerCapture(event.pointerId) && stage.classList.contains("held")) this.#pan(event);
    });
    stage.addEventListener("lostpointercapture", () => stage.classList.remove("held"));
    stage.addEventListener("dblclick", () => !this.state.now.pen && this.fit());
  }

  #pan(event) {
    const by = [event.movementX * devicePixelRatio, event.movementY * devicePixelRatio];
    if (this.state.now.zoom === "face") {
      this.#shift = [this.#shift[0] + by[0], this.#shift[1] + by[1]];
    } else {
      this.#camera = { ...this.#camera, x: this.#camera.x + by[0], y: this.#camera.y + by[1] };
      this.state.set({ zoom: "free" });
    }
    this.place();
  }
}
