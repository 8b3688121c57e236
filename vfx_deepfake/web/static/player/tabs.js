// The side panel's tabs; without scripts its parts stand below each other.

export class Tabs {
  constructor(root) {
    this.tabs = [...root.querySelectorAll("[role=tab]")];
    this.panes = this.tabs.map((tab) => document.getElementById(tab.getAttribute("aria-controls")));
    this.tabs.forEach((tab, index) => {
      tab.addEventListener("click", () => this.open(index));
      tab.addEventListener("keydown", (event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!by) return;
        event.preventDefault();
        this.open((index + by + this.tabs.length) % this.tabs.length, true);
      });
    });
    root.classList.add("tabbed");
    this.open(0);
  }

  open(index, focus = false) {
    this.tabs.forEach((tab, each) => {
      tab.setAttribute("aria-selected", each === index);
      tab.tabIndex = each === index ? 0 : -1;
      this.panes[each].hidden = each !== index;
    });
    if (focus) this.tabs[index].focus();
  }
}
