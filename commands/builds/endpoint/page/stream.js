// Server-Sent Events over fetch(), because EventSource cannot send the key as a header, and a key in an address would be logged.
// Connects again by itself, with the id of the last event, until stop() or a refusal.

const kFirstPauseMs = 500;
const kLongestPauseMs = 15_000;
const kSilenceMs = 45_000; // the server sends something every 15 s

export class Stream {
  #url; #key; #on; #lastId = ""; #pause = kFirstPauseMs; #stopped = false; #request; #hurry = () => {}; #heardAt = 0;

  /// `on`: open(server time in ms), event({event, data}), lost(ms until the next try), refused(status).
  constructor(url, key, on) {
    this.#url = url;
    this.#key = key;
    this.#on = on;
  }

  async run() {
    while (!this.#stopped) {
      try {
        await this.#listen();
      } catch {
        // The reason is the browser's; what follows is the same for all.
      }
      if (this.#stopped) return;
      const pause = this.#pause * (0.7 + 0.6 * Math.random());
      this.#pause = Math.min(this.#pause * 2, kLongestPauseMs);
      this.#on.lost(pause);
      await new Promise((resolve) => {
        this.#hurry = resolve;
        setTimeout(resolve, pause);
      });
    }
  }

  stop() {
    this.#stopped = true;
    this.#request?.abort();
    this.#hurry();
  }

  /// The page is looked at again, or the network is back: no reason to wait, and a connection that slept is no good.
  wake() {
    this.#pause = kFirstPauseMs;
    if (this.#heardAt && performance.now() - this.#heardAt > kSilenceMs) this.#request?.abort();
    this.#hurry();
  }

  async #listen() {
    const request = (this.#request = new AbortController());
    const headers = { "X-API-Key": this.#key, Accept: "text/event-stream" };
    if (this.#lastId) headers["Last-Event-ID"] = this.#lastId;
    let watch;
    const heard = () => {
      this.#heardAt = performance.now();
      clearTimeout(watch);
      watch = setTimeout(() => request.abort(), kSilenceMs);
    };
    heard();
    try {
      const response = await fetch(this.#url, { headers, cache: "no-store", credentials: "omit", signal: request.signal });
      if (response.status === 401 || response.status === 403) {
        this.#stopped = true;
        this.#on.refused(response.status);
        return;
      }
      if (!response.ok) throw new Error(`status ${response.status}`);
      this.#on.open(Date.parse(response.headers.get("Date") ?? "") || Date.now());
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      while (true) {
        const { value, done } = await reader.read();
        if (done) return;
        heard();
        text = this.#take(text + value);
      }
    } finally {
      clearTimeout(watch);
      request.abort();
    }
  }

  /// Hands on every event that is whole; the rest is returned. The server ends lines with LF.
  #take(text) {
    let start = 0;
    for (let end; (end = text.indexOf("\n\n", start)) >= 0; start = end + 2) {
      const message = { event: "message", data: [] };
      for (const line of text.slice(start, end).split("\n")) {
        const colon = line.indexOf(":");
        if (colon <= 0) continue; // a comment, or nothing
        const value = line.slice(colon + 1).replace(/^ /, "");
        const field = line.slice(0, colon);
        if (field === "event") message.event = value;
        else if (field === "data") message.data.push(value);
        else if (field === "id") message.id = value;
      }
      if (message.data.length > 0) {
        this.#pause = kFirstPauseMs;
        this.#on.event({ event: message.event, data: message.data.join("\n") });
      }
      if (message.id !== undefined) this.#lastId = message.id; // behind the event: one that fails is asked for again
    }
    return text.slice(start);
  }
}
