import type { Requests } from "../core/requests";
import type { Row } from "./model";

const SIZE = 100;
const AT_ONCE = 2;
const CACHED = 200;

interface Page {
  stamp: number;
  generation?: number;
  rows: Row[];
}

/** Rows by position, read from the kernel one page at a time as they come into view. */
export class Pages {
  readonly #requests: Requests;
  readonly #arrived: () => void;
  readonly #pages = new Map<number, Page>(); // the least recently used page comes first
  readonly #asked = new Set<number>();
  #stamp = 0;
  #first = 0;
  #last = -1;

  constructor(requests: Requests, arrived: () => void) {
    this.#requests = requests;
    this.#arrived = arrived;
  }

  /** Returns a row as it was when it was read; undefined if it has not been read. */
  row(at: number): Row | undefined {
    return this.#pages.get(Math.floor(at / SIZE))?.rows[at % SIZE];
  }

  /** Returns the generation in which a row was read; undefined if it has not been read. */
  generation(at: number): number | undefined {
    return this.#pages.get(Math.floor(at / SIZE))?.generation;
  }

  /** Marks all rows as outdated; they are shown until they have been read again. */
  expire(stamp: number): void {
    this.#stamp = stamp;
  }

  /** Requests rows `first` to `last`, which are in view. During fast scrolling, only the latest view is requested. */
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
        .catch(() => this.#take(page, undefined)); // the trait `error` has the message
    }
  }

  #take(page: number, body: Page | undefined): void {
    this.#asked.delete(page);
    this.#pages.delete(page);
    if (body !== undefined) this.#pages.set(page, body);
    // A page that could not be read is requested again after the next change, rather than immediately and forever.
    else this.#pages.set(page, { stamp: this.#stamp, rows: [] });
    for (const oldest of this.#pages.keys()) {
      if (this.#pages.size <= CACHED) break;
      this.#pages.delete(oldest);
    }
    this.#arrived();
    this.#ask();
  }
}
