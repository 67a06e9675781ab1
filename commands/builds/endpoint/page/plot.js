// Build times: a point for every build, oldest on the left, with the rolling median and the middle half of completed builds.
// Builds stand evenly spaced, since a plot over the clock would be gaps and lumps.

import * as format from "./format.js";

const kSvg = "http://www.w3.org/2000/svg";
const kWindow = 15; // builds of the rolling median
const kSteps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 604800]; // s

export const quantile = (sorted, part) => {
  if (sorted.length === 0) return undefined;
  const at = (sorted.length - 1) * part, low = Math.floor(at);
  return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low);
};

export const durationOf = (build) => (build.started_at === undefined ? undefined : Math.max(0, build.ended_at - build.started_at));

/// What the plot says in words and numbers.
export function summary(builds) {
  const times = builds.filter((build) => build.ending === "completed").map(durationOf).filter((ms) => ms !== undefined).sort((a, b) => a - b);
  return { builds: builds.length, unsuccessful: builds.filter((build) => build.ending !== "completed").length,
           median: quantile(times, 0.5), low: quantile(times, 0.25), high: quantile(times, 0.75) };
}

function draw(name, attributes = {}, parent = undefined) {
  const element = document.createElementNS(kSvg, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

/// The mark of an ending: shapes differ, not colours alone.
function mark(ending, x, y, parent) {
  const group = draw("g", { class: `mark ${ending}`, transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` }, parent);
  if (ending === "failed") draw("path", { d: "M-3.6-3.6L3.6 3.6M3.6-3.6L-3.6 3.6" }, group);
  else if (ending === "timed_out") draw("path", { d: "M0-4.8L4.7 3.7H-4.7Z" }, group);
  else draw("circle", { r: 3.2 }, group);
  return group;
}

export function legendEntries() {
  const entry = (paint, text) => {
    const item = document.createElement("li");
    const picture = draw("svg", { viewBox: "-8 -8 16 16", width: 16, height: 16, "aria-hidden": "true" });
    paint(picture);
    item.append(picture, text);
    return item;
  };
  const line = (picture) => draw("path", { class: "median", d: "M-8 0H8" }, picture);
  const band = (picture) => draw("rect", { class: "band", x: -8, y: -6, width: 16, height: 12, rx: 2 }, picture);
  return [entry((p) => mark("completed", 0, 0, p), "Completed"), entry((p) => mark("failed", 0, 0, p), "Failed"),
          entry((p) => mark("timed_out", 0, 0, p), "Timed out"), entry(line, `Median of ${kWindow}`), entry(band, "Middle half")];
}

/// Rolling quantiles of completed builds, one entry for each build that completed.
function rolling(points) {
  const done = points.filter((point) => point.build.ending === "completed" && point.ms !== undefined);
  return done.map((point, index) => {
    const first = Math.max(0, Math.min(index - (kWindow >> 1), done.length - kWindow));
    const times = done.slice(first, first + kWindow).map((one) => one.ms).sort((a, b) => a - b);
    return { x: point.x, low: quantile(times, 0.25), middle: quantile(times, 0.5), high: quantile(times, 0.75) };
  });
}

/// The top of the scale: round, and not set by one build that took for ever (those stand at the edge, with an arrow).
function scaleOf(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const usual = quantile(sorted, 0.95) ?? 0, longest = sorted.at(-1) ?? 0;
  const wanted = Math.max(300, longest > usual * 2.5 ? usual * 1.4 : longest * 1.08);
  const step = 1000 * (kSteps.find((s) => (s * 1000) * 5 >= wanted) ?? 604800 * Math.ceil(wanted / 5 / 604_800_000));
  return { step, top: Math.ceil(wanted / step) * step };
}

export class Plot {
  #place; #tip; #svg; #points = []; #builds = []; #chosen = -1; #area;

  constructor(place) {
    this.#place = place;
    this.#tip = document.createElement("div");
    this.#tip.className = "tip";
    this.#tip.hidden = true;
    place.setAttribute("role", "slider");
    place.setAttribute("aria-label", "Build times, one build for each step of the arrow keys");
    place.setAttribute("aria-orientation", "horizontal");
    place.tabIndex = 0;
    place.addEventListener("pointermove", (event) => this.#point(event));
    place.addEventListener("pointerdown", (event) => this.#point(event));
    place.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") this.#choose(-1); });
    place.addEventListener("blur", () => this.#choose(-1));
    place.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#paint()).observe(place);
  }

  show(builds) {
    const chosen = this.#builds[this.#chosen]?.id;
    this.#builds = builds;
    this.#chosen = chosen === undefined ? -1 : builds.findIndex((build) => build.id === chosen);
    this.#paint();
  }

  #paint() {
    const width = this.#place.clientWidth, builds = this.#builds;
    if (width === 0) return;
    const height = width < 520 ? 220 : 280;
    const area = (this.#area = { left: 46, right: width - 10, top: 12, bottom: height - 30 });
    const svg = draw("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    const times = builds.map(durationOf);
    const { step, top } = scaleOf(times.filter((ms) => ms !== undefined));
    const y = (ms) => area.bottom - (Math.min(ms, top) / top) * (area.bottom - area.top);
    const span = area.right - area.left - 16;
    const x = (index) => area.left + 8 + (builds.length === 1 ? span / 2 : (index / (builds.length - 1)) * span);

    for (let at = 0; at <= top; at += step) {
      draw("line", { class: at === 0 ? "base" : "grid", x1: area.left, x2: area.right, y1: y(at), y2: y(at) }, svg);
      draw("text", { class: "axis", x: area.left - 8, y: y(at) + 4, "text-anchor": "end" }, svg).textContent = at === 0 ? "0" : format.duration(at);
    }
    this.#dates(svg, builds, x, area);

    this.#points = builds.map((build, index) => ({ build, ms: times[index], x: x(index), y: y(times[index] ?? 0), above: times[index] > top }));
    const trend = rolling(this.#points);
    if (trend.length > 2) {
      const to = (point, ms) => `${point.x.toFixed(1)} ${y(ms).toFixed(1)}`;
      const upper = trend.map((point) => to(point, point.high)), lower = trend.map((point) => to(point, point.low)).reverse();
      draw("path", { class: "band", d: `M${[...upper, ...lower].join("L")}Z` }, svg);
      draw("path", { class: "median", d: `M${trend.map((point) => to(point, point.middle)).join("L")}` }, svg);
    }
    draw("line", { class: "cursor", y1: area.top, y2: area.bottom, x1: -9, x2: -9 }, svg);
    const crowded = builds.length > span / 9;
    const marks = draw("g", { class: crowded ? "marks crowded" : "marks" }, svg);
    // Failures last, so that no success hides one.
    for (const point of [...this.#points].sort((a, b) => (a.build.ending !== "completed") - (b.build.ending !== "completed"))) {
      point.mark = mark(point.build.ending, point.x, point.y, marks);
      if (point.above) draw("path", { class: "above", d: "M-3 -7L0 -11L3 -7" }, point.mark);
    }
    this.#svg?.remove();
    this.#svg = svg;
    this.#place.prepend(svg);
    this.#place.append(this.#tip);
    this.#place.setAttribute("aria-valuemin", builds.length > 0 ? 1 : 0);
    this.#place.setAttribute("aria-valuemax", builds.length);
    this.#choose(this.#chosen);
  }

  /// As many times as fit; days when the builds are of more than one.
  #dates(svg, builds, x, area) {
    if (builds.length === 0) return;
    const span = builds.at(-1).ended_at - builds[0].ended_at;
    const words = span > 86_400_000 ? format.date : span > 600_000 ? format.timeOfDay : format.timeOfDayExactly;
    const fit = Math.max(2, Math.floor((area.right - area.left) / 96));
    const count = Math.min(fit, builds.length);
    let before = "";
    for (let i = 0; i < count; ++i) {
      const index = count === 1 ? 0 : Math.round((i / (count - 1)) * (builds.length - 1));
      const text = words(builds[index].ended_at);
      if (text === before) continue;
      before = text;
      const anchor = count === 1 ? "middle" : i === 0 ? "start" : i === count - 1 ? "end" : "middle";
      const at = anchor === "start" ? area.left : anchor === "end" ? area.right : x(index);
      draw("line", { class: "tick", x1: x(index), x2: x(index), y1: area.bottom, y2: area.bottom + 4 }, svg);
      draw("text", { class: "axis", x: at, y: area.bottom + 20, "text-anchor": anchor }, svg).textContent = text;
    }
  }

  #point(event) {
    const at = event.clientX - this.#place.getBoundingClientRect().left;
    let nearest = -1;
    for (let i = 0; i < this.#points.length; ++i) {
      if (nearest < 0 || Math.abs(this.#points[i].x - at) < Math.abs(this.#points[nearest].x - at)) nearest = i;
    }
    this.#choose(nearest);
  }

  #key(event) {
    const last = this.#points.length - 1, at = this.#chosen < 0 ? last + 1 : this.#chosen;
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: last,
                 PageUp: at + 10, PageDown: at - 10, Escape: -1 }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.#choose(event.key === "Escape" ? -1 : Math.max(0, Math.min(last, to)));
  }

  #choose(index) {
    this.#points[this.#chosen]?.mark?.classList.remove("chosen");
    this.#chosen = index;
    const point = this.#points[index];
    const cursor = this.#svg?.querySelector(".cursor");
    this.#tip.hidden = !point;
    for (const name of ["x1", "x2"]) cursor?.setAttribute(name, point ? point.x : -9);
    if (!point) {
      const { builds, median, unsuccessful } = summary(this.#builds);
      this.#place.setAttribute("aria-valuenow", this.#points.length);
      this.#place.setAttribute("aria-valuetext", `${builds} builds, ${median === undefined ? "" : `median ${format.duration(median)}, `}${unsuccessful} failed`);
      return;
    }
    point.mark.classList.add("chosen");
    const { build, ms } = point;
    const lines = [["tip-time", ms === undefined ? "Time not known" : format.duration(ms)], [`tip-ending ${build.ending}`, format.endingName(build.ending)],
                   ["tip-more", `${format.platformName(build.platform)}${build.worker ? ` on ${build.worker}` : ""}`],
                   ["tip-more", format.moment(build.ended_at)], ["tip-more id", build.id]];
    this.#tip.replaceChildren(...lines.map(([name, text]) => {
      const line = document.createElement("div");
      line.className = name;
      line.textContent = text;
      return line;
    }));
    const wide = this.#tip.offsetWidth, room = this.#place.clientWidth;
    const left = point.x + 14 + wide > room ? point.x - 14 - wide : point.x + 14;
    this.#tip.style.left = `${Math.max(0, Math.min(left, room - wide))}px`;
    this.#tip.style.top = `${Math.max(0, Math.min(point.y - 20, this.#area.bottom - this.#tip.offsetHeight))}px`;
    this.#place.setAttribute("aria-valuenow", index + 1);
    this.#place.setAttribute("aria-valuetext", lines.map(([, text]) => text).join(", "));
  }
}
