// The page: public figures for everyone, the board for those who have the key. Everything that a server sent is set as text.

import * as format from "./format.js";
import { durationOf, legendEntries, Plot, summary } from "./plot.js";
import { Store } from "./store.js";
import { Stream } from "./stream.js";

const kKeyName = "tidemark-builds-key"; // in sessionStorage: of this tab, gone with it
const kPublicEveryMs = 10_000;
const kSilentMs = 90_000; // VMs and hosts beat every 20 to 30 s

const at = (id) => document.getElementById(id);
let store = new Store(), stream, plot;
let clockOffset = 0; // of the server to this machine
let usual; // median build time of what is shown
let live = false, heardAt;
const now = () => Date.now() + clockOffset;

// -- small pieces ------------------------------------------------------------------------------------------------------

function make(tag, name = "", text = undefined) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}

/// Sets only what differs, so that nothing is selected, focused or announced anew without need.
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/// One child for each item, kept as long as its item is there; in the order of `items`.
function reconcile(list, items, create, update) {
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  let next = list.firstElementChild;
  for (const item of items) {
    let child = known.get(item.id);
    known.delete(item.id);
    if (!child) {
      child = create(item);
      child.dataset.key = item.id;
    }
    update(child, item);
    if (child === next) next = next.nextElementSibling;
    else list.insertBefore(child, next);
  }
  for (const child of known.values()) child.remove();
}

function row(parts) {
  const child = make("li", "row");
  child.parts = {};
  for (const [name, tag] of Object.entries(parts)) child.append((child.parts[name] = make(tag, name)));
  return child;
}

/// A time that grows on the page by itself.
function tell(element, ms, how) {
  element.dataset.at = ms;
  element.dataset.how = how;
  if (element.tagName === "TIME") {
    element.dateTime = new Date(ms).toISOString();
    element.title = format.moment(ms);
  }
  tick(element);
}
function tick(element) {
  const ms = Number(element.dataset.at);
  setText(element, element.dataset.how === "since" ? format.since(ms, now()) : format.elapsed(now() - ms));
}

let announcements = [];
function announce(text) {
  announcements.push(text);
  if (announcements.length > 1) return;
  setTimeout(() => { // together, so that a busy minute is not read out word by word
    const last = announcements.slice(-2).join(". "), more = announcements.length - 2;
    setText(at("announce"), more > 0 ? `${last}. And ${format.number(more)} more` : last);
    announcements = [];
  }, 1500);
}

// -- figures -----------------------------------------------------------------------------------------------------------

function showFigures(figures) {
  for (const [name, value] of Object.entries(figures)) setText(at(`figure-${name}`), format.number(value));
  document.title = figures.active > 0 ? `${format.number(figures.active)} under way \u00b7 Build controller` : "Build controller";
}

async function readPublic() {
  if (live) return;
  try {
    const response = await fetch("public/stats", { cache: "no-store", credentials: "omit" });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const figures = await response.json();
    if (live) return;
    showFigures({ pending: figures.buildsQueued, active: figures.activeBuilds, workers: figures.nodesOnline, today: figures.buildsToday,
                  finished: figures.totalBuilds });
    heardAt = Date.now();
    if (!stream) setState("public", "Public figures");
  } catch {
    if (!stream) setState("lost", "Cannot reach the server, trying again");
  }
  showFreshness();
}

function setState(state, text) {
  at("state").dataset.state = state;
  setText(at("state-text"), text);
  document.body.classList.toggle("stale", state === "lost");
}

function showFreshness() {
  setText(at("freshness"), heardAt ? `Last heard from the server at ${format.timeOfDayExactly(heardAt)}` : "");
}

// -- the board ---------------------------------------------------------------------------------------------------------

function platformChip(child, item) {
  const chip = child.parts.platform;
  chip.dataset.platform = item.platform;
  setText(chip, format.platformName(item.platform));
}

function showCount(name, shown, all = shown) {
  setText(at(`${name}-count`), all > 0 ? format.number(all) : "");
  at(`${name}-empty`).hidden = all > 0;
}

function showActive() {
  const builds = store.active, { assigned, building } = store.totals;
  showCount("active", builds.length, Math.max(builds.length, assigned + building));
  reconcile(at("active"), builds, () => {
    const child = row({ platform: "span", who: "span", what: "span", bar: "progress", how: "span" });
    child.parts.worker = make("bdi", "strong");
    child.parts.id = make("span", "id");
    child.parts.who.append(child.parts.worker, " ", child.parts.id);
    child.parts.elapsed = make("span", "elapsed");
    child.parts.usual = make("span", "usual");
    child.parts.what.append(child.parts.elapsed, child.parts.usual);
    child.parts.phase = make("span", "phase");
    child.parts.seen = make("span", "seen");
    child.parts.how.append(child.parts.phase, child.parts.seen);
    child.parts.bar.max = 100;
    return child;
  }, (child, build) => {
    const { parts } = child;
    platformChip(child, build);
    setText(parts.worker, build.worker ?? build.worker_id ?? "a worker");
    setText(parts.id, build.id);
    if (build.started_at !== undefined) tell(parts.elapsed, build.started_at, "elapsed");
    setText(parts.usual, usual === undefined ? "" : ` of usually ${format.duration(usual)}`);
    const known = build.progress !== undefined;
    if (known) parts.bar.value = build.progress;
    else parts.bar.removeAttribute("value");
    parts.bar.setAttribute("aria-label", `Progress of build ${build.id}`);
    const attempt = build.attempt > 1 ? `, attempt ${format.number(build.attempt)}` : "";
    const phase = build.status === "assigned" ? "Preparing" : format.stageName(build.stage);
    setText(parts.phase, phase + (known ? `, ${format.share(build.progress / 100)}` : "") + attempt);
    parts.seen.dataset.seen = build.seen_at ?? "";
    showSilence(parts.seen);
  });
}

