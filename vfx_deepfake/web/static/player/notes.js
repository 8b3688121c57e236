// Notes: the list, writing one on a frame, a range or the whole version, replies, done or open, and going from one to the next.

import { element, when } from "./element.js";
import { call, freshId } from "./net.js";

export class Notes {
  #id = freshId(); // of the note being written: sent twice, it is written once

  /** `parts` are the panel's elements; state keys: notes, draft, frame, first, last, pen. */
  constructor(state, transport, api, root) {
    Object.assign(this, { state, transport, api });
    this.list = root.querySelector(".notelist");
    this.form = root.querySelector("form.note");
    this.count = root.ownerDocument.querySelector(".open-notes");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.ctrlKey) this.form.requestSubmit();
    });
    this.form.querySelector(".discard").addEventListener("click", () => this.#fresh());
    state.on("notes", () => this.#show());
    state.on("notes frame", () => this.#mark());
    state.on("frame first last draft", () => this.#name());
    this.#show();
    this.#name();
  }

  /** Read them again from the server. */
  async reload() {
    const notes = await call(`${this.api}/notes`);
    this.state.set({ notes });
  }

  /** Start writing. */
  write() {
    this.form.elements.text.focus();
  }

  /** To the next note's first frame, or the one before (-1); round at the ends. */
  jump(direction) {
    const { notes, frame } = this.state.now;
    const at = [...new Set(notes.filter((note) => note.first_frame !== null && !note.reply_to).map((note) => note.first_frame))].sort((a, b) => a - b);
    if (!at.length) return;
    const next = direction > 0 ? at.find((each) => each > frame) ?? at[0] : at.findLast((each) => each < frame) ?? at.at(-1);
    this.transport.seek(next);
  }

  /** The frames that the note being written is about: "", "1012" or "1012-1015". */
  get frames() {
    const { draft, frame, first, last } = this.state.now;
    const place = this.form.elements.place.value;
    if (draft) return String(draft.frame);
    return { frame: String(frame), range: first === last ? String(first) : `${first}-${last}`, whole: "" }[place];
  }

  async #send() {
    const { text } = this.form.elements;
    const { draft } = this.state.now;
    const said = this.form.querySelector(".answer");
    said.textContent = "";
    try {
      await call(`${this.api}/notes`, { id: this.#id, text: text.value, frames: this.frames, drawing: draft?.strokes ?? [], reply_to: this.form.dataset.replyTo || null });
      this.#fresh();
      document.activeElement.blur(); // keys are the player's again
      await this.reload();
    } catch (error) {
      said.textContent = error.message;
    }
  }

  #fresh() {
    this.#id = freshId();
    this.form.elements.text.value = "";
    this.form.querySelector(".answer").textContent = "";
    this.#reply(null);
    this.state.set({ draft: null, pen: "" });
  }

  #reply(note) {
    this.form.dataset.replyTo = note?.id ?? "";
    this.form.querySelector(".to").textContent = note ? `Reply to ${note.author}: ${note.text.slice(0, 60)}` : "";
    if (!note) return;
    this.form.elements.place.value = note.first_frame === null ? "whole" : "frame";
    if (note.first_frame !== null) this.transport.seek(note.first_frame);
    this.write();
  }

  async #resolve(note) {
    try {
      await call(`/api/notes/${note.id}/resolved`, { done: !note.resolved_by });
      await this.reload();
    } catch (error) {
      this.state.set({ trouble: error.message });
    }
  }

  /** Where the note will go, in words, beside the choice. */
  #name() {
    const { draft, frame, first, last } = this.state.now;
    const [here, range] = this.form.elements.place.options;
    here.textContent = `Frame ${frame}`;
    range.textContent = `Range ${first}–${last}`;
    this.form.elements.place.disabled = Boolean(draft);
    this.form.querySelector(".drawn").textContent = draft ? `With the drawing on frame ${draft.frame}` : "";
  }

  #show() {
    const { notes } = this.state.now;
    const open = notes.filter((note) => !note.resolved_by && !note.reply_to).length;
    this.count.textContent = open ? String(open) : "";
    const threads = notes.filter((note) => !note.reply_to);
    const items = threads.map((note) => {
      const replies = notes.filter((each) => each.reply_to && this.#thread(each, notes) === note.id);
      const item = element("li", { className: note.resolved_by ? "note done" : "note", "data-id": note.id }, ...this.#body(note));
      if (note.first_frame !== null) Object.assign(item.dataset, { first: note.first_frame, last: note.last_frame });
      if (replies.length) item.append(element("ol", { className: "replies" }, ...replies.map((each) => element("li", { className: "note" }, ...this.#body(each)))));
      return item;
    });
    this.list.replaceChildren(...(items.length ? items : [element("li", { className: "dim" }, "No notes yet.")]));
  }

  /** The note that a chain of replies began with. */
  #thread(note, notes) {
    let at = note;
    while (at?.reply_to) at = notes.find((each) => each.id === at.reply_to);
    return at?.id;
  }

  #body(note) {
    const head = element("p", { className: "head" });
    if (note.first_frame !== null && !note.reply_to) {
      const label = note.first_frame === note.last_frame ? `${note.first_frame}` : `${note.first_frame}–${note.last_frame}`;
      const button = element("button", { type: "button", className: "goto", title: "Go to this frame" }, label);
      button.addEventListener("click", () => this.transport.seek(note.first_frame));
      head.append(button);
    }
    head.append(element("b", {}, note.author), element("time", { dateTime: note.at, className: "dim" }, when(note.at)));
    if (note.drawing.length) head.append(element("span", { className: "dim", title: "has a drawing" }, "✎ drawing"));
    const resolve = element("button", { type: "button", className: "quiet" }, note.resolved_by ? "Open again" : "Resolve");
    resolve.addEventListener("click", () => this.#resolve(note));
    const reply = element("button", { type: "button", className: "quiet" }, "Reply");
    reply.addEventListener("click", () => this.#reply(note));
    const doneBy = note.resolved_by ? [element("span", { className: "dim" }, `resolved by ${note.resolved_by}`)] : [];
    const text = note.text ? [element("p", { className: "text" }, note.text)] : [];
    return [head, ...text, element("p", { className: "acts" }, ...doneBy, reply, ...(note.reply_to ? [] : [resolve]))];
  }

  #mark() {
    const { frame } = this.state.now;
    for (const item of this.list.querySelectorAll("[data-first]")) {
      item.classList.toggle("here", item.dataset.first <= frame && frame <= item.dataset.last);
    }
  }
}
