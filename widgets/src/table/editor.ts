import { element } from "../core/dom";
import { own } from "../core/own";
import type { Requests } from "../core/requests";
import type { Grid, Place } from "./grid";

/** The box in which a value is typed, over its cell. Enter writes, Escape does not; what the store refuses stays in the box. */
export class Editor {
  readonly #grid: Grid;
  readonly #requests: Requests;
  readonly #box = element("input", { class: "cl-editor", type: "text", autocomplete: "off", spellcheck: "false", dir: "auto" });
  #at: (Place & { id: string; key: string; was: string }) | undefined;

  constructor(grid: Grid, requests: Requests) {
    this.#grid = grid;
    this.#requests = requests;
    this.#box.addEventListener("blur", this.#onBlur);
  }

  get isOpen(): boolean {
    return this.#at !== undefined;
  }

  /** Reads the whole value, as the cell may show a part of it, and opens the box. */
  async open(id: string, place: Place): Promise<void> {
    const column = this.#grid.columns[place.column];
    if (column === undefined || column.key.startsWith("#")) return;
    const { body } = await this.#requests.ask<{ cells: Record<string, string> }>("record", { id });
    const was = own(body.cells, column.key) ?? "";
    this.#at = { ...place, id, key: column.key, was };
    this.#box.value = was;
    this.#box.setAttribute("aria-label", `${column.title} of ${id}`);
    this.#box.removeAttribute("aria-invalid");
    this.#grid.cover(this.#box, place);
    this.#box.focus();
    this.#box.select();
  }

  /** Keeps the box over its cell. */
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
      this.#box.setAttribute("aria-invalid", "true"); // the trait `error` has the sentence
      return false;
    }
    return this.close();
  }

  close(): boolean {
    if (this.#at === undefined) return false;
    const focused = this.#box.matches(":focus");
    this.#at = undefined; // before the box goes, which makes it blur
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
