// What others do while the page is open: notes and decisions on this version, and new versions of the shot.

import { element } from "./element.js";

const NOTE_KINDS = ["note_added", "note_resolved", "note_reopened"];

/** Act on the store's events, which /static/live.js hands on as "review:event" of the document. */
export function hear(page, { notes, decide, said, offer }) {
  document.addEventListener("review:event", ({ detail: event }) => {
    if (event.show !== page.show || event.shot !== page.shot) return;
    const others = event.who !== page.user;
    if (event.version === page.version) {
      const reloaded = NOTE_KINDS.includes(event.kind) ? notes.reload() : decide.reload();
      reloaded.catch((error) => said.say(error.message));
      if (others) said.say(`${event.who}: ${event.kind.replaceAll("_", " ")}`);
    } else if (event.kind === "version_registered") {
      const open = element("a", { href: `${page.shotPage}/${event.version}` }, "open it");
      const against = element("button", { type: "button" }, "compare with it");
      against.addEventListener("click", () => offer(event.version));
      said.say(`${event.version} has come: `, open, " ", against);
    }
  });
}

/** The line on which such news stand until the next, or until it is put away. */
export class Said {
  constructor(root) {
    this.root = root;
    this.line = root.querySelector("span");
    root.querySelector("button.away").addEventListener("click", () => (root.hidden = true));
  }

  say(...parts) {
    this.line.replaceChildren(...parts);
    this.root.hidden = false;
  }
}
