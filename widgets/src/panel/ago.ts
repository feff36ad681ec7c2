const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;
const words = new Intl.RelativeTimeFormat("en");

/** Formats an ISO time relative to now, such as "3 minutes ago"; with clocks that differ, it may be in the future. */
export function ago(iso: string): string {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length);
  return unit === undefined ? "just now" : words.format(Math.trunc(seconds / unit[1]), unit[0]);
}
