import { element } from "../core/dom";
import { own } from "../core/own";
import type { Requests } from "../core/requests";
import type { Grid, Position } from "./grid";

/** The box to edit a value, over its cell. Enter saves and Escape cancels; a value that the store refuses stays in the box. */
export class Editor {
  readonly #grid: Grid;
  readonly #requests: Requests;
  readonly #box = element("input", { class: "cl-editor", type: "text", autocomplete: "off", spellcheck: "false", dir: "auto" });
  #at: (Position & { id: string; key: string; was: string }) | undefined;

  constructor(grid: Grid, requests: Requests) {
    this.#grid = grid;
    this.#requests = requests;
    this.#box.addEventListener("blur", this.#onBlur);
  }

  get isOpen(): boolean {
    return this.#at !== undefined;
  }

  /** Reads the whole value, of which the cell may show only a part, and opens the box. */
  async open(id: string, position: Position): Promise<void> {
    const column = this.#grid.columns[position.column];
    if (column === undefined || column.key.startsWith("#")) return;
    const { body } = await this.#requests.ask<{ cells: Record<string, string> }>("record", { id });
    const was = own(body.cells, column.key) ?? "";
    this.#at = { ...position, id, key: column.key, was };
    this.#box.value = was;
    this.#box.setAttribute("aria-label", `${column.title} of ${id}`);
    this.#box.removeAttribute("aria-invalid");
    this.#grid.cover(this.#box, position);
    this.#box.focus();
    this.#box.select();
  }

  /** Moves the box to its cell. */
  move(): void {
    if (this.#at) this.#grid.cover(this.#box, this.#at);
  }

  async save(): Promise<boolean> {
    const at = this.#at;
    if (at === undefined) return false;
    if (this.#box.value === at.was) return this.close();
    try {
      await this.#requests.ask("edit", { id: at.id, column: at.key, typed: this.#box.value });
    } catch {
      this.#box.setAttribute("aria-invalid", "true"); // the trait `error` has the message
      return false;
    }
    return this.close();
  }

  close(): boolean {
    if (this.#at === undefined) return false;
    const focused = this.#box.matches(":focus");
    this.#at = undefined; // before the box is removed, which blurs it
    this.#box.remove();
    if (focused) this.#grid.element.focus();
    return true;
  }

  release(): void {
    this.#box.removeEventListener("blur", this.#onBlur);
    this.#box.remove();
  }

  readonly #onBlur = (): void => {
    if (this.#at !== undefined) void this.save();
  };
}
