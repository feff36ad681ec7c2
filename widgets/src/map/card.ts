import { element } from "../core/dom";
import type { Answer } from "../core/requests";
import type { Card } from "./model";

const CACHED = 500; // cards

/** A card next to the pointer, with the text and the metadata of the record under it. */
export class HoverCard {
  readonly element = element("div", { class: "cl-card", "aria-hidden": "true" });
  readonly #ask: (row: number) => Promise<Answer<Card>>;
  readonly #known = new Map<number, Card>();
  #row = -1;

  constructor(ask: (row: number) => Promise<Answer<Card>>) {
    this.#ask = ask;
    this.element.hidden = true;
  }

  /** Clears the cache, as the rows are different records now. */
  forget(): void {
    this.#known.clear();
    this.hide();
  }

  hide(): void {
    this.#row = -1;
    this.element.hidden = true;
  }

  async show(row: number, x: number, y: number): Promise<void> {
    this.#row = row;
    const card = await this.#card(row);
    if (this.#row !== row || card === null) return; // the pointer has moved on
    const text = card.text === "" ? element("p", { class: "cl-absent" }, "no document") : element("p", { dir: "auto" }, card.text);
    const facts = element("dl");
    for (const [key, value] of card.metadata) facts.append(element("dt", {}, key), element("dd", { dir: "auto" }, value));
    this.element.replaceChildren(text, facts, element("code", {}, card.id));
    this.element.hidden = false;
    const { clientWidth = 0, clientHeight = 0 } = this.element.parentElement ?? {};
    const { offsetWidth, offsetHeight } = this.element;
    const left = x + 16 + offsetWidth > clientWidth ? x - 16 - offsetWidth : x + 16;
    const top = Math.min(y + 12, clientHeight - offsetHeight - 4);
    this.element.style.transform = `translate(${Math.max(4, left)}px, ${Math.max(4, top)}px)`;
  }

  async #card(row: number): Promise<Card | null> {
    const known = this.#known.get(row);
    if (known !== undefined) {
      this.#known.delete(row); // and move it to the end, as the first ones are dropped
      this.#known.set(row, known);
      return known;
    }
    try {
      const { body } = await this.#ask(row);
      this.#known.set(row, body);
      for (const first of this.#known.keys()) {
        if (this.#known.size <= CACHED) break;
        this.#known.delete(first);
      }
      return body;
    } catch {
      return null; // the status line shows the message
    }
  }
}
