import { element } from "../core/dom";
import type { Listeners } from "../core/listeners";
import { own } from "../core/own";
import { HeaderCell, type HeaderColumn } from "./header";
import type { Column, Row } from "./model";
import { Viewport } from "./viewport";

const ROW_HEIGHT = 30;
const SPARE = 2; // rows beyond those that fit, as one is cut off at either end
const WIDTHS = { id: 130, document: 340, number: 120, boolean: 120, text: 170, list: 170, other: 170, mixed: 150 } as const;

/** The position of the active cell; row -1 is the header. */
export interface Position {
  row: number;
  column: number;
}

/** The grid: as many row elements as fit, filled with the rows in view. One of its cells is active. */
export class Grid {
  readonly element: HTMLElement;
  readonly viewport = new Viewport(ROW_HEIGHT);
  active: Position = { row: -1, column: 0 };
  cells: HeaderCell[] = [];
  readonly #id: string;
  readonly #rowOf: (at: number) => Row | undefined;
  readonly #inView: (first: number, last: number) => void;
  readonly #header = element("div", { role: "row", class: "cl-row cl-header", "aria-rowindex": "1" });
  readonly #layer = element("div", { class: "cl-layer", role: "presentation" });
  readonly #body: HTMLElement;
  readonly #content: HTMLElement;
  readonly #pool: HTMLElement[] = [];
  #columns: HeaderColumn[] = [];
  #total = 0;

