import { element } from "../core/dom";
import type { Listeners } from "../core/listeners";
import type { Requests } from "../core/requests";
import { plain, rangeBoxes, boundIn } from "../core/histogram";
import type { HeaderCell } from "./header";
import type { Condition } from "./model";

/** The filter of one column, a range of numbers or dates, or some of the most frequent values, shown between the toolbar and the grid. */
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

  /** Redraws the filter if it belongs to this column, and keeps the focus. */
  update(cell: HeaderCell, condition: Condition | undefined): void {
    if (this.#cell?.column.key !== cell.column.key) return;
    const focused = [...this.element.querySelectorAll("input, button")].indexOf(document.activeElement as Element);
    this.draw(cell, condition);
    if (focused >= 0) this.element.querySelectorAll<HTMLElement>("input, button")[focused]?.focus();
  }

  /** Applies the range that was typed; returns false if the column has no range. */
  apply(): boolean {
    const cell = this.#cell;
    const [low, high] = this.element.querySelectorAll("input");
    if (cell === undefined || low === undefined || high === undefined) return false;
    this.#requests.send("range", { column: cell.column.key, low: boundIn(low), high: boundIn(high), closed: true });
    return true;
  }

  draw(cell: HeaderCell, condition: Condition | undefined): void {
    this.#cell = cell;
    const { title, numeric } = cell.column;
    const found = cell.summary;
    this.element.hidden = false;
    this.element.setAttribute("aria-label", `Filter ${title}`);
    const nodes: HTMLElement[] = [element("b", { dir: "auto" }, title)];
    if (numeric || found?.kind === "numbers" || found?.kind === "dates") {
      const { low, high } = rangeBoxes(found?.kind === "dates" ? "dates" : "numbers", condition);
      nodes.push(element("label", {}, "From ", low), element("label", {}, "To ", high));
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
    const rest = found === undefined ? "Counting…" : restOf(found);
    if (rest !== "") nodes.push(element("small", {}, rest));
    if (condition) nodes.push(element("button", { type: "button", "data-do": "none" }, "Any value"));
    nodes.push(element("button", { type: "button", "data-do": "close", "aria-label": "Close filter" }, "×"));
    this.element.replaceChildren(...nodes);
  }

  #click(target: HTMLElement): void {
    const button = target.closest("button");
    const column = this.#cell?.column.key;
    if (button === null || column === undefined) return;
    const { do: what, value } = button.dataset;
    if (what === "close") this.close();
    else if (what === "apply") this.apply();
    else if (what === "none") this.#requests.send("pick", { column, tokens: [] });
    else if (value !== undefined) {
      const on = [...this.element.querySelectorAll<HTMLElement>("[aria-pressed=true]")].map((one) => one.dataset.value as string);
      const tokens = on.includes(value) ? on.filter((token) => token !== value) : [...on, value];
      this.#requests.send("pick", { column, tokens });
    }
  }
}

function restOf(found: NonNullable<HeaderCell["summary"]>): string {
  const others = found.kind === "values" && found.others > 0 ? `${plain(found.others)} with other values (${plain(found.distinct)} in all)` : "";
  return [others, found.missing > 0 ? `${plain(found.missing)} without a value` : ""].filter((text) => text !== "").join(", ");
}
