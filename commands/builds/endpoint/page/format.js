// Numbers and times as people read them. Dates and digits follow the reader's language, words are English as the page is.

const whole = new Intl.NumberFormat();
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const clockSeconds = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto", style: "short" });
const unit = (name) => new Intl.NumberFormat("en", { style: "unit", unit: name, unitDisplay: "narrow", maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat("en", { style: "unit", unit: "second", unitDisplay: "narrow", maximumFractionDigits: 1 });
const units = [[86400, unit("day")], [3600, unit("hour")], [60, unit("minute")], [1, unit("second")]];

export const number = (value) => whole.format(value);
export const share = (part) => percent.format(part);
export const timeOfDay = (ms) => clock.format(ms);
export const timeOfDayExactly = (ms) => clockSeconds.format(ms);
export const date = (ms) => day.format(ms);
export const moment = (ms) => full.format(ms);

/// "2h 5m": the two largest units, rounded down; a short time with tenths of a second.
export function duration(ms) {
  if (ms < 10_000) return tenths.format(Math.max(0, Math.floor(ms / 100) / 10));
  let seconds = Math.floor(ms / 1000);
  const parts = [];
  for (const [size, format] of units) {
    const amount = Math.floor(seconds / size);
    if (amount === 0 && parts.length === 0) continue;
    if (amount > 0) parts.push(format.format(amount));
    seconds -= amount * size;
    if (parts.length === 2 || (parts.length === 1 && amount === 0)) break;
  }
  return parts.join(" ");
}

/// The same for a time that is still growing, where tenths would only flicker.
export const elapsed = (ms) => duration(Math.max(0, Math.floor(ms / 1000) * 1000));

/// "12 sec. ago", "yesterday".
export function since(ms, now) {
  const seconds = Math.max(0, Math.round((now - ms) / 1000));
  if (seconds < 5) return "just now";
  if (seconds < 60) return ago.format(-seconds, "second");
  if (seconds < 3600) return ago.format(-Math.round(seconds / 60), "minute");
  if (seconds < 86400) return ago.format(-Math.round(seconds / 3600), "hour");
  return ago.format(-Math.round(seconds / 86400), "day");
}

export const platformName = (platform) => ({ ios: "iOS", android: "Android" })[platform] ?? platform;
/// "Compiling"; "Building" as long as nothing is known.
export const stageName = (stage) => (stage ? stage[0].toUpperCase() + stage.slice(1) : "Building");
export const endingName = (ending) => ({ completed: "Completed", failed: "Failed", timed_out: "Timed out" })[ending] ?? ending;
