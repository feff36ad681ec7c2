import { element } from "../core/dom";
import { bars, plain } from "../core/histogram";
import type { Condition, Summary } from "./model";

export interface HeaderColumn {
  /** "#id", "#document", or a metadata key. */
  key: string;
  title: string;
  numeric: boolean;
}

const SORTED = { up: "ascending", down: "descending", none: "none" } as const;
const ARROWS = { up: "↑", down: "↓", none: "" } as const;

/** The header of a column: its title sorts and its chart filters. The keys of the grid do both, so nothing in it is focusable. */
export class HeaderCell {
  readonly element: HTMLElement;
  readonly #column: HeaderColumn;
  readonly #arrow = element("span", { class: "cl-arrow", "aria-hidden": "true" });
  readonly #chart = element("div", { class: "cl-chart", "aria-hidden": "true" });
  #summary: Summary | undefined;
  #condition: Condition | undefined;

  constructor(column: HeaderColumn, id: string, index: number) {
    this.#column = column;
    const filter = element("span", { class: "cl-filter", "data-do": "filter", title: `Filter ${column.title} (F)`, "aria-hidden": "true" }, "▾");
    const title = element("span", { class: "cl-title", "data-do": "sort", dir: "auto", title: column.title }, column.title);
    const top = element("div", { class: "cl-head" }, title, this.#arrow, filter);
    if (column.key === "#document") title.removeAttribute("data-do"); // documents cannot be sorted
    if (column.key === "#id") filter.remove();
    this.element = element("div", { role: "columnheader", class: "cl-cell", id, "aria-colindex": String(index + 1) }, top, this.#chart);
  }

  get column(): HeaderColumn {
    return this.#column;
  }

  sorted(way: keyof typeof SORTED): void {
    this.#arrow.textContent = ARROWS[way];
    if (this.#column.key !== "#document") this.element.setAttribute("aria-sort", SORTED[way]);
  }

  filtered(condition: Condition | undefined): void {
    this.#condition = condition;
    this.element.classList.toggle("cl-filtered", condition !== undefined);
    const label = condition ? `${this.#column.title}, filtered: ${condition.text}` : this.#column.title;
    this.element.setAttribute("aria-label", label);
    this.#draw();
  }

  counted(summary: Summary): void {
    this.#summary = summary;
    this.#draw();
  }

  /** Offers to count the values, if that takes the kernel seconds. */
  offer(): void {
    if (this.#summary === undefined) this.#chart.replaceChildren(element("span", { class: "cl-note", "data-do": "count" }, "Count values"));
  }

  get summary(): Summary | undefined {
    return this.#summary;
  }

  #draw(): void {
    const found = this.#summary;
    if (found === undefined) return;
    this.#chart.replaceChildren(...(found.kind === "values" ? parts(found, this.#condition) : bars(found, this.#condition)));
    this.#chart.classList.toggle("cl-parts", found.kind === "values");
  }
}

function parts(found: Extract<Summary, { kind: "values" }>, condition: Condition | undefined): HTMLElement[] {
  const total = found.others + found.values.reduce((sum, value) => sum + value.count, 0);
  const few = found.values.filter((value) => value.count > total / 50 || found.values.length <= 3);
  if (few.length === 0) return [element("span", { class: "cl-note" }, `${plain(found.distinct)} values`)];
  return few.map(({ token, label, count }) => {
    const part = element("span", { class: "cl-part", "data-token": token, title: `${label}: ${plain(count)}` }, label);
    part.style.flexGrow = String(count / Math.max(1, total));
    part.classList.toggle("cl-out", condition !== undefined && condition.tokens.length > 0 && !condition.tokens.includes(token));
    return part;
  });
}
