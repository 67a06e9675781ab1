// What the stream has told: sections of items by key, brought up to date by its events.

const keyOf = (item) => item.id ?? "";

export class Store {
  #sections = new Map();

  /// `message.event` is "snapshot" or "change"; returns the names of the sections that differ now.
  take(message) {
    const told = JSON.parse(message.data);
    if (message.event === "snapshot") {
      this.#sections = new Map(Object.entries(told).map(([name, items]) => [name, new Map(items.map((item) => [keyOf(item), item]))]));
      return new Set(this.#sections.keys());
    }
    if (message.event !== "change") return new Set();
    for (const [name, { gone, put }] of Object.entries(told)) {
      const items = this.#sections.get(name) ?? new Map();
      for (const key of gone) items.delete(key);
      for (const item of put) items.set(keyOf(item), item);
      this.#sections.set(name, items);
    }
    return new Set(Object.keys(told));
  }

  #items(name) { return [...(this.#sections.get(name)?.values() ?? [])]; }

  get totals() { return this.#items("totals")[0]; }
  get queue() { return this.#items("queue").sort((a, b) => a.submitted_at - b.submitted_at || a.order - b.order); }
  get active() { return this.#items("active").sort((a, b) => (a.started_at ?? 0) - (b.started_at ?? 0) || a.order - b.order); }
  get finished() { return this.#items("finished").sort((a, b) => a.number - b.number); }
  get failures() { return this.#items("failures").sort((a, b) => b.number - a.number); }
  get workers() {
    const rank = { building: 0, idle: 1, offline: 2 };
    return this.#items("workers").sort((a, b) => (rank[a.status] ?? 3) - (rank[b.status] ?? 3) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }
}
