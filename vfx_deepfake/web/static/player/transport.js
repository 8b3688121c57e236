// The playhead: steps, speeds, loop and range, frame-accurate at the show's rate.

const SPEEDS = [1, 2, 4];

export class Transport {
  #anchor = null; // the moment and the frame that the clock counts from
  #shown = null;
  #awaited = 0; // the animation frame that was asked for

  /**
   * @param {State} state keys: frame, speed (0: stands), loop, first, last (the range played), dropped, waiting
   * @param {number[]} frames the frame numbers there are, rising; a gap holds the frame before it
   * @param {number} rate frames a second
   * @param {(frame: number) => boolean} ready whether a frame can be drawn now
   */
  constructor(state, frames, rate, ready) {
    Object.assign(this, { state, frames, rate, ready });
    document.addEventListener("visibilitychange", () => (this.#anchor = null));
  }

  /** The frame that is there at or before a number. */
  nearest(number) {
    return this.frames.findLast((frame) => frame <= number) ?? this.frames[0];
  }

  /** Stand on a frame. */
  seek(frame) {
    this.state.set({ frame: this.nearest(frame), speed: 0, waiting: false });
  }

  /** Go on by so many frames of those there are; stands afterwards. */
  step(count) {
    const index = this.frames.indexOf(this.state.now.frame) + count;
    this.seek(this.frames[Math.max(0, Math.min(this.frames.length - 1, index))]);
  }

  /** J and L: play that way; pressed again, twice and four times as fast. */
  shuttle(direction) {
    const { speed } = this.state.now;
    const rank = Math.sign(speed) === direction ? SPEEDS.indexOf(Math.abs(speed)) + 1 : 0;
    this.play(direction * SPEEDS[Math.min(rank, SPEEDS.length - 1)]);
  }

  toggle() {
    if (this.state.now.speed) this.stop();
    else this.play(1);
  }

  stop() {
    this.state.set({ speed: 0, waiting: false });
  }

  play(speed) {
    const { frame, first, last, speed: before } = this.state.now;
    const outside = frame < first || frame > last || (speed > 0 ? frame === last : frame === first);
    if (outside) this.state.set({ frame: this.nearest(speed > 0 ? first : last) });
    this.state.set({ speed, ...(before ? {} : { dropped: 0 }) });
    this.#anchor = null;
    this.#awaited ||= requestAnimationFrame((now) => this.#tick(now));
  }

  setIn() {
    const { frame, last } = this.state.now;
    this.state.set({ first: frame, last: Math.max(last, frame) });
  }

  setOut() {
    const { frame, first } = this.state.now;
    this.state.set({ last: frame, first: Math.min(first, frame) });
  }

  clearRange() {
    this.state.set({ first: this.frames[0], last: this.frames.at(-1) });
  }

  #tick(now) {
    const { speed, frame } = this.state.now;
    this.#awaited = speed ? requestAnimationFrame((next) => this.#tick(next)) : 0;
    if (!speed) return;
    if (!this.#anchor || this.#shown !== frame || this.#anchor.speed !== speed) this.#from(now, frame, speed);
    const steps = Math.floor(((now - this.#anchor.at) / 1000) * this.rate * Math.abs(speed) + 1e-6);
    if (!steps) return;
    const due = this.#wrapped(frame, steps * Math.sign(speed));
    if (due === null) {
      this.stop();
    } else if (!this.ready(due.frame)) {
      this.#from(now, frame, speed); // hold the clock: a frame that has not come is waited for, not skipped
      this.state.set({ waiting: true });
    } else {
      this.#anchor.at += (steps / this.rate / Math.abs(speed)) * 1000;
      const missed = Math.abs(speed) === 1 ? steps - 1 : 0; // faster than the shot, frames are left out by intent
      this.#shown = due.frame;
      this.state.set({ frame: due.frame, waiting: false, dropped: this.state.now.dropped + missed });
    }
  }

  #from(at, frame, speed) {
    this.#anchor = { at, speed };
    this.#shown = frame;
  }

  /** The frame so many steps on, round the range if it loops; null past its end. */
  #wrapped(frame, steps) {
    const { first, last, loop } = this.state.now;
    const length = last - first + 1;
    let number = frame + steps;
    if (number < first || number > last) {
      if (!loop) return frame === first || frame === last ? null : { frame: this.nearest(number < first ? first : last) };
      number = first + ((((number - first) % length) + length) % length);
    }
    return { frame: this.nearest(number) };
  }
}

/** Timecode of a frame: non-drop, counted from the first frame's. */
export function timecode(frame, firstFrame, start, rate) {
  const fps = Math.round(rate);
  const [h, m, s, f] = start.split(/[:;]/).map(Number);
  const count = ((h * 60 + m) * 60 + s) * fps + f + frame - firstFrame;
  const part = (value) => String(value).padStart(2, "0");
  return [Math.floor(count / fps / 3600) % 24, Math.floor(count / fps / 60) % 60, Math.floor(count / fps) % 60, count % fps].map(part).join(":");
}
