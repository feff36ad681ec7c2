// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { fakeModel, row } from "./host.fake";
import widget, { type SearchPanelModel } from "./search_panel";

let el: HTMLElement;
const find = <T extends HTMLElement = HTMLElement>(selector: string): T => {
  const found = el.querySelector<T>(selector);
  if (!found) throw new Error(`no ${selector} in ${el.innerHTML}`);
  return found;
};
const status = () => find("[role=status]").textContent;
const press = (key: string, init: KeyboardEventInit = {}) =>
  find("input").dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init }));
const type = (text: string) => (find<HTMLInputElement>("input").value = text);

beforeEach(() => {
  el = document.createElement("div");
  document.body.append(el);
});
afterEach(() => el.remove());

test("Enter and the button each send exactly one search", () => {
  const { model, sent } = fakeModel();
  widget.render({ model, el });
  type("  red moon ");
  press("Enter");
  expect(sent).toEqual([{ verb: "search", text: "red moon" }]);
  find("button").click();
  expect(sent).toHaveLength(2);
});

test("a blank box, Enter inside an input method and a held Enter send nothing", () => {
  const { model, sent } = fakeModel();
  widget.render({ model, el });
  type("   ");
  press("Enter");
  type("つき");
  press("Enter", { isComposing: true });
  press("Enter", { repeat: true });
  expect(sent).toEqual([]);
});

test("Escape clears the box, and is left to the notebook when there is nothing to clear", () => {
  const { model } = fakeModel();
  widget.render({ model, el });
  const notebook = vi.fn();
  document.body.addEventListener("keydown", notebook);
  type("red");
  press("Escape");
  expect(find<HTMLInputElement>("input").value).toBe("");
  press("a");
  expect(notebook).not.toHaveBeenCalled();
  press("Escape");
  press("s", { ctrlKey: true });
  expect(notebook).toHaveBeenCalledTimes(2);
  document.body.removeEventListener("keydown", notebook);
});

test("the input has a label and the status is a polite live region", () => {
  const { model } = fakeModel();
  widget.render({ model, el });
  expect(find<HTMLInputElement>("input").labels?.[0]?.textContent).toBe("Search facts");
  expect(find("[role=status]").getAttribute("aria-live")).toBe("polite");
  expect(status()).toBe("96 records");
});

test("two views on a page have separate labels", () => {
  const { model } = fakeModel();
  widget.render({ model, el });
  widget.render({ model, el });
  const labels = [...el.querySelectorAll("input")].map((input) => input.labels?.[0]);
  expect(labels).not.toContain(undefined);
  expect(new Set(labels).size).toBe(6);
});

test("the status shows the wait, the search and the outcome", () => {
  const { model, update } = fakeModel();
  widget.render({ model, el });
  type("moon");
  press("Enter");
  expect(status()).toBe("Waiting for the kernel…");
  update({ busy: true });
  expect(status()).toBe("Searching…");
  expect(find("ol").getAttribute("aria-busy")).toBe("true");
  update({ query: "moon", rows: [row()], status: "1 of 96 in 12 ms", busy: false });
  expect(status()).toBe("1 of 96 in 12 ms");
  expect(find("ol").getAttribute("aria-busy")).toBe("false");
});

test("an error is shown as its message, and disappears with the next successful search", () => {
  const { model, update } = fakeModel();
  widget.render({ model, el });
  update({ busy: true });
  update({ error: "Collection 'facts' does not exist. <b>Collections</b>: notes", busy: false });
  expect(status()).toBe("Collection 'facts' does not exist. <b>Collections</b>: notes");
  expect(find("[role=status]").children).toHaveLength(0);
  update({ error: "", status: "0 of 96 in 3 ms" });
  expect(status()).toBe("0 of 96 in 3 ms");
  expect(find("[role=status]").classList.contains("cl-failed")).toBe(false);
});

test("a result shows its rank, distance, document, id and metadata", () => {
  const { model } = fakeModel({ query: "moon", rows: [row(), row({ id: "b", document: null, distance: 0.5, metadata: [["year", "1969"]] })] });
  widget.render({ model, el });
  const [first, second] = [...el.querySelectorAll<HTMLElement>(".cl-result")];
  expect(first?.textContent).toBe("1A red moonadistance 0.2500");
  expect(first?.querySelector("mark")?.textContent).toBe("moon");
  expect(second?.textContent).toBe("2no documentbyear 1969distance 0.5000");
  expect([...el.querySelectorAll<HTMLElement>(".cl-track i")].map((bar) => bar.style.width)).toEqual(["80%", "60%"]);
});

