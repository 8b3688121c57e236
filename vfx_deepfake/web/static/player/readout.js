// What the page says in figures and words about what is on the screen.

import { timecode } from "./transport.js";

const MODES = { a: "", b: "B", "wipe-v": "wipe", "wipe-h": "wipe", difference: "difference of log codes", side: "side by side" };

export class Readout {
  constructor(root, state, info, pictures, grade) {
    Object.assign(this, { root, state, info, pictures, grade });
    this.stage = root.querySelector(".stage");
    this.rate = info.rate[0] / info.rate[1];
    state.on("", () => this.show());
  }

  show() {
    const { now } = this.state;
    const { frames } = this.info;
    this.#put(".frame", now.frame);
    this.#put(".timecode", this.info.timecode_start ? timecode(now.frame, frames[0], this.info.timecode_start, this.rate) : "");
    this.#put(".of", `${frames.indexOf(now.frame) + 1} of ${frames.length}`);
    this.#put(".rate", this.#playing(now));
    this.#put(".view-name", this.grade.words());
    this.root.querySelector("select.view").title = this.grade.exactness();
    this.#put(".scale", `${Math.round(now.camera.scale * 1000) / 10} %${now.zoom === "face" ? " · on the face" : ""} · ${this.pictures.width || this.info.width} px picture`);
    this.#put(".mode", this.#mode(now));
    this.#put(".trouble", now.trouble || (now.late ? this.#awaited(now) : ""));
    this.root.querySelector("[data-key='r']").setAttribute("aria-pressed", now.loop);
    this.root.querySelector("[data-key=' ']").setAttribute("aria-pressed", now.speed !== 0);
    this.root.dataset.compare = now.compare;
    this.stage.dataset.shown = now.shown ?? ""; // the frame whose picture is drawn, and where
    this.stage.dataset.camera = `${now.camera.scale} ${now.camera.x} ${now.camera.y}`;
  }

  #awaited({ frame, lut, view }) {
    return lut ? `loading ${frame}` : `loading view ${view}`;
  }

  #playing({ speed, waiting, dropped }) {
    const rate = `${Math.round(this.rate * 1000) / 1000} fps`;
    const words = [rate, speed && speed !== 1 && `${speed}x`, waiting && "waiting for frames", (speed || dropped) && `${dropped} dropped`];
    return words.filter(Boolean).join(" · ");
  }

  #mode({ compare, against, gain }) {
    if (compare === "a") return "";
    const gained = compare === "difference" ? ` x ${gain}` : "";
    return `${MODES[compare]}${gained} · B: ${against === "before" ? "frame before" : against}`;
  }

  #put(where, text) {
    for (const place of this.root.querySelectorAll(where)) if (place.textContent !== String(text)) place.textContent = text;
  }
}
