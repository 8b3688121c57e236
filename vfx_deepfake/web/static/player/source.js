// Pictures from the server: fetched ahead, kept decoded within a memory budget, the least recently used thrown away first.

import { reason } from "./net.js";

const AT_ONCE = 4; // requests under way besides what is in view; assumed: keeps server and line busy, and a step the other way short
const RETRY_S = 5; // before a picture that failed is asked for again

/** A picture: `pixels` is a Uint32Array (packed RGB10_A2) or a Uint8Array (one plane), row 0 on top. */
export class Source {
  #kept = new Map(); // address -> picture; oldest use first
  #failed = new Map(); // address -> {message, at}
  #under = new Map(); // address -> AbortController
  #wanted = [];
  #urgent = 0;
  #bytes = 0;

  /** @param {() => void} changed called whenever a picture has come or failed */
  constructor(budgetBytes, changed) {
    this.budgetBytes = budgetBytes;
    this.changed = changed;
  }

  /** The decoded picture, if it is here. */
  get(address) {
    const picture = this.#kept.get(address);
    if (picture) {
      this.#kept.delete(address);
      this.#kept.set(address, picture);
    }
    return picture;
  }

  has(address) {
    return this.#kept.has(address);
  }

  /** Why the picture can't be had, or undefined. */
  failure(address) {
    return this.#failed.get(address)?.message;
  }

  /**
   * Fetch these, in this order, and nothing else: [{address, plane}]; the `urgent` first ones alone, until they are here. What is under way
   * and no longer wanted is stopped.
   */
  want(list, urgent) {
    this.#wanted = list;
    this.#urgent = urgent;
    const asked = new Set(list.map((each) => each.address));
    for (const [address, control] of this.#under) if (!asked.has(address)) control.abort();
    this.#next();
  }

  #next() {
    const first = this.#wanted.slice(0, this.#urgent);
    const waits = first.some(({ address }) => !this.#kept.has(address) && !this.#failed.has(address));
    for (const { address, plane } of waits ? first : this.#wanted) {
      if (!waits && this.#under.size >= AT_ONCE) return;
      const failed = this.#failed.get(address);
      const resting = failed && performance.now() - failed.at < RETRY_S * 1000;
      if (!this.#kept.has(address) && !this.#under.has(address) && !resting) this.#fetch(address, plane);
    }
  }

  async #fetch(address, plane) {
    const control = new AbortController();
    this.#under.set(address, control);
    try {
      const picture = await read(address, plane, control.signal);
      this.#failed.delete(address);
      this.#keep(address, picture);
    } catch (error) {
      if (error.name !== "AbortError") this.#failed.set(address, { message: error.message, at: performance.now() });
    } finally {
      this.#under.delete(address);
      if (!control.signal.aborted) this.changed();
      this.#next();
    }
  }

  #keep(address, picture) {
    this.#kept.set(address, picture);
    this.#bytes += picture.pixels.byteLength;
    const near = new Set(this.#wanted.map((each) => each.address));
    for (const unwantedOnly of [true, false]) {
      for (const [old, { pixels }] of this.#kept) {
        if (this.#bytes <= this.budgetBytes) return;
        if (old === address || (unwantedOnly && near.has(old))) continue;
        this.#kept.delete(old);
        this.#bytes -= pixels.byteLength;
      }
    }
  }
}

async function read(address, plane, signal) {
  const answer = await fetch(address, { signal });
  if (!answer.ok) throw new Error(await reason(answer));
  const width = Number(answer.headers.get("X-Width"));
  const height = Number(answer.headers.get("X-Height"));
  const buffer = await answer.arrayBuffer();
  const pixels = plane ? new Uint8Array(buffer) : new Uint32Array(buffer);
  if (pixels.length !== width * height) {
    throw new Error(`${address}: ${pixels.length} pixels came; want ${width} x ${height}; reload the page`);
  }
  return { width, height, plane, pixels };
}