test.each([[[0, 0]], [[-3, -1]], [[900, 1200]]])("score bars stay between a fifth and full for distances %j", (distances) => {
  const { model } = fakeModel({ rows: distances.map((distance) => row({ distance })) });
  widget.render({ model, el });
  for (const bar of el.querySelectorAll<HTMLElement>(".cl-track i")) {
    expect(parseFloat(bar.style.width)).toBeGreaterThanOrEqual(20);
    expect(parseFloat(bar.style.width)).toBeLessThanOrEqual(100);
  }
});

test("text from the store creates no element", () => {
  const hostile = "<img src=x onerror=alert(1)>";
  const { model } = fakeModel({
    collection_name: hostile,
    query: "img onerror",
    rows: [row({ id: hostile, document: hostile, metadata: [[hostile, hostile]] })],
    status: hostile,
  });
  widget.render({ model, el });
  expect(el.querySelector("img")).toBeNull();
  expect(find(".cl-document").textContent).toBe(hostile);
  expect(find(".cl-id").textContent).toBe(hostile);
  expect([...el.querySelectorAll("mark")].map((mark) => mark.textContent)).toEqual(["img", "onerror"]);
});

test("a search from Python updates the box, but never overwrites text being typed", () => {
  const { model, update } = fakeModel();
  widget.render({ model, el });
  update({ query: "from a cell" });
  expect(find<HTMLInputElement>("input").value).toBe("from a cell");
  find("input").focus();
  type("half a wo");
  update({ query: "another" });
  expect(find<HTMLInputElement>("input").value).toBe("half a wo");
});

test("cleanup leaves no listener and no element", () => {
  const open = new Set<unknown>();
  const add = vi.spyOn(EventTarget.prototype, "addEventListener").mockImplementation((_, listener) => void open.add(listener));
  const remove = vi.spyOn(EventTarget.prototype, "removeEventListener").mockImplementation((_, listener) => void open.delete(listener));
  const { model, listening } = fakeModel({ rows: [row()] });
  const dispose = widget.render({ model, el });
  expect(open.size).toBeGreaterThan(0);
  expect(listening()).toBeGreaterThan(0);
  dispose();
  expect(open.size).toBe(0);
  expect(listening()).toBe(0);
  expect(el.childNodes).toHaveLength(0);
  add.mockRestore();
  remove.mockRestore();
});

const judged = (relevance: number, note = "") => ({ relevance, note, by: "ada", shown: true });
const pressed = (selector: string) => find(selector).getAttribute("aria-pressed");
const key = (selector: string, name: string) =>
  find(selector).dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));

test("thumbs judge and show earlier judgments, and the same thumb again removes one", () => {
  const { model, sent, update } = fakeModel({ can_judge: true, query: "moon", rows: [row()] });
  widget.render({ model, el });
  expect(pressed(".cl-up")).toBe("false");
  find(".cl-up").click();
  expect(sent).toEqual([{ verb: "judge", id: "a", relevance: 1, note: null }]);
  update({ judgments: { a: judged(1) } });
  expect([pressed(".cl-up"), pressed(".cl-down")]).toEqual(["true", "false"]);
  find(".cl-up").click();
  expect(sent[1]).toEqual({ verb: "judge", id: "a", relevance: 0, note: null });
  key(".cl-rank", "-");
  expect(sent[2]).toEqual({ verb: "judge", id: "a", relevance: -1, note: null });
});

test("a note on a judged record is written with the button and Enter, and shows as text", () => {
  const { model, sent, update } = fakeModel({ can_judge: true, query: "moon", rows: [row()] });
  widget.render({ model, el });
  const button = find<HTMLButtonElement>("[data-do=note]");
  expect(button.disabled).toBe(true);
  update({ judgments: { a: judged(1, "<b>old</b>") } });
  expect(find(".cl-stored").textContent).toBe("<b>old</b>");
  expect(el.querySelector("b b, .cl-stored b")).toBeNull();
  button.click();
  const note = find<HTMLInputElement>(".cl-note");
  expect(document.activeElement).toBe(note);
  note.value = "the Moon itself";
  key(".cl-note", "Enter");
  expect(sent).toEqual([{ verb: "judge", id: "a", relevance: 1, note: "the Moon itself" }]);
  expect(note.hidden).toBe(true);
});

test("a store without judgments has no thumbs", () => {
  const { model } = fakeModel({ query: "moon", rows: [row()] });
  widget.render({ model, el });
  expect(el.querySelector(".cl-results .cl-actions")).toBeNull();
  expect(find(".cl-missing").hidden).toBe(true);
});

