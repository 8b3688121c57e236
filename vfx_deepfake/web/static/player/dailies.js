// Walking through dailies: the server has put the previous and the next version into the page as links.

export class Dailies {
  constructor(root) {
    this.root = root; // null outside dailies
  }

  next() {
    this.#go("next");
  }

  previous() {
    this.#go("prev");
  }

  #go(relation) {
    this.root?.querySelector(`a[rel=${relation}]`)?.click();
  }
}
