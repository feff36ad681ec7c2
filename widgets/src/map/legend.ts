import { element } from "../core/dom";
import { Listeners } from "../core/listeners";
import type { Entry, Legend } from "./model";

interface Callbacks {
  /** Shows or hides the records of an entry. */
  toggle(entry: number): void;
  /** Selects the records of an entry. */
  select(entry: number): void;
}

/** What the colors mean. Clicking an entry hides its records; the button next to it selects them. */
export class LegendList {
  readonly element = element("section", { class: "cl-legend", "aria-label": "Legend" });
  readonly #callbacks: Callbacks;
  #listeners = new Listeners();

  constructor(callbacks: Callbacks) {
    this.#callbacks = callbacks;
  }

  draw(legend: Legend, hidden: readonly number[]): void {
    const focused = this.#focused();
    this.release();
    this.element.hidden = legend.entries.length === 0;
    const most = Math.max(1, ...legend.entries.map((entry) => entry.count));
    const entries = legend.entries.map((entry, at) => this.#entry(entry, at, legend, !hidden.includes(at), most));
    this.element.replaceChildren(element("h3", {}, legend.title), element("ul", { role: "list" }, ...entries));
    if (focused !== undefined) this.element.querySelectorAll<HTMLElement>("button")[focused]?.focus();
  }

  release(): void {
    this.#listeners.release();
    this.#listeners = new Listeners();
  }

  #entry(entry: Entry, at: number, { palette, kind }: Legend, on: boolean, most: number): HTMLElement {
    const swatch = element("i", { class: "cl-swatch" });
    const [low, high] = [palette[entry.low] ?? "", palette[entry.high] ?? ""];
    swatch.style.background = low === high ? low : `linear-gradient(90deg, ${low}, ${high})`;
    const bar = element("i", { class: "cl-share", "aria-hidden": "true" });
    bar.style.width = `${((100 * entry.count) / most).toFixed(1)}%`;
    const toggle = element(
      "button",
      { type: "button", class: "cl-entry", "aria-pressed": String(on), title: `${on ? "Hide" : "Show"} ${entry.label}` },
      swatch,
      element("span", { class: "cl-name", dir: "auto" }, entry.label),
      element("span", { class: "cl-count" }, entry.count.toLocaleString("en")),
    );
    if (kind !== "categories") toggle.append(bar);
    const select = element("button", { type: "button", class: "cl-pick", title: `Select ${entry.label}`, "aria-label": `Select ${entry.label}` }, "◎");
    this.#listeners.onElement(toggle, "click", () => this.#callbacks.toggle(at));
    this.#listeners.onElement(select, "click", () => this.#callbacks.select(at));
    return element("li", {}, toggle, select);
  }

  /** Returns the index of the focused button, which is focused again after a redraw. */
  #focused(): number | undefined {
    const at = [...this.element.querySelectorAll("button")].findIndex((button) => button === document.activeElement);
    return at < 0 ? undefined : at;
  }
}

/** Returns the codes of the entries that are hidden. */
export function hiddenCodes(legend: Legend, hidden: readonly number[]): Set<number> {
  const codes = new Set<number>();
  for (const at of hidden) {
    const entry = legend.entries[at];
    if (entry !== undefined) for (let code = entry.low; code <= entry.high; code += 1) codes.add(code);
  }
  return codes;
}
