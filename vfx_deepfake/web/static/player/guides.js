// Lines over the picture: the points of the face's track, and the letterbox of a screen format.

import { call } from "./net.js";

export class Guides {
  #points = null; // by frame, once they have come

  /** State keys: landmarks (shown or not), letterbox ("" or width by height, "2.39"), frame. `paper` is drawn on in plate pixels. */
  constructor(state, paper, info, media) {
    Object.assign(this, { state, info, media });
    this.dots = paper.querySelector(".landmarks");
    this.bars = paper.querySelector(".letterbox");
    state.on("landmarks frame", () => this.#mark());
    state.on("letterbox", () => this.#mask());
  }

  async #mark() {
    const { landmarks, frame } = this.state.now;
    if (landmarks && !this.#points) {
      this.#points = {};
      this.#points = await call(`${this.media}/landmarks.json`).catch((error) => this.state.set({ trouble: error.message }) ?? {});
      return this.#mark();
    }
    const points = (landmarks && this.#points[frame]) || [];
    this.dots.setAttribute("d", points.map(([x, y]) => `M${x} ${y}h0`).join("")); // lines of no length with round ends
  }

  #mask() {
    const { letterbox } = this.state.now;
    const { width, height, pixel_aspect } = this.info;
    const inside = [Math.min(width, (height * letterbox) / pixel_aspect), Math.min(height, (width * pixel_aspect) / letterbox)];
    const [left, top] = [(width - inside[0]) / 2, (height - inside[1]) / 2];
    const whole = `M0 0h${width}v${height}h${-width}z`;
    this.bars.setAttribute("d", letterbox ? `${whole}M${left} ${top}h${inside[0]}v${inside[1]}h${-inside[0]}z` : "");
  }
}
