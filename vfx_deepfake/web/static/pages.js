// Keys of the lists: "/" goes to the search, arrows move in a grid of cards. And the parts of a page that change are fetched anew when the
// store says that something changed. Without this file every page still works by links, forms and reload.
"use strict";

const typing = (target) => target.closest("input, textarea, select, [contenteditable]") !== null;

function column(cards) {
  // cards in the first row: as many as share its top
  const top = cards[0].getBoundingClientRect().top;
  return cards.findIndex((card) => card.getBoundingClientRect().top > top + 1);
}

function moveInGrid(event, grid) {
  const cards = [...grid.children].map((item) => item.querySelector("a"));
  const across = column(cards) > 0 ? column(cards) : cards.length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
  const at = cards.indexOf(document.activeElement);
  let next = { Home: 0, End: cards.length - 1 }[event.key];
  if (step !== undefined) next = at < 0 ? 0 : at + step;
  if (next === undefined || next < 0 || next >= cards.length) return;
  event.preventDefault();
  cards[next].focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const search = document.getElementById("find-search");
  const grid = document.querySelector("[data-grid]");
  if (event.key === "/" && search) {
    event.preventDefault();
    search.select();
  } else if (grid && !event.shiftKey) {
    moveInGrid(event, grid);
  }
});

// --- what changes ---

async function refresh(part) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part.id);
  if (!fresh || fresh.innerHTML === part.innerHTML) return;
  const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  part.replaceChildren(...fresh.childNodes);
  if (focused) [...part.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus({ preventScroll: true });
}

const live = document.querySelector("[data-live][id]");
let waiting = 0;
if (live) {
  document.addEventListener("review:event", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => refresh(live), 300); // one look for many changes at once
  });
}
