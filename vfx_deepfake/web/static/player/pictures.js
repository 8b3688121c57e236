// Which pictures the state asks for: addresses of A, B and the plane over them, what is fetched ahead, and what is here.

const AHEAD = 24, BEHIND = 8; // frames fetched round a playhead that stands; assumed: a second each way is what steps and scrubs use
const MOST_ENLARGED = 1.05; // of a smaller picture on the screen; assumed: 960 px in a laptop's 972 px pane is a quarter of the data

export class Pictures {
  /** `info` is the version's info.json; `shotMedia` the address above its versions. */
  constructor(state, source, transport, info, media, shotMedia) {
    Object.assign(this, { state, source, transport, info, media, shotMedia });
  }

  /** The picture A of a frame, at the size wanted now or at any other. */
  a(frame) {
    return this.#best((width) => this.#frame(this.media, frame, "version", width));
  }

  /** The same of B. */
  b(frame) {
    return this.#best((width) => this.#other(frame, width));
  }

  plane(frame) {
    const layer = this.layer;
    return layer ? this.#best((width) => this.#plane(frame, layer, width)) : null;
  }

  /** The plane that is needed: the overlay's, or the matte for a look at alpha. */
  get layer() {
    const { layer, channel } = this.state.now;
    return layer || (channel === "alpha" && this.info.layers.includes("matte.applied") ? "matte.applied" : "");
  }

  /** Everything of a frame can be drawn. */
  ready(frame) {
    return this.#needed(frame).every(({ address }) => this.source.has(address) || this.source.failure(address));
  }

  /** Why something of a frame can't be shown, or undefined. */
  trouble(frame) {
    return this.#needed(frame).map(({ address }) => this.source.failure(address)).find(Boolean);
  }

  /** Tell the source what to fetch, the nearest first, within its budget. */
  fetch() {
    const { frame, speed } = this.state.now;
    const around = [frame, ...(speed ? this.#course(frame, speed) : this.#nearby(frame))];
    const share = this.#bytes * this.#needed(frame).length;
    const urgent = this.#needed(frame).length;
    this.source.want(around.slice(0, Math.max(1, Math.floor(this.source.budgetBytes / share))).flatMap((each) => this.#needed(each)), urgent);
  }

  /** The frames that could be drawn at once. */
  buffered() {
    return this.info.frames.filter((frame) => this.#needed(frame).every(({ address }) => this.source.has(address)));
  }

  /** The width that is asked for: the smallest that is hardly enlarged on the screen, 0 for the full one. */
  get width() {
    const { camera } = this.state.now;
    const seen = camera.scale * this.info.width * this.info.pixel_aspect;
    return this.info.sizes.find((width) => width && width * MOST_ENLARGED >= seen) ?? 0;
  }

  /** Changes when other pictures are needed for the same frame. */
  get kind() {
    const { compare, against } = this.state.now;
    return [this.width, compare === "a" ? "" : against, compare === "b", this.layer].join(" ");
  }

  get #bytes() {
    const width = this.width || this.info.width;
    return width * Math.ceil((width * this.info.height) / this.info.width) * 4;
  }

  #needed(frame) {
    const { compare } = this.state.now;
    const { width } = this;
    const found = [];
    if (compare !== "b") found.push({ address: this.#frame(this.media, frame, "version", width) });
    if (compare !== "a") found.push({ address: this.#other(frame, width) });
    if (this.layer) found.push({ address: this.#plane(frame, this.layer, width), plane: true });
    return found;
  }

  #course(frame, speed) {
    const { first, last, loop } = this.state.now;
    const inside = this.info.frames.filter((each) => each >= first && each <= last);
    const forth = inside.filter((each) => (speed > 0 ? each > frame : each < frame));
    const round = loop ? inside.filter((each) => (speed > 0 ? each < frame : each > frame)) : [];
    return speed > 0 ? [...forth, ...round] : [...forth.reverse(), ...round.reverse()];
  }

  #nearby(frame) {
    const { frames } = this.info;
    const index = frames.indexOf(frame);
    const ahead = frames.slice(index + 1, index + 1 + AHEAD), behind = frames.slice(Math.max(0, index - BEHIND), index).reverse();
    return [...ahead.slice(0, 2), ...behind.slice(0, 1), ...ahead.slice(2), ...behind.slice(1)];
  }

  #best(address) {
    const wanted = this.source.get(address(this.width));
    if (wanted) return wanted;
    for (const width of this.info.sizes) {
      const other = this.source.get(address(width));
      if (other) return other;
    }
    return null;
  }

  #frame(media, frame, of, width) {
    return `${media}/frames/${frame}?of=${of}&width=${width}`;
  }

  #plane(frame, layer, width) {
    return `${this.media}/mattes/${frame}?layer=${layer}&width=${width}`;
  }

  #other(frame, width) {
    const { against } = this.state.now;
    if (against === "plate") return this.#frame(this.media, frame, "plate", width);
    if (against === "before") {
      const { frames } = this.info;
      return this.#frame(this.media, frames[Math.max(0, frames.indexOf(frame) - 1)], "version", width);
    }
    return this.#frame(`${this.shotMedia}/${against}`, frame, "version", width);
  }
}