  constructor(id: string, listeners: Listeners, rowOf: (at: number) => Row | undefined, inView: (first: number, last: number) => void) {
    this.#id = id;
    this.#rowOf = rowOf;
    this.#inView = inView;
    this.#body = element("div", { class: "cl-body", role: "rowgroup" }, this.#layer);
    this.#content = element("div", { class: "cl-content", role: "presentation" }, element("div", { class: "cl-top", role: "rowgroup" }, this.#header), this.#body);
    this.element = element("div", { class: "cl-grid", role: "grid", tabindex: "0", "aria-multiselectable": "true" }, this.#content);
    listeners.onElement(this.element, "scroll", () => this.#scrolled());
    listeners.onElement(this.element, "wheel", (event) => this.#wheeled(event), { passive: false });
    if (typeof ResizeObserver !== "undefined") {
      const observer = new ResizeObserver(() => this.paint());
      observer.observe(this.element);
      listeners.add(() => observer.disconnect());
    }
  }

  /** Rebuilds the header; columns that remain keep their charts. */
  setColumns(columns: readonly Column[]): void {
    const old = new Map(this.cells.map((cell) => [cell.column.key, cell]));
    this.#columns = [
      { key: "#id", title: "id", numeric: false },
      { key: "#document", title: "document", numeric: false },
      ...columns.map(({ key, kind }) => ({ key, title: key, numeric: kind === "number" })),
    ];
    this.cells = this.#columns.map((column, i) => {
      const cell = new HeaderCell(column, `${this.#id}-h${i}`, i);
      const summary = old.get(column.key)?.summary;
      if (summary) cell.counted(summary);
      return cell;
    });
    this.#header.replaceChildren(...this.cells.map((cell) => cell.element));
    const widths = [WIDTHS.id, WIDTHS.document, ...columns.map(({ kind }) => WIDTHS[kind])];
    this.#content.style.setProperty("--cl-columns", widths.map((width, i) => (i === 1 ? `minmax(${width}px, 1fr)` : `${width}px`)).join(" "));
    this.element.setAttribute("aria-colcount", String(widths.length));
    for (const row of this.#pool.splice(0)) row.remove();
    this.active.column = Math.min(this.active.column, widths.length - 1);
    this.paint();
  }

  setTotal(total: number): void {
    this.#total = total;
    this.element.setAttribute("aria-rowcount", String(total + 1));
    this.active.row = Math.min(this.active.row, total - 1);
    this.paint();
  }

  get total(): number {
    return this.#total;
  }

  get columns(): readonly HeaderColumn[] {
    return this.#columns;
  }

  /** Draws the rows in view, and requests those that have not been read yet. */
  paint(): void {
    const view = this.viewport;
    view.resize(this.#total, this.element.clientHeight - this.#header.offsetHeight);
    this.#body.style.height = `${view.body}px`;
    this.#layer.style.height = `${Math.min(view.height, view.body)}px`;
    this.#layer.style.top = `${this.#header.offsetHeight}px`;
    if (Math.abs(this.element.scrollTop - view.scrollTop) >= 1) this.element.scrollTop = view.scrollTop;
    const [first, end] = view.rows;
    while (this.#pool.length < end - first + SPARE) this.#grow();
    for (const [slot, row] of this.#pool.entries()) {
      // A row keeps its element while it is in view.
      const at = first + ((((slot - first) % this.#pool.length) + this.#pool.length) % this.#pool.length);
      row.hidden = at >= end;
      if (!row.hidden) this.#fill(row, at);
    }
    this.#mark();
    if (end > first) this.#inView(first, end - 1);
  }

  /** Moves to a cell and scrolls it into view. */
  go(row: number, column: number): void {
    this.active = { row: Math.max(-1, Math.min(row, this.#total - 1)), column: Math.max(0, Math.min(column, this.#columns.length - 1)) };
    if (this.active.row >= 0) this.viewport.reveal(this.active.row);
    this.#revealColumn();
    this.paint();
  }

  /** Returns the position of the cell that an event happened in. */
  positionOf(target: EventTarget | null): Position | undefined {
    const cell = target instanceof Element ? target.closest<HTMLElement>("[aria-colindex]") : null;
    const row = cell?.closest<HTMLElement>("[aria-rowindex]");
    if (!cell || !row) return undefined;
    return { row: Number(row.getAttribute("aria-rowindex")) - 2, column: Number(cell.getAttribute("aria-colindex")) - 1 };
  }

  /** The element of the active cell, if it is in view. */
  get activeCell(): HTMLElement | undefined {
    const { row, column } = this.active;
    if (row < 0) return this.cells[column]?.element;
    const shown = this.#pool.find((one) => !one.hidden && one.getAttribute("aria-rowindex") === String(row + 2));
    return shown?.children[column] as HTMLElement | undefined;
  }

  /** Positions a box over a cell. */
  cover(box: HTMLElement, { row, column }: Position): void {
    const head = this.cells[column]?.element;
    box.style.left = `${head?.offsetLeft ?? 0}px`;
    box.style.width = `${head?.offsetWidth ?? 0}px`;
    box.style.transform = `translateY(${this.viewport.offset(row)}px)`;
    if (box.parentNode !== this.#layer) this.#layer.append(box);
  }

  #fill(row: HTMLElement, at: number): void {
    const found = this.#rowOf(at);
    row.style.transform = `translateY(${this.viewport.offset(at)}px)`;
    row.setAttribute("aria-rowindex", String(at + 2));
    row.setAttribute("aria-selected", String(found?.selected ?? false));
    row.classList.toggle("cl-loading", found === undefined);
    row.classList.toggle("cl-even", at % 2 === 1);
    for (const [i, column] of this.#columns.entries()) {
      const cell = row.children[i] as HTMLElement;
      const text = found === undefined ? "" : column.key === "#id" ? found.id : column.key === "#document" ? found.document : (own(found.cells, column.key) ?? null);
      if (cell.textContent !== (text ?? "")) cell.textContent = text ?? "";
      cell.classList.toggle("cl-none", text === null);
    }
  }

  #grow(): void {
    const slot = this.#pool.length;
    const row = element("div", { role: "row", class: "cl-row cl-record", hidden: "" });
    for (const [i, column] of this.#columns.entries()) {
      const cell = element("div", { role: "gridcell", class: "cl-cell", id: `${this.#id}-r${slot}c${i}`, "aria-colindex": String(i + 1), dir: "auto" });
      cell.classList.toggle("cl-number", column.numeric);
      row.append(cell);
    }
    this.#pool.push(row);
    this.#layer.append(row);
  }

  #mark(): void {
    for (const cell of this.element.querySelectorAll(".cl-active")) cell.classList.remove("cl-active");
    const cell = this.activeCell;
    cell?.classList.add("cl-active");
    if (cell) this.element.setAttribute("aria-activedescendant", cell.id);
    else this.element.removeAttribute("aria-activedescendant");
  }

  #revealColumn(): void {
    const head = this.cells[this.active.column]?.element;
    if (head === undefined) return;
    const { scrollLeft, clientWidth } = this.element;
    if (head.offsetLeft < scrollLeft) this.element.scrollLeft = head.offsetLeft;
    else if (head.offsetLeft + head.offsetWidth > scrollLeft + clientWidth) this.element.scrollLeft = head.offsetLeft + head.offsetWidth - clientWidth;
  }

  #scrolled(): void {
    // Our own changes of the scrollbar trigger this event, rounded by the browser; they must not move the rows.
    if (Math.abs(this.element.scrollTop - this.viewport.scrollTop) < 1) return;
    this.viewport.scrollTop = this.element.scrollTop;
    this.paint();
  }

  #wheeled(event: WheelEvent): void {
    if (event.ctrlKey || !this.viewport.compressed || Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;
    const before = this.viewport.top;
    const unit = [1, ROW_HEIGHT, this.viewport.height][event.deltaMode] ?? 1;
    this.viewport.top = before + event.deltaY * unit;
    if (this.viewport.top === before) return; // at an end, so the notebook scrolls instead
    event.preventDefault();
    this.paint();
  }
}
