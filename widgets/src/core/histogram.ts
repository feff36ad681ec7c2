import { element } from "./dom";

/** A histogram of numbers, or of dates with days as edges; see summary.py. */
export interface Histogram {
  kind: "numbers" | "dates";
  edges: (number | string)[];
  /** Whether the last bin includes its upper edge; the others don't. */
  closed: boolean;
  counts: number[];
}

/** A range of numbers or dates; null for no bound. */
export interface Bounds {
  low: number | string | null;
  high: number | string | null;
}

/** Draws a bar per bin; those outside of the bounds are pale. */
export function bars({ edges, counts }: Histogram, bounds: Bounds | undefined): HTMLElement[] {
  const most = Math.max(1, ...counts);
  const [from, to] = [at(bounds?.low ?? null), at(bounds?.high ?? null)];
  return counts.map((count, i) => {
    const [low, high] = [edges[i] as number | string, edges[i + 1] as number | string];
    const bar = element("span", { class: "cl-bin", "data-bin": String(i), title: `${plain(low)} to ${plain(high)}: ${plain(count)}` }, element("i"));
    const filled = bar.firstElementChild as HTMLElement;
    // Even a bin with one record among millions is visible.
    filled.style.height = count === 0 ? "0" : `${Math.max(6, (100 * count) / most).toFixed(1)}%`;
    const middle = ((at(low) as number) + (at(high) as number)) / 2;
    bar.classList.toggle("cl-out", (from !== null && middle < from) || (to !== null && middle > to));
    return bar;
  });
}

/** Creates the boxes for the two bounds of a range. */
export function rangeBoxes(kind: Histogram["kind"], bounds: Bounds | undefined): { low: HTMLInputElement; high: HTMLInputElement } {
  const box = (value: number | string | null | undefined): HTMLInputElement => {
    const attributes = kind === "dates" ? { type: "date" } : { type: "text", inputmode: "decimal", size: "8", autocomplete: "off" };
    return element("input", { ...attributes, value: value == null ? "" : kind === "dates" ? String(value).slice(0, 10) : String(value) });
  };
  return { low: box(bounds?.low), high: box(bounds?.high) };
}

/** Returns the number or the date in a box, or null if it is blank; other text is sent as it is, and the kernel refuses it with a message. */
export function boundIn(box: HTMLInputElement): number | string | null {
  const text = box.value.trim();
  if (text === "") return null;
  const value = Number(text);
  return box.type !== "date" && Number.isFinite(value) ? value : text;
}

export function plain(value: number | string): string {
  return typeof value === "string" ? value : value.toLocaleString("en-US", { maximumSignificantDigits: Number.isInteger(value) ? 21 : 4 });
}

function at(value: number | string | null): number | null {
  return typeof value === "string" ? Date.parse(value) : value;
}