/// A build that says nothing is worth a look before it times out.
function showSilence(element) {
  const seen = Number(element.dataset.seen), silent = element.dataset.seen !== "" && now() - seen > kSilentMs;
  element.classList.toggle("silent", silent);
  setText(element, silent ? ` \u00b7 silent for ${format.elapsed(now() - seen)}` : "");
}

function showQueue() {
  const builds = store.queue, { pending } = store.totals;
  showCount("queue", builds.length, Math.max(builds.length, pending));
  reconcile(at("queue"), builds, () => {
    const child = row({ platform: "span", id: "span", again: "span", when: "time" });
    return child;
  }, (child, build) => {
    platformChip(child, build);
    setText(child.parts.id, build.id);
    setText(child.parts.again, build.attempt > 0 ? `tried ${build.attempt === 1 ? "once" : `${format.number(build.attempt)} times`}` : "");
    tell(child.parts.when, build.submitted_at, "since");
  });
  const more = pending - builds.length;
  at("queue-more").hidden = more <= 0;
  setText(at("queue-more"), more > 0 ? `and ${format.number(more)} more` : "");
}

function showWorkers() {
  const workers = store.workers;
  showCount("workers", workers.length);
  reconcile(at("workers"), workers, () => {
    const child = row({ lamp: "span", name: "bdi", doing: "span", done: "span" });
    child.parts.lamp.setAttribute("aria-hidden", "true");
    return child;
  }, (child, worker) => {
    const { parts } = child;
    child.dataset.status = worker.status;
    setText(parts.name, worker.name || worker.id);
    parts.name.title = worker.id;
    setText(parts.doing, { idle: "Idle", building: "Building", offline: "Offline" }[worker.status] ?? worker.status);
    const failed = worker.failed > 0 ? `, ${format.number(worker.failed)} failed` : "";
    setText(parts.done, `${format.number(worker.completed)} done${failed}`);
  });
}

function showFailures() {
  const failures = store.failures;
  showCount("failures", failures.length);
  reconcile(at("failures"), failures, () => {
    const child = row({ platform: "span", who: "span", when: "time", message: "p", id: "span" });
    child.parts.ending = make("span", "ending");
    child.parts.worker = make("bdi");
    child.parts.who.append(child.parts.ending, child.parts.worker);
    const more = (child.parts.more = make("button", "link", "Show all"));
    more.type = "button";
    more.addEventListener("click", () => {
      const open = child.classList.toggle("open");
      more.textContent = open ? "Show less" : "Show all";
      more.setAttribute("aria-expanded", open);
    });
    more.setAttribute("aria-expanded", "false");
    child.parts.id.after(more);
    return child;
  }, (child, build) => {
    const { parts } = child;
    platformChip(child, build);
    parts.ending.dataset.ending = build.ending;
    setText(parts.ending, format.endingName(build.ending));
    setText(parts.worker, build.worker ? ` on ${build.worker}` : "");
    tell(parts.when, build.ended_at, "since");
    const message = build.message ?? "";
    setText(parts.message, message);
    parts.message.dir = "auto";
    parts.more.hidden = message.length < 140 && message.split("\n").length < 4;
    parts.more.setAttribute("aria-label", `Whole message of build ${build.id}`);
    setText(parts.id, build.id);
  });
}

function shownBuilds() {
  const count = Number(document.querySelector("#plot-count input:checked")?.value ?? 100);
  return store.finished.slice(-count);
}

function showPlot() {
  const builds = shownBuilds(), { median, low, high, unsuccessful } = summary(builds);
  usual = median;
  for (const id of ["plot", "plot-legend", "plot-table", "plot-facts"]) at(id).hidden = builds.length === 0;
  at("plot-empty").hidden = builds.length > 0;
  const facts = [["Median", median === undefined ? "\u2013" : format.duration(median)],
                 ["Middle half", low === undefined ? "\u2013" : `${format.duration(low)} \u2013 ${format.duration(high)}`],
                 ["Unsuccessful", builds.length === 0 ? "\u2013" : `${format.number(unsuccessful)} of ${format.number(builds.length)}`]];
  at("plot-facts").replaceChildren(...facts.map(([name, value]) => {
    const fact = make("div");
    fact.append(make("dt", "", name), make("dd", "", value));
    return fact;
  }));
  plot.show(builds);
  showTable();
}

