// One table of all keys; the help is made from it.

import { element } from "./element.js";

const SHOWN = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", PageUp: "Page up", PageDown: "Page down", Escape: "Esc" };
const TYPING = "input:not([type=range]):not([type=checkbox]):not([type=color]), textarea, select, [contenteditable]";
const OWN_KEYS = { " ": "button, a, summary, input, select, textarea", Enter: "button, a, summary", ArrowLeft: "input, select, [role=tab]", ArrowRight: "input, select, [role=tab]" };

/**
 * Act on keys anywhere on the page but where somebody writes.
 * @param {[string, string, string, () => void][]} table group, key (Shift+ and Ctrl+ in front), what it does, how
 */
export function listen(table) {
  const byKey = new Map(table.map(([, key, , act]) => [key, act]));
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    const key = name(event);
    if (document.querySelector("dialog[open]")) return;
    if (target.matches?.(TYPING) && key !== "Escape") return;
    if (OWN_KEYS[event.key] && target.matches?.(OWN_KEYS[event.key])) return;
    const act = byKey.get(key);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

/** "Shift+e" of an event; a sign that needs Shift on some keyboards is itself. */
function name(event) {
  if (event.altKey || event.metaKey) return "";
  const letter = /^[a-z]$/i.test(event.key);
  const key = letter ? event.key.toLowerCase() : event.key;
  const shift = event.shiftKey && (letter || event.key.length > 1) ? "Shift+" : "";
  return `${event.ctrlKey ? "Ctrl+" : ""}${shift}${key}`;
}

/** Fill the help dialog with the table, by group. */
export function describe(table, root) {
  const groups = Map.groupBy ? Map.groupBy(table, ([group]) => group) : grouped(table);
  root.replaceChildren(...[...groups].map(([group, rows]) => element("section", {}, element("h3", {}, group), element("dl", {}, ...rows.flatMap(([, key, does]) => [
    element("dt", {}, ...(key === "+" ? ["+"] : key.split("+")).map((part) => element("kbd", {}, SHOWN[part] ?? (part.length === 1 ? part.toUpperCase() : part)))),
    element("dd", {}, does),
  ])))));
}

function grouped(table) {
  const groups = new Map();
  for (const row of table) groups.set(row[0], [...(groups.get(row[0]) ?? []), row]);
  return groups;
}
