import type { AnyModel, RenderProps } from "@anywidget/types";
import { element } from "../core/dom";
import { widget } from "../core/host";
import { queryTerms } from "../core/highlight";
import { onKeys } from "../core/keyboard";
import { Listeners } from "../core/listeners";
import { LiveRegion } from "../core/live";
import { own } from "../core/own";
import { Requests } from "../core/requests";
import { type ActingModel, SelectionBar } from "../core/selection_bar";
import { filterPanel } from "./facets";
import type { SearchPanelModel } from "./model";
import { Result, candidateItem } from "./result";
import "./search_panel.css";

export type { Row, SearchPanelModel } from "./model";

function render({ model, el }: Pick<RenderProps<SearchPanelModel>, "model" | "el">): () => void {
  const listeners = new Listeners();
  // Random rather than counted, because each widget on a page loads its own copy of this module.
  const inputId = `cl-search-panel-${Math.random().toString(36).slice(2)}`;
  const label = element("label", { for: inputId }, "Search ", element("b", {}, model.get("collection_name")));
  const input = element("input", { id: inputId, type: "search", autocomplete: "off", spellcheck: "false", dir: "auto" });
  input.placeholder = "Describe what you are looking for";
  const button = element("button", { type: "button" }, "Search");
  const status = new LiveRegion();
  const announcer = new LiveRegion(true);
  const before = element("button", { type: "button", "data-side": "before" }, "Before");
  const after = element("button", { type: "button", "data-side": "after" }, "After");
  const sides = element("div", { class: "cl-sides cl-joined", role: "group", hidden: "" }, before, after);
  // Safari drops the list role from a list without markers unless it is explicit.
  const results = element("ol", { class: "cl-results cl-small", role: "list", "aria-label": "Results" });
  const missingId = `${inputId}-missing`;
  const missingInput = element("input", { id: missingId, type: "text", autocomplete: "off", dir: "auto", placeholder: "Its id, or words from its text" });
  const findButton = element("button", { type: "button", "data-do": "find" }, "Find");
  const candidates = element("ul", { class: "cl-candidates cl-small", role: "list", "aria-label": "Records that may be missing" });
  const missing = element(
    "div",
    { class: "cl-missing", hidden: "" },
    element("label", { for: missingId }, "Is a record missing?"),
    element("div", { class: "cl-bar" }, missingInput, findButton),
    candidates,
  );
  const bar = element("div", { class: "cl-bar" }, input, button);
  const send = (verb: string, fields: Readonly<Record<string, unknown>> = {}): void => model.send({ verb, ...fields });
  const filter = filterPanel(model, listeners, send, `${inputId}-filter`);
  const tools = element("div", { class: "cl-tools cl-small" }, status.element, filter.button, sides);
  const selection = new SelectionBar(model as unknown as AnyModel<ActingModel>, new Requests(model, listeners), listeners, {
    clear: () => send("unselect"),
    home: input,
  });
  const root = element("div", { class: "chromalab-widget cl-search-panel", role: "search" }, label, bar, tools, filter.panel, results, selection.element, missing, announcer.element);

  let shown: Result[] = [];
  let waiting = false; // whether a search was sent that the kernel has not started yet
  let searching = false; // whether a search was sent that has not been answered yet
  let painted = 0;

  const search = (): void => {
    const text = input.value.trim();
    if (text === "") return;
    waiting = searching = true;
    send("search", { text });
    drawStatus();
  };
  const find = (): void => {
    const text = missingInput.value.trim();
    if (text !== "") send("find", { text });
  };
  const judge = (result: Result, relevance: number): void => {
    const now = own(model.get("judgments"), result.row.id);
    const same = Math.sign(now?.relevance ?? 0) === relevance; // the same thumb again removes the judgment
    send("judge", { id: result.row.id, relevance: same ? 0 : relevance, note: null });
    announcer.announce(same || relevance === 0 ? "Judgment removed" : relevance > 0 ? "Marked as an answer" : "Marked as not an answer");
  };
  const saveNote = (result: Result): void => {
    const now = own(model.get("judgments"), result.row.id);
    const note = result.toggleNote(false).trim();
    if (now && note !== now.note) send("judge", { id: result.row.id, relevance: now.relevance, note });
  };
  const act = (result: Result, what: string | undefined, more = false): void => {
    const { id } = result.row;
    if (what === "up") judge(result, 1);
    else if (what === "down") judge(result, -1);
    else if (what === "clear" && own(model.get("judgments"), id)) judge(result, 0);
    else if (what === "why") send("why", { id: model.get("reasons").id === id ? "" : id });
    else if (what === "select") send("select", { id, more });
    else if (what === "note" && own(model.get("judgments"), id)) {
      if (root.querySelector("[data-note]:focus")) saveNote(result);
      else result.toggleNote();
    }
  };
  const resultOf = (target: EventTarget | null): Result | undefined =>
    shown.find((result) => target instanceof Node && result.element.contains(target));
  const onClick = (event: MouseEvent): void => {
    const target = event.target instanceof Element ? event.target : null;
    const what = target?.closest<HTMLElement>("[data-do]")?.dataset.do;
    const side = target?.closest<HTMLElement>("[data-side]")?.dataset.side;
    if (side !== undefined) return send("side", { side });
    if (what === "find") return find();
    const row = [...candidates.children].findIndex((item) => item.contains(target));
    const candidate = model.get("candidates")[row];
    if (what === "missing" && candidate) return send("missing", { id: candidate.id });
    const result = resultOf(target);
    if (result === undefined) return;
    if (what !== undefined) return act(result, what, event.shiftKey || event.metaKey || event.ctrlKey);
    // A click on the text selects the record, unless it ended a selection of text.
    if (target?.closest("input") === null && (getSelection()?.isCollapsed ?? true)) act(result, "select", event.shiftKey || event.metaKey || event.ctrlKey);
  };
  const step = (by: number) => (event: KeyboardEvent): void => {
    const at = shown.findIndex((result) => result.element.contains(event.target as Node));
    if (at >= 0) shown[at + by]?.focus();
  };
  const onResult = (what: string) => (event: KeyboardEvent): void => {
    const result = resultOf(event.target);
    if (result) act(result, what);
  };
  onKeys(root, listeners, {
    Enter: (event) => {
      if (event.repeat) return true;
      if (selection.element.contains(event.target as Node)) {
        event.stopPropagation();
        return false; // it sends the form of the bar, or presses its button
      }
      if (event.target === input) search();
      else if (event.target === missingInput) find();
      else if (event.target === filter.box) filter.apply();
      else if (event.target instanceof HTMLElement && "note" in event.target.dataset) onResult("note")(event);
      else if (event.target instanceof HTMLElement) event.target.click();
      return true;
    },
    Escape: ({ target }) => {
      if (target === filter.box) return filter.revert();
      if (selection.element.contains(target as Node)) return selection.close();
      const filled = target instanceof HTMLInputElement && target.value !== "";
      if (filled && "note" in target.dataset) resultOf(target)?.toggleNote(false);
      else if (filled) target.value = "";
      return filled; // if there is nothing to clear, the notebook gets the key
    },
    ArrowDown: step(1),
    ArrowUp: step(-1),
    j: step(1),
    k: step(-1),
    "+": onResult("up"),
    "=": onResult("up"), // the same key without Shift
    "-": onResult("down"),
    "0": onResult("clear"),
    n: onResult("note"),
    w: onResult("why"),
  });

  const drawStatus = (): void => {
    const busy = waiting || model.get("busy");
    const error = searching ? "" : model.get("error");
    root.classList.toggle("cl-busy", busy);
    results.setAttribute("aria-busy", String(busy));
    const progress = waiting ? "Waiting for the kernel…" : "Searching…";
    status.announce(searching ? progress : error || model.get("status"), error !== "");
  };
  const drawState = (): void => {
    const judgments = model.get("judgments");
    const moves = model.get("moves");
    const reasons = model.get("reasons");
    for (const result of shown) {
      const { id } = result.row;
      result.update({
        judgment: own(judgments, id),
        picked: model.get("picked").includes(id),
        other: own(moves, id),
        depth: model.get("depth"),
        after: model.get("side") === "after",
        reasons: reasons.id === id ? (reasons.lines ?? []) : [],
      });
    }
  };
  const drawSides = (): void => {
    const transform = model.get("transform");
    sides.hidden = transform === "";
    sides.setAttribute("aria-label", `Show ranks before or after the transform ${transform}`);
    sides.title = `Transform ${transform}`;
    for (const choice of [before, after]) choice.setAttribute("aria-pressed", String(choice.dataset.side === model.get("side")));
  };
  const drawRows = (): void => {
    const rows = model.get("rows");
    const terms = queryTerms(model.get("query"));
    const longest = Math.max(1, ...rows.map((row) => row.distance));
    const shortest = Math.min(0, ...rows.map((row) => row.distance));
    // 1 at distance 0, and 0.2 at the largest distance shown, or at distance 1 if all are smaller
    const closeness = (distance: number): number => 1 - (0.8 * (distance - shortest)) / (longest - shortest);
    const focused = resultOf(document.activeElement)?.row.id;
    shown = rows.map((row, i) => new Result(row, i + 1, terms, closeness(row.distance), model.get("can_judge")));
    results.replaceChildren(...shown.map((result) => result.element));
    drawState();
    if (focused !== undefined) (shown.find((result) => result.row.id === focused) ?? shown[0])?.focus();
    missing.hidden = !model.get("can_judge") || model.get("query") === "";
    root.dataset.painted = String((painted += 1)); // for browser tests: counts the draws
  };
  const drawCandidates = (): void => {
    const at = [...candidates.children].findIndex((item) => item.contains(document.activeElement));
    const judgments = model.get("judgments");
    const terms = queryTerms(missingInput.value);
    candidates.replaceChildren(...model.get("candidates").map((candidate) => candidateItem(candidate, terms, own(judgments, candidate.id))));
    if (at >= 0) candidates.children[at]?.querySelector("button")?.focus();
  };
  const onBusy = (): void => {
    waiting = false;
    if (!model.get("busy")) searching = false;
    drawStatus();
  };
  const onQuery = (): void => {
    // A search from Python updates the box, but the answer to our own search must not overwrite what is being typed.
    if (!input.matches(":focus")) input.value = model.get("query");
    drawRows();
  };

  listeners.onElement(button, "click", search);
  listeners.onElement(root, "click", onClick);
  listeners.onModel(model, "change:busy", onBusy);
  listeners.onModel(model, "change:status", drawStatus);
  listeners.onModel(model, "change:error", drawStatus);
  listeners.onModel(model, "change:query", onQuery);
  listeners.onModel(model, "change:rows", drawRows);
  listeners.onModel(model, "change:selection_changes", () => selection.draw(model.get("selected")));
  for (const trait of ["judgments", "moves", "reasons", "picked", "side"]) listeners.onModel(model, `change:${trait}`, drawState);
  for (const trait of ["judgments", "candidates"]) listeners.onModel(model, `change:${trait}`, drawCandidates);
  for (const trait of ["transform", "side"]) listeners.onModel(model, `change:${trait}`, drawSides);

  input.value = model.get("query");
  drawStatus();
  drawSides();
  drawRows();
  drawCandidates();
  selection.draw(model.get("selected"));
  el.append(root);
  return () => {
    listeners.release();
    root.remove();
  };
}

export default widget(render);
