// What the page shows, in one place. Parts read `now`, change it with set(), and are told by key.

export class State {
  #hearers = [];

  constructor(values) {
    this.now = Object.freeze({ ...values });
  }

  /** Change some values; whoever listens to one that is really another is called once. */
  set(values) {
    const changed = Object.keys(values).filter((key) => !Object.is(this.now[key], values[key]));
    if (!changed.length) return;
    this.now = Object.freeze({ ...this.now, ...values });
    for (const { keys, hear } of [...this.#hearers]) {
      if (!keys.length || keys.some((key) => changed.includes(key))) hear(this.now);
    }
  }

  /** Call `hear(now)` after one of the keys (separated by spaces; none: any) has changed. */
  on(keys, hear) {
    this.#hearers.push({ keys: keys.split(" ").filter(Boolean), hear });
  }
}