test("a record that should have matched is found and marked", () => {
  const { model, sent, update } = fakeModel({ can_judge: true, query: "moon", rows: [row()] });
  widget.render({ model, el });
  find<HTMLInputElement>(".cl-missing input").value = "sea";
  key(".cl-missing input", "Enter");
  update({ candidates: [{ id: "z", document: "The sea", metadata: [], why: "Knn: distance 0.52, cut at 0.5" }] });
  expect(find(".cl-why").textContent).toBe("Why not: Knn: distance 0.52, cut at 0.5");
  find("[data-do=missing]").click();
  expect(sent).toEqual([{ verb: "find", text: "sea" }, { verb: "missing", id: "z" }]);
  update({ judgments: { z: judged(1) } });
  expect(find("[data-do=missing]").textContent).toBe("Marked as missing");
});

test("ranks before and after a transform are shown and can be switched", () => {
  const { model, sent, update } = fakeModel({ query: "moon", rows: [row(), row({ id: "b" }), row({ id: "c" })] });
  widget.render({ model, el });
  expect(find(".cl-sides").hidden).toBe(true);
  update({ transform: "tuned-1", moves: { a: 4, b: 2, c: 0 } });
  expect(find(".cl-sides").hidden).toBe(false);
  const moves = [...el.querySelectorAll<HTMLElement>(".cl-move")];
  expect(moves.map((move) => move.firstChild?.textContent)).toEqual(["4 → 1", undefined, ">100 → 3"]);
  find("[data-side=before]").click();
  expect(sent).toEqual([{ verb: "side", side: "before" }]);
  update({ side: "before", moves: { a: 3 } });
  expect(moves[0]?.firstChild?.textContent).toBe("1 → 3");
  expect(moves[0]?.classList.contains("cl-fell")).toBe(true);
});

test("an id and a field may have the name of an inherited property", () => {
  const facets: SearchPanelModel["facets"] = [{ key: "constructor", values: [["Lotus", 2]], more: 0 }];
  const { model, sent } = fakeModel({ rows: [row({ id: "constructor" })], query: "moon", can_judge: true, facets });
  widget.render({ model, el });
  expect(find(".cl-move").hidden).toBe(true);
  expect(find<HTMLInputElement>(".cl-facets input").checked).toBe(false);
  find(".cl-result").dispatchEvent(new KeyboardEvent("keydown", { key: "0", bubbles: true }));
  expect(sent).toEqual([]);
});

test("a filter without facets says so once that is known", () => {
  const { model, update } = fakeModel();
  widget.render({ model, el });
  find("[aria-expanded=false]").click();
  expect(find(".cl-facets").textContent).toBe("");
  update({ busy: true });
  update({ busy: false });
  expect(find(".cl-facets").textContent).toBe("No metadata to filter by.");
});

test("the reason for a rank is requested, shown under the record, and removed", () => {
  const { model, sent, update } = fakeModel({ can_judge: true, query: "moon", rows: [row()] });
  widget.render({ model, el });
  key(".cl-rank", "w");
  update({ reasons: { id: "a", lines: ["Rank 1 by distance alone."] } });
  expect(find(".cl-reasons").textContent).toBe("Rank 1 by distance alone.");
  find("[data-do=why]").click();
  expect(sent).toEqual([{ verb: "why", id: "a" }, { verb: "why", id: "" }]);
});

test("the filter requests the facets once, and sends positions of values", () => {
  const { model, sent, update } = fakeModel();
  widget.render({ model, el });
  const button = find<HTMLButtonElement>(".cl-tools > button");
  button.click();
  button.click();
  button.click();
  expect(sent).toEqual([{ verb: "facets" }]);
  update({ facets: [{ key: "topic", values: [["space", 3], ["<b>", 1]], more: 2 }] });
  const boxes = [...el.querySelectorAll<HTMLInputElement>(".cl-facets input")];
  boxes[1]?.click();
  expect(sent[1]).toEqual({ verb: "filter", key: "topic", position: 1, on: true });
  update({ chosen: { topic: [1] } });
  expect(boxes.map((box) => box.checked)).toEqual([false, true]);
  expect(button.textContent).toBe("Filter (1)");
  expect(find(".cl-more").textContent).toBe("2 less frequent values not shown");
});

const filterBox = () => find<HTMLInputElement>(".cl-typed input");

test("a filter is typed in a labeled box; Enter and Apply send it, an empty one removes it", () => {
  const { model, sent, update } = fakeModel();
  widget.render({ model, el });
  expect(filterBox().labels?.[0]?.textContent).toBe("Only where ");
  filterBox().value = "year >= 2020";
  key(".cl-typed input", "Enter");
  update({ where_text: "year >= 2020" });
  expect(find(".cl-tools > button").textContent).toBe("Filter (1)");
  update({ chosen: { topic: [0, 2] } });
  expect(find(".cl-tools > button").textContent).toBe("Filter (3)");
  filterBox().value = "";
  find(".cl-typed button").click();
  expect(sent).toEqual([{ verb: "restrict", text: "year >= 2020" }, { verb: "restrict", text: "" }]);
  update({ where_text: "", chosen: {} });
  expect(find(".cl-tools > button").textContent).toBe("Filter");
});

