import type { Requests } from "../core/requests";
import type { Row } from "./model";

const SIZE = 100;
const AT_ONCE = 2;
const KEPT = 200;

interface Page {
  stamp: number;
  generation?: number;
  rows: Row[];
}

/** Rows by their place, asked from the kernel a page at a time as they come into view. */
export class Pages {
  readonly #requests: Requests;
  readonly #arrived: () => void;
  readonly #pages = new Map<number, Page>(); // the page used longest ago comes first
  readonly #asked = new Set<number>();
  #stamp = 0;
  #first = 0;
  #last = -1;

  constructor(requests: Requests, arrived: () => void) {
    this.#requests = requests;
    this.#arrived = arrived;
  }

  /** A row, as it was when it was read; undefined where it was not yet. */
  row(at: number): Row | undefined {
    return this.#pages.get(Math.floor(at / SIZE))?.rows[at % SIZE];
  }

  /** The generation of the rows among which a row was read; undefined where it was not yet. */
  generation(at: number): number | undefined {
    return this.#pages.get(Math.floor(at / SIZE))?.generation;
  }

  /** What was read may have changed: it is shown until it has been read anew. */
  expire(stamp: number): void {
    this.#stamp = stamp;
  }

  /** Rows `first` to `last` are in view. Where somebody scrolls faster than rows come, only the latest view is asked for. */
  want(first: number, last: number): void {
    this.#first = Math.floor(Math.max(0, first) / SIZE);
    this.#last = Math.floor(last / SIZE);
    this.#ask();
  }

  #ask(): void {
    for (let page = this.#first; page <= this.#last && this.#asked.size < AT_ONCE; page += 1) {
      const held = this.#pages.get(page);
      if (this.#asked.has(page) || (held !== undefined && held.stamp >= this.#stamp)) continue;
      this.#asked.add(page);
      this.#requests
        .ask<Page>("page", { start: page * SIZE, stop: (page + 1) * SIZE })
        .then(({ body }) => this.#take(page, body))
        .catch(() => this.#take(page, undefined)); // the trait `error` has the sentence
    }
  }

  #take(page: number, body: Page | undefined): void {
    this.#asked.delete(page);
    this.#pages.delete(page);
    if (body !== undefined) this.#pages.set(page, body);
    // A page that could not be read is asked for again after the next change, not at once, and for ever.
    else this.#pages.set(page, { stamp: this.#stamp, rows: [] });
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= KEPT) break;
      this.#pages.delete(oldest);
    }
    this.#arrived();
    this.#ask();
  }
}
