// Exposure, gamma, single channels and the show's view: for looking only, nothing is changed.

import { CHANNEL } from "./shader.js";

export const NEUTRAL = { exposure: 0, gamma: 1, channel: "colour" };
const EXPOSURE_STEP = 0.25; // stops
const GAMMA_STEP = 0.1;

export class Grade {
  #tables = new Map();

  /** State keys: exposure (stops), gamma, channel, view (name), lut (the table, null until it has come). */
  constructor(state, media, info) {
    Object.assign(this, { state, media, info });
    state.on("view", () => this.load());
    this.load();
  }

  expose(steps) {
    this.state.set({ exposure: bounded(this.state.now.exposure + steps * EXPOSURE_STEP, -10, 10) });
  }

  bend(steps) {
    this.state.set({ gamma: bounded(this.state.now.gamma + steps * GAMMA_STEP, 0.2, 4) });
  }

  /** Show one channel; the same again, all of them. */
  isolate(channel) {
    if (channel in CHANNEL) this.state.set({ channel: this.state.now.channel === channel ? "colour" : channel });
  }

  nextView() {
    const names = this.info.views.map((view) => view.name);
    this.state.set({ view: names[(names.indexOf(this.state.now.view) + 1) % names.length] });
  }

  reset() {
    this.state.set(NEUTRAL);
  }

  /** Fetch the table of the view, once each. */
  async load() {
    const { view } = this.state.now;
    if (!this.#tables.has(view)) {
      this.state.set({ lut: null }); // nothing is drawn by another view's table under this one's name
      const index = this.info.views.findIndex((each) => each.name === view);
      const address = index === this.info.default_view ? "default" : index; // the page has asked for it by that name already
      const answer = await fetch(`${this.media}/lut/${address}`);
      if (!answer.ok) {
        this.state.set({ trouble: `view ${view}: the server has no table of it (${answer.status}); choose another view` });
        return;
      }
      const texels = new Uint16Array(await answer.arrayBuffer()); // half floats as they are
      const off = Number(answer.headers.get("X-Error-Most")).toFixed(1);
      this.#tables.set(view, { size: Number(answer.headers.get("X-Size")), texels, off });
    }
    if (this.state.now.view === view) this.state.set({ lut: this.#tables.get(view) });
  }

  /** How the table stands to the view itself. */
  exactness() {
    const { lut, view } = this.state.now;
    return lut ? `${view}: a table of ${lut.size} entries a side; 99.9 % of colours within ${lut.off} codes of 8 bits from OCIO` : "";
  }

  /** What is done to the picture, for the line under it. */
  words() {
    const { view, exposure, gamma, channel } = this.state.now;
    const stops = `${exposure > 0 ? "+" : ""}${exposure.toFixed(2)} stops`;
    return [view, exposure && stops, gamma !== 1 && `gamma ${gamma.toFixed(1)}`, channel !== "colour" && channel].filter(Boolean).join(" · ");
  }
}

function bounded(value, least, most) {
  return Math.max(least, Math.min(most, Math.round(value * 100) / 100));
}