/// The same as the plot, for those who read rather than look. Made when it is opened.
function showTable() {
  if (!at("plot-table").open) return;
  const table = make("table");
  table.append(make("caption", "unseen", "Build times, latest first"));
  const heads = make("tr");
  for (const name of ["Ended", "Time", "Ending", "Platform", "Worker", "Build"]) {
    const head = make("th", "", name);
    head.scope = "col";
    heads.append(head);
  }
  table.createTHead().append(heads);
  const body = table.createTBody();
  for (const build of shownBuilds().reverse()) {
    const ms = durationOf(build), line = make("tr");
    for (const [name, text] of [["", format.moment(build.ended_at)], ["figure", ms === undefined ? "\u2013" : format.duration(ms)],
                                [build.ending, format.endingName(build.ending)], ["", format.platformName(build.platform)],
                                ["", build.worker ?? "\u2013"], ["id", build.id]]) line.append(make("td", name, text));
    body.append(line);
  }
  at("plot-table").querySelector(".scroll").replaceChildren(table);
}

function show(sections) {
  const totals = store.totals;
  if (!totals) return;
  if (sections.has("totals")) {
    showFigures({ pending: totals.pending, active: totals.assigned + totals.building, workers: totals.workers_online,
                  today: totals.completed_today, finished: totals.completed + totals.failed + totals.cancelled });
  }
  if (sections.has("finished")) showPlot();
  if (sections.has("active") || sections.has("finished") || sections.has("totals")) showActive();
  if (sections.has("queue") || sections.has("totals")) showQueue();
  if (sections.has("workers")) showWorkers();
  if (sections.has("failures")) showFailures();
}

/// What ended since the last event, in words.
function announceEndings(before) {
  for (const build of store.finished) {
    if (build.number > before) announce(`Build ${build.id}: ${format.endingName(build.ending)}`);
  }
}

// -- key and stream ----------------------------------------------------------------------------------------------------

function openBoard(key) {
  store = new Store();
  setState("wait", "Connecting");
  stream = new Stream("api/status/stream", key, {
    open(serverTime) {
      clockOffset = Math.abs(serverTime - Date.now()) > 2000 ? serverTime - Date.now() : 0; // the header has whole seconds
      if (at("state").dataset.state === "lost") announce("Connected again");
      live = true;
      sessionStorage.setItem(kKeyName, key);
      setState("live", "Live");
      showBoard(true);
    },
    event(message) {
      const before = store.finished.at(-1)?.number;
      show(store.take(message));
      if (before !== undefined) announceEndings(before);
      heardAt = Date.now();
      showFreshness();
    },
    lost() {
      if (live || at("state").dataset.state !== "lost") announce("Connection lost, reconnecting");
      live = false;
      setState("lost", "Reconnecting");
    },
    refused() {
      closeBoard("That key was not accepted.");
    },
  });
  stream.run();
}

function closeBoard(error = "") {
  stream?.stop();
  stream = undefined;
  live = false;
  sessionStorage.removeItem(kKeyName);
  showBoard(false);
  setText(at("key-error"), error);
  at("key").setAttribute("aria-invalid", error !== "");
  at("key-submit").disabled = false;
  at("key").focus();
  setState("public", "Public figures");
  readPublic();
}

function showBoard(shown) {
  const first = shown && at("board").hidden;
  at("board").hidden = !shown;
  at("sign-in").hidden = shown;
  at("sign-out").hidden = !shown;
  at("key-submit").disabled = false;
  if (!shown) return;
  setText(at("key-error"), "");
  at("key").value = "";
  if (first && document.activeElement === document.body) at("main").focus({ preventScroll: true });
}

at("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = at("key").value.trim();
  setText(at("key-error"), "");
  if (!/^[\x21-\x7e]+$/.test(key)) { // what a header can carry
    setText(at("key-error"), "That is no key: letters, digits and signs only.");
    return;
  }
  at("key-submit").disabled = true;
  stream?.stop();
  openBoard(key);
});
at("sign-out").addEventListener("click", () => closeBoard());
at("plot-count").addEventListener("change", () => show(new Set(["finished"])));
at("plot-table").addEventListener("toggle", showTable);
addEventListener("online", () => stream?.wake());
document.addEventListener("visibilitychange", () => { if (!document.hidden) stream?.wake(); });

setInterval(() => {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-at]")) tick(element);
  for (const element of document.querySelectorAll(".seen")) showSilence(element);
}, 1000);
setInterval(readPublic, kPublicEveryMs);

document.querySelector(`#plot-count input[value="${innerWidth < 600 ? 50 : 100}"]`).checked = true;
at("plot-legend").append(...legendEntries());
plot = new Plot(at("plot"));
readPublic();
const kept = sessionStorage.getItem(kKeyName);
if (kept) openBoard(kept);
