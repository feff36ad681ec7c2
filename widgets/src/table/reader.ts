import { element } from "../core/dom";
import type { Listeners } from "../core/listeners";
import type { Requests } from "../core/requests";

/** A whole record, shown below the grid. */
export class Reader {
  readonly element = element("div", { class: "cl-reader", role: "region", "aria-label": "Record", hidden: "" });
  readonly #requests: Requests;
  readonly #closed: () => void;

  constructor(requests: Requests, listeners: Listeners, closed: () => void) {
    this.#requests = requests;
    this.#closed = closed;
    listeners.onElement(this.element, "click", (event) => {
      if ((event.target as HTMLElement).closest("button")) this.close();
    });
  }

  open(id: string): void {
    this.#requests
      .ask<{ id: string; document: string | null; cells: Record<string, string> }>("record", { id })
      .then(({ body }) => {
        const close = element("button", { type: "button", "aria-label": "Close record" }, "×");
        const text = element("p", { class: "cl-text", tabindex: "0", dir: "auto" }, body.document ?? "no document");
        const facts = element("dl", {});
        for (const [key, value] of Object.entries(body.cells)) facts.append(element("dt", { dir: "auto" }, key), element("dd", { dir: "auto" }, value));
        this.element.replaceChildren(element("b", { class: "cl-id" }, body.id), close, text, facts);
        this.element.hidden = false;
        text.focus();
      })
      .catch(() => undefined); // the trait `error` has the message
  }

  close(): boolean {
    if (this.element.hidden) return false;
    this.element.hidden = true;
    this.#closed();
    return true;
  }
}
