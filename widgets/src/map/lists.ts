import { element } from "../core/dom";
import { Listeners } from "../core/listeners";
import type { Line } from "./model";

export interface RecordList {
  title: string;
  lines: readonly Line[];
  /** The total number, if not all of them are listed. */
  total?: number;
  ranked?: boolean;
}

/** Lists of records next to the map: search results, nearest neighbors, the selection, and those that moved most. */
export class Lists {
  readonly element = element("div", { class: "cl-lists" });
  readonly #open: (line: Line) => void;
  #listeners = new Listeners();

  constructor(open: (line: Line) => void) {
    this.#open = open;
  }

  draw(lists: readonly RecordList[]): void {
    const focused = document.activeElement;
    const row = focused instanceof HTMLElement && this.element.contains(focused) ? focused.dataset.row : undefined;
    this.release();
    this.element.replaceChildren(...lists.filter(({ lines }) => lines.length > 0).map((list) => this.#list(list)));
    if (row !== undefined) this.element.querySelector<HTMLElement>(`button[data-row="${row}"]:enabled`)?.focus();
  }

  release(): void {
    this.#listeners.release();
    this.#listeners = new Listeners();
  }

  #list({ title, lines, total = lines.length, ranked = false }: RecordList): HTMLElement {
    const count = total > lines.length ? `${lines.length} of ${total.toLocaleString("en")}` : total.toLocaleString("en");
    const items = lines.map((line, at) => {
      const score = line.distance === undefined ? "" : line.distance.toFixed(3);
      const button = element(
        "button",
        { type: "button", "data-row": String(line.row) },
        element("span", { class: "cl-rank", "aria-hidden": "true" }, ranked ? String(at + 1) : ""),
        element("span", { class: "cl-line", dir: "auto" }, line.text || line.id),
        element("span", { class: "cl-score" }, score),
      );
      button.disabled = line.row < 0;
      this.#listeners.onElement(button, "click", () => this.#open(line));
      return element("li", {}, button);
    });
    const heading = element("h3", {}, title, element("span", { class: "cl-count" }, count));
    return element("section", { "aria-label": title }, heading, element("ol", { role: "list" }, ...items));
  }
}