test("the box shows the applied filter, and keeps text that was refused or is being typed", () => {
  const { model, update } = fakeModel({ where_text: "year > 1" });
  widget.render({ model, el });
  expect(filterBox().value).toBe("year > 1");
  update({ where_text: 'kind = "<b>"' });
  expect(filterBox().value).toBe('kind = "<b>"');
  find(".cl-tools > button").click();
  filterBox().focus();
  filterBox().value = "year >";
  key(".cl-typed input", "Enter");
  update({ busy: true });
  update({ error: "The condition cannot be parsed: …", busy: false, facets: [{ key: "topic", values: [["space", 3]], more: 0 }] });
  expect(status()).toBe("The condition cannot be parsed: …");
  expect(document.activeElement).toBe(filterBox());
  update({ where_text: "" });
  expect(filterBox().value).toBe("year >");
});

test("text that is not applied is marked, also for screen readers, and Escape restores the applied filter", () => {
  const { model, update } = fakeModel({ where_text: "year > 1" });
  widget.render({ model, el });
  const marked = () => document.getElementById(filterBox().getAttribute("aria-describedby") ?? "")?.textContent;
  const write = (text: string) => {
    filterBox().value = text;
    filterBox().dispatchEvent(new Event("input", { bubbles: true }));
  };
  expect(marked()).toBe("");
  filterBox().focus();
  write("year > ");
  expect(marked()).toBe("Not applied");
  key(".cl-typed input", "Enter");
  update({ busy: true });
  update({ error: "The condition cannot be parsed: …", busy: false });
  find("input").focus();
  expect([filterBox().value, marked()]).toEqual(["year > ", "Not applied"]);
  const notebook = vi.fn();
  el.addEventListener("keydown", notebook);
  key(".cl-typed input", "Escape");
  expect([filterBox().value, marked()]).toEqual(["year > 1", ""]);
  expect(notebook).not.toHaveBeenCalled();
  key(".cl-typed input", "Escape"); // nothing to restore, so the notebook gets the key
  expect(notebook).toHaveBeenCalledTimes(1);
  filterBox().focus();
  write(" year > 2 ");
  update({ where_text: "year > 2" });
  expect(marked()).toBe("");
});

test("a click on a result selects it, Shift+click adds it, and selections made elsewhere are shown", () => {
  const { model, sent, update } = fakeModel({ rows: [row(), row({ id: "b" })] });
  widget.render({ model, el });
  find(".cl-document").click();
  el.querySelectorAll(".cl-rank")[1]?.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
  expect(sent).toEqual([{ verb: "select", id: "a", more: false }, { verb: "select", id: "b", more: true }]);
  update({ picked: ["b"] });
  expect([...el.querySelectorAll(".cl-rank")].map((rank) => rank.getAttribute("aria-pressed"))).toEqual(["false", "true"]);
});

test("arrow keys, J and K move through the results", () => {
  const { model } = fakeModel({ rows: [row(), row({ id: "b" })] });
  widget.render({ model, el });
  const ranks = [...el.querySelectorAll<HTMLElement>(".cl-rank")];
  ranks[0]?.focus();
  ranks[0]?.dispatchEvent(new KeyboardEvent("keydown", { key: "j", bubbles: true }));
  expect(document.activeElement).toBe(ranks[1]);
  ranks[1]?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true }));
  expect(document.activeElement).toBe(ranks[0]);
});

test("the bar over the selection sends its requests, and its keys search nothing", async () => {
  const { model, sent, update } = fakeModel({ selected: 1 });
  widget.render({ model, el });
  const bar = find(".cl-selection");
  expect(bar.hidden).toBe(false);
  [...bar.querySelectorAll("button")].find((button) => button.textContent === "Search in these")!.click();
  const text = find<HTMLInputElement>(".cl-action input");
  text.value = "red";
  const enter = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
  text.dispatchEvent(enter);
  expect([enter.defaultPrevented, sent]).toEqual([false, []]); // the browser sends the form
  text.closest("form")!.requestSubmit();
  expect(sent).toEqual([expect.objectContaining({ verb: "selection.query", text: "red" })]);
  text.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true }));
  expect(find(".cl-action").hidden).toBe(true);
  [...bar.querySelectorAll("button")].find((button) => button.textContent === "Clear selection")!.click();
  expect(sent.at(-1)).toEqual({ verb: "unselect" });
  update({ selected: 0, selection_changes: 1 });
  expect(bar.hidden).toBe(true);
});
