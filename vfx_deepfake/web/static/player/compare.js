// The second picture, B: the plate, another version of the shot, or this one a frame before (what flickers), and the ways to hold it against this one.

export const GAINS = [1, 2, 4, 8, 16, 32, 64];

export class Compare {
  /** State keys: compare (see shader.js), against ("plate", "v003" or "before"), wipe (part of the plate's width or height), gain, camera. */
  constructor(state, stage, plate) {
    Object.assign(this, { state, plate });
    this.line = stage.querySelector(".wipe");
    this.#drag();
    state.on("compare wipe camera", () => this.#place());
  }

  /** Go to a way of comparing; again, back to the version alone. */
  mode(name) {
    this.state.set({ compare: this.state.now.compare === name ? "a" : name });
  }

  /** Stronger or weaker difference. */
  amplify(steps) {
    const index = GAINS.indexOf(this.state.now.gain) + steps;
    this.state.set({ gain: GAINS[Math.max(0, Math.min(GAINS.length - 1, index))] });
  }

  moveWipe(by) {
    this.state.set({ wipe: Math.max(0, Math.min(1, this.state.now.wipe + by)) });
  }

  #place() {
    const { compare, wipe, camera } = this.state.now;
    const { line, plate } = this;
    line.hidden = !compare.startsWith("wipe");
    if (line.hidden) return;
    const upright = compare === "wipe-v";
    const at = (upright ? camera.x + wipe * plate[0] * camera.scale : camera.y + wipe * plate[1] * camera.scale) / devicePixelRatio;
    line.classList.toggle("level", !upright);
    line.style.transform = upright ? `translateX(${at}px)` : `translateY(${at}px)`;
    line.setAttribute("aria-orientation", upright ? "horizontal" : "vertical"); // of the movement
    line.setAttribute("aria-valuenow", Math.round(wipe * 100));
  }

  #drag() {
    const { line } = this;
    line.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the stage under it would pan
      event.stopPropagation();
      line.setPointerCapture(event.pointerId);
      line.focus();
    });
    line.addEventListener("pointermove", (event) => {
      if (!line.hasPointerCapture(event.pointerId)) return;
      const { left, top } = line.parentElement.getBoundingClientRect();
      const { compare, camera } = this.state.now;
      const upright = compare === "wipe-v";
      const at = (upright ? event.clientX - left : event.clientY - top) * devicePixelRatio - (upright ? camera.x : camera.y);
      this.moveWipe(at / camera.scale / this.plate[upright ? 0 : 1] - this.state.now.wipe);
    });
    line.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -0.02, ArrowUp: -0.02, ArrowRight: 0.02, ArrowDown: 0.02 }[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      this.moveWipe(by);
    });
  }
}
