import { element } from "../core/dom";
import type { Listeners } from "../core/listeners";
import type { Requests } from "../core/requests";
import { plain, type HeaderCell } from "./header";
import type { Condition } from "./model";

/** What one column is filtered by: a range of numbers, some of the most frequent values. Shown between the tools and the grid. */
export class FilterPanel {
  readonly element = element("div", { class: "cl-filters", role: "group", hidden: "" });
  readonly #requests: Requests;
  readonly #closed: () => void;
  #cell: HeaderCell | undefined;

  constructor(requests: Requests, listeners: Listeners, closed: () => void) {
    this.#requests = requests;
    this.#closed = closed;
    listeners.onElement(this.element, "click", (event) => this.#click(event.target as HTMLElement));
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  open(cell: HeaderCell, condition: Condition | undefined): void {
    this.#cell = cell;
    this.draw(cell, condition);
    this.element.querySelector<HTMLElement>("input, button")?.focus();
  }

  close(): void {
    this.element.hidden = true;
    this.#cell = undefined;
    this.#closed();
  }

  /** Draws anew, if it is of this column, and keeps the focus. */
  update(cell: HeaderCell, condition: Condition | undefined): void {
    if (this.#cell?.column.key !== cell.column.key) return;
    const focused = [...this.element.querySelectorAll("input, button")].indexOf(document.activeElement as Element);
    this.draw(cell, condition);
    if (focused >= 0) this.element.querySelectorAll<HTMLElement>("input, button")[focused]?.focus();
  }

  /** Filters by the numbers that were typed; false where none were. */
  apply(): boolean {
    const cell = this.#cell;
    const [low, high] = this.element.querySelectorAll("input");
    if (cell === undefined || low === undefined || high === undefined) return false;
    this.#requests.tell("range", { column: cell.column.key, low: typed(low), high: typed(high), closed: true });
    return true;
  }

  draw(cell: HeaderCell, condition: Condition | undefined): void {
    this.#cell = cell;
    const { title, numeric } = cell.column;
    const found = cell.summary;
    this.element.hidden = false;
    this.element.setAttribute("aria-label", `Filter ${title}`);
    const nodes: HTMLElement[] = [element("b", { dir: "auto" }, title)];
    if (numeric || found?.kind === "numbers") {
      for (const [name, value] of [["from", condition?.low], ["to", condition?.high]] as const) {
        const box = element("input", { type: "text", inputmode: "decimal", size: "8", autocomplete: "off", value: value == null ? "" : String(value) });
        nodes.push(element("label", {}, `${name} `, box));
      }
      nodes.push(element("button", { type: "button", "data-do": "apply" }, "Apply"));
    }
    if (found?.kind === "values") {
      for (const { token, label, count } of found.values) {
        const on = condition?.tokens.includes(token) ?? false;
        const value = element("button", { type: "button", "data-value": token, "aria-pressed": String(on), dir: "auto" }, label, " ");
        value.append(element("small", {}, plain(count)));
        nodes.push(value);
      }
    }
    const rest = found === undefined ? "counting…" : restOf(found);
    if (rest !== "") nodes.push(element("small", {}, rest));
    if (condition) nodes.push(element("button", { type: "button", "data-do": "none" }, "Any value"));
    nodes.push(element("button", { type: "button", "data-do": "close", "aria-label": "Close the filter" }, "×"));
    this.element.replaceChildren(...nodes);
  }

  #click(target: HTMLElement): void {
    const button = target.closest("button");
    const column = this.#cell?.column.key;
    if (button === null || column === undefined) return;
    const { do: what, value } = button.dataset;
    if (what === "close") this.close();
    else if (what === "apply") this.apply();
    else if (what === "none") this.#requests.tell("pick", { column, tokens: [] });
    else if (value !== undefined) {
      const on = [...this.element.querySelectorAll<HTMLElement>("[aria-pressed=true]")].map((one) => one.dataset.value as string);
      const tokens = on.includes(value) ? on.filter((token) => token !== value) : [...on, value];
      this.#requests.tell("pick", { column, tokens });
    }
  }
}

function restOf(found: NonNullable<HeaderCell["summary"]>): string {
  const others = found.kind === "values" && found.others > 0 ? `${plain(found.others)} with others of ${plain(found.distinct)} values` : "";
  return [others, found.missing > 0 ? `${plain(found.missing)} without it` : ""].filter((text) => text !== "").join(", ");
}

/** The number in a box, null where it is blank; what is no number is refused by the kernel, with a sentence. */
function typed(box: HTMLInputElement): number | string | null {
  const text = box.value.trim();
  if (text === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : text;
}
