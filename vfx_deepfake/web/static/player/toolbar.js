// The buttons and fields above and below the picture: each shows a value of the state and changes it.

/** A group of buttons of which one is on: <button data-set="compare" data-value="wipe-v">. */
function groups(root, state, act) {
  const buttons = [...root.querySelectorAll("button[data-set]")];
  const show = () => buttons.forEach((button) => button.setAttribute("aria-pressed", String(state.now[button.dataset.set]) === button.dataset.value));
  buttons.forEach((button) => button.addEventListener("click", () => act(button.dataset.set, button.dataset.value)));
  state.on([...new Set(buttons.map((button) => button.dataset.set))].join(" "), show);
  show();
}

/** Fields that hold a value: <select data-field="against">, <input data-field="colour">. */
function fields(root, state) {
  for (const field of root.querySelectorAll("[data-field]")) {
    const key = field.dataset.field;
    const check = field.type === "checkbox";
    const number = ["range", "number"].includes(field.type) || field.dataset.number !== undefined;
    const show = () => (check ? (field.checked = state.now[key]) : (field.value = String(state.now[key])));
    field.addEventListener(check || field.tagName === "SELECT" ? "change" : "input", () => {
      const value = check ? field.checked : number ? Number(field.value) : field.value;
      if (!number || Number.isFinite(value)) state.set({ [key]: value });
    });
    state.on(key, show);
    show();
  }
}

/** Buttons that do what a key does: <button data-key="k">. */
function doers(root, table) {
  const byKey = new Map(table.map(([, key, , act]) => [key, act]));
  for (const button of root.querySelectorAll("[data-key]")) button.addEventListener("click", () => byKey.get(button.dataset.key)());
}

/** Wire all of them. `act(key, value)` sets what a group's button stands for. */
export function wire(root, state, table, act) {
  groups(root, state, act);
  fields(root, state);
  doers(root, table);
  root.addEventListener("click", (event) => {
    const button = event.target.closest("button, select");
    if (button && event.detail > 0 && !button.closest("form, dialog, [role=tablist]")) button.blur(); // the mouse leaves keys to the player
  });
}
