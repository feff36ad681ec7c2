import type { Requests } from "../core/requests";
import type { Summary } from "./model";

/** Counts columns one at a time, so that rows do not have to wait for all of them. */
export class Summaries {
  readonly #requests: Requests;
  readonly #found: (key: string, summary: Summary) => void;
  readonly #known = new Map<string, number>(); // the generation in which each column was counted
  #run = 0;

  constructor(requests: Requests, found: (key: string, summary: Summary) => void) {
    this.#requests = requests;
    this.#found = found;
  }

  /** Counts the columns that have not been counted in this generation; a later call replaces an earlier one. */
  count(keys: readonly string[], generation: number): void {
    const run = (this.#run += 1);
    const due = keys.filter((key) => this.#known.get(key) !== generation);
    const next = (): void => {
      const key = due.shift();
      if (key === undefined || run !== this.#run) return;
      this.#requests
        .ask<Summary>("summary", { column: key })
        .then(({ body }) => {
          this.#known.set(key, generation);
          if (run === this.#run) this.#found(key, body);
        })
        .catch(() => this.#known.set(key, generation)) // the trait `error` has the message
        .finally(next);
    };
    next();
  }
}
