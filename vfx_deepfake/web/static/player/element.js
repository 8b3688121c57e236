// Making elements: text is always text, never markup.

/** <kind class=...> with properties and children (elements or strings). */
export function element(kind, properties = {}, ...children) {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-") || name.startsWith("data-")) made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** 2026-11-21T13:45:10Z as people read it. */
export function when(at) {
  return at.slice(0, 16).replace("T", " ");
}
