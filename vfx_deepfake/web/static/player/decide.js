// Approving or requesting changes, with the revision that was looked at, so that the first one counts.

import { when } from "./element.js";
import { call } from "./net.js";

export class Decide {
  /** State keys: standing {state, revision, decided_by, decided_at, reason}. `form` is null for who may not decide; words: of the states. */
  constructor(state, api, root, words) {
    Object.assign(this, { state, api, root, words });
    this.form = root.querySelector("form.decision");
    this.badge = document.querySelector(".strip .state");
    state.on("standing", () => this.#show());
    this.form?.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send(event.submitter.value);
    });
    this.form?.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.ctrlKey) this.#finish();
    });
    this.#show();
  }

  /** To the reason's field, with the button for this decision next. */
  begin(decision) {
    if (!this.form || this.form.hidden) return;
    this.form.dataset.meant = decision;
    for (const button of this.form.querySelectorAll("[name=state]")) button.classList.toggle("meant", button.value === decision);
    this.form.elements.why.focus();
  }

  /** Read again how the version stands. */
  async reload() {
    this.state.set({ standing: await call(this.api) });
  }

  /** Send what begin() was called for: Ctrl+Enter in the reason's field. */
  #finish() {
    const { meant } = this.form.dataset;
    if (meant) this.form.requestSubmit(this.form.querySelector(`[value=${meant}]`));
  }

  async #send(decision) {
    const said = this.form.querySelector(".answer");
    said.textContent = "";
    this.sending = true;
    try {
      const { revision } = this.state.now.standing;
      await call(`${this.api}/decision`, { state: decision, why: this.form.elements.why.value, seen: revision });
      this.form.reset();
      document.activeElement.blur(); // keys are the player's again
    } catch (error) {
      said.textContent = error.message; // of a conflict: who was first, when and why
    }
    await this.reload().catch((error) => (said.textContent ||= error.message));
    this.sending = false;
    this.#show();
  }

  #show() {
    const { state, decided_by, decided_at, reason } = this.state.now.standing;
    this.badge.textContent = this.words[state];
    this.badge.className = `state ${state}`;
    const line = this.root.querySelector(".decided");
    line.textContent = decided_by ? `${this.words[state]} by ${decided_by}, ${when(decided_at)}: ${reason}` : "Nobody has decided yet.";
    // news of one's own decision may come before its answer: who was first is known after that
    if (this.form && !this.sending) this.#open(state === "pending_review");
  }

  /** Offer the choice, or take it away; what somebody was writing when another person decided stays to be read. */
  #open(offered) {
    const choices = this.form.querySelector(".choices");
    const written = this.form.elements.why.value;
    const { state, decided_by, decided_at, reason } = this.state.now.standing;
    if (!offered && !choices.hidden && written) {
      const first = `${decided_by} was first: ${this.words[state]}, ${when(decided_at)}, because '${reason}'`;
      this.form.querySelector(".answer").textContent = `${first}. You had written: ${written}`;
    }
    choices.hidden = !offered;
  }
}
