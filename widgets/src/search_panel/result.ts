import { element } from "../core/dom";
import { highlight } from "../core/highlight";
import { thumb } from "../core/icons";
import type { Candidate, Judgment, MissingRecord, Row } from "./model";

/** The parts of a result that change while it is shown. */
export interface ResultState {
  judgment: Judgment | undefined;
  picked: boolean;
  /** The rank on the other side of the transform; 0 if it is below `depth`. */
  other: number | undefined;
  depth: number;
  after: boolean;
  reasons: readonly string[];
}

/** One result. The panel handles the clicks on its buttons, which carry their action in `data-do`. */
export class Result {
  readonly element: HTMLLIElement;
  readonly #rank: HTMLButtonElement;
  readonly #move = element("span", { class: "cl-move" });
  readonly #up = judgeButton(true);
  readonly #down = judgeButton(false);
  readonly #noteButton = element("button", { type: "button", "data-do": "note", "aria-expanded": "false" }, "Note");
  readonly #why = element("button", { type: "button", "data-do": "why", "aria-expanded": "false" }, "Why here?");
  readonly #note = element("input", { class: "cl-note", type: "text", maxlength: "2000", "aria-label": "Note", "data-note": "", hidden: "", dir: "auto" });
  readonly #stored = element("p", { class: "cl-stored", hidden: "", dir: "auto" });
  readonly #reasons = element("ul", { class: "cl-reasons", hidden: "" });

  constructor(
    readonly row: Row,
    readonly rank: number,
    terms: readonly string[],
    closeness: number,
    canJudge: boolean,
  ) {
    const filled = element("i");
    filled.style.width = `${(100 * closeness).toFixed(1)}%`;
    const score = element(
      "div",
      { class: "cl-score", title: "Distance: smaller is closer" },
      element("span", { class: "cl-spoken" }, "distance "),
      row.distance.toFixed(4),
      element("div", { class: "cl-track", "aria-hidden": "true" }, filled),
    );
    this.#rank = element("button", { type: "button", class: "cl-rank", "data-do": "select", "aria-pressed": "false", title: "Select" }, String(rank));
    this.#rank.setAttribute("aria-label", `Select result ${rank}: ${row.id}`);
    const body = element("div", {}, ...textAndFacts(row, terms));
    if (canJudge) {
      const actions = element("div", { class: "cl-actions" }, this.#up, this.#down, this.#noteButton, this.#why);
      body.append(actions, this.#note, this.#stored, this.#reasons);
    }
    const left = element("div", { class: "cl-position" }, this.#rank, this.#move);
    this.element = element("li", { class: "cl-result" }, left, body, score);
  }

  focus(): void {
    this.#rank.focus();
  }

  update(state: ResultState): void {
    this.#rank.setAttribute("aria-pressed", String(state.picked));
    this.element.classList.toggle("cl-picked", state.picked);
    this.#drawMove(state);
    const relevance = state.judgment?.relevance ?? 0;
    this.#up.setAttribute("aria-pressed", String(relevance > 0));
    this.#down.setAttribute("aria-pressed", String(relevance < 0));
    const note = state.judgment?.note ?? "";
    if (this.#note.hidden) this.#note.value = note; // otherwise it is being written
    this.#stored.textContent = note;
    this.#stored.hidden = note === "" || !this.#note.hidden;
    this.#noteButton.disabled = relevance === 0;
    this.#noteButton.title = relevance === 0 ? "Judge the record first" : "Add a note (N)";
    this.#why.setAttribute("aria-expanded", String(state.reasons.length > 0));
    this.#reasons.hidden = state.reasons.length === 0;
    this.#reasons.replaceChildren(...state.reasons.map((line) => element("li", {}, line)));
  }

  /** Opens or closes the note; returns its text. */
  toggleNote(open = this.#note.hidden): string {
    const focused = document.activeElement === this.#note; // a hidden element loses the focus
    this.#note.hidden = !open;
    this.#noteButton.setAttribute("aria-expanded", String(open));
    this.#stored.hidden = open || this.#stored.textContent === "";
    if (open) this.#note.focus();
    else if (focused) this.#noteButton.focus();
    return this.#note.value;
  }

  #drawMove({ other, depth, after }: ResultState): void {
    this.#move.hidden = other === undefined || other === this.rank;
    this.#move.replaceChildren();
    this.#move.classList.remove("cl-rose", "cl-fell");
    if (other === undefined || other === this.rank) return;
    const name = other === 0 ? `>${depth}` : String(other);
    const [from, to] = after ? [name, String(this.rank)] : [String(this.rank), name];
    // A record that is nearer "after" than "before" rose, no matter which side is shown.
    const better = (other === 0 || other > this.rank) === after;
    this.#move.classList.add(better ? "cl-rose" : "cl-fell");
    this.#move.append(
      element("span", { "aria-hidden": "true" }, `${from} → ${to}`),
      element("span", { class: "cl-spoken" }, `rank ${from} before the transform, ${to} after`),
    );
  }
}

/** A record that may be missing from the results. */
export function candidateItem(candidate: MissingRecord, terms: readonly string[], judgment: Judgment | undefined): HTMLLIElement {
  const marked = judgment !== undefined && judgment.relevance > 0;
  const button = element("button", { type: "button", "data-do": "missing", "aria-pressed": String(marked) }, marked ? "Marked as missing" : "Should have matched");
  const body = element("div", {}, ...textAndFacts(candidate, terms));
  if (candidate.why) body.append(element("p", { class: "cl-why", dir: "auto" }, `Why not: ${candidate.why}`));
  return element("li", { class: "cl-candidate" }, body, button);
}

function textAndFacts(row: Candidate, terms: readonly string[]): HTMLElement[] {
  const text =
    row.document === null
      ? element("p", { class: "cl-document cl-absent" }, "no document")
      : element("p", { class: "cl-document", dir: "auto" }, ...highlight(row.document, terms));
  const facts = element("ul", { class: "cl-facts" }, element("li", { class: "cl-id" }, row.id));
  for (const [key, value] of row.metadata) {
    facts.append(element("li", { class: "cl-chip" }, element("span", {}, `${key} `), value));
  }
  return [text, facts];
}

function judgeButton(up: boolean): HTMLButtonElement {
  const [verb, label] = up ? ["up", "Answers the query (+)"] : ["down", "Does not answer the query (-)"];
  return element("button", { type: "button", class: `cl-thumb cl-${verb}`, "data-do": verb, "aria-pressed": "false", "aria-label": label, title: label }, thumb(up));
}
