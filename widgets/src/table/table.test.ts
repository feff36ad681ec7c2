// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { HOSTILE, fakeModel, plainRow } from "./host.fake";
import widget, { type Row } from "./table";

let el: HTMLElement;
const find = <T extends HTMLElement = HTMLElement>(selector: string): T => {
  const found = el.querySelector<T>(selector);
  if (!found) throw new Error(`no ${selector} in ${el.innerHTML}`);
  return found;
};
const grid = () => find("[role=grid]");
const rows = () => [...el.querySelectorAll<HTMLElement>(".cl-record:not([hidden])")];
const row = (number: number) => find(`.cl-record:not([hidden])[aria-rowindex="${number + 1}"]`);
const press = (key: string, init: KeyboardEventInit = {}, target: HTMLElement = grid()) => {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init });
  target.dispatchEvent(event);
  return event;
};
const click = (target: Element, init: MouseEventInit = {}) => target.dispatchEvent(new MouseEvent("click", { bubbles: true, ...init }));
/** Lets the answers arrive: those that the fake kernel gives come as microtasks. */
const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};
const show = async (...given: Parameters<typeof fakeModel>) => {
  const fake = fakeModel(...given);
  const dispose = widget.render({ model: fake.model, el });
  await settled();
  return { ...fake, dispose };
};

beforeEach(() => {
  el = document.createElement("div");
  document.body.append(el);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(300);
});
afterEach(() => {
  el.remove();
  vi.restoreAllMocks();
});

test("a million rows take a dozen elements, and only the visible page is requested", async () => {
  const { requests } = await show();
  expect(rows()).toHaveLength(10);
  expect(row(1).textContent).toBe("n0text 00");
  expect(requests("page")).toEqual([{ start: 0, stop: 100 }]);
  expect(grid().getAttribute("aria-rowcount")).toBe("1000001");
  expect(grid().getAttribute("aria-colcount")).toBe("4");
});

test("the last row can be reached without requesting the pages between", async () => {
  const { requests } = await show();
  press("End", { ctrlKey: true });
  await settled();
  expect(row(1_000_000).textContent).toBe("n999999text 999999999999");
  expect(requests("page")).toEqual([{ start: 0, stop: 100 }, { start: 999_900, stop: 1_000_000 }]);
  expect(parseFloat(find(".cl-body").style.height)).toBeLessThan(16_000_000);
});

test("rows that changed stay until they are read again", async () => {
  let word = "old";
  const { update } = await show({}, (at) => ({ ...plainRow(at), document: word }));
  word = "new";
  update({ stamp: 2 });
  expect(row(1).textContent).toContain("old");
  await settled();
  expect(row(1).textContent).toContain("new");
});

test("text from the store creates no element", async () => {
  const hostile: Row = { id: HOSTILE, document: HOSTILE, cells: { [HOSTILE]: HOSTILE }, selected: false };
  await show(
    { total: 1, columns: [{ key: HOSTILE, kind: "text" }], collection_name: HOSTILE, status: HOSTILE, where_text: HOSTILE, conditions: { [HOSTILE]: { text: HOSTILE, low: null, high: null, tokens: [] } } },
    () => hostile,
  );
  press("ArrowDown");
  press("Enter");
  await settled();
  expect(el.querySelector("img")).toBeNull();
  expect(row(1).textContent).toBe(HOSTILE.repeat(3));
  expect(find(".cl-reader .cl-text").textContent).toBe(HOSTILE);
});

test("a metadata field may have the name of an inherited property", async () => {
  const columns = ["constructor", "__proto__"].map((key) => ({ key, kind: "text" as const }));
  const { requests } = await show({ columns });
  expect([...rows()[1]!.children].map((cell) => cell.textContent)).toEqual(["n1", "text 1", "", ""]);
  expect(el.querySelectorAll(".cl-filtered")).toHaveLength(0);
  press("ArrowDown");
  for (let step = 0; step < 2; step += 1) press("ArrowRight");
  press("Enter");
  await settled();
  expect(requests("record")).toEqual([{ id: "n0" }]);
  expect(find<HTMLInputElement>(".cl-editor").value).toBe("");
});

test("keys move the active cell, which the grid exposes to screen readers", async () => {
  await show();
  const active = () => document.getElementById(grid().getAttribute("aria-activedescendant") ?? "")?.textContent;
  press("ArrowDown");
  press("ArrowRight");
  expect(active()).toBe("text 0");
  press("PageDown");
  expect(active()).toBe("text 10");
  press("End");
  press("ArrowUp");
  expect(active()).toBe("");
  press("Home", { ctrlKey: true });
  expect(active()).toBe("n0");
  press("ArrowUp");
  expect(active()).toContain("id");
});

test("plain keys never reach the notebook; Escape does if there is nothing to close", async () => {
  await show();
  const notebook = vi.fn();
  document.body.addEventListener("keydown", notebook);
  for (const key of ["a", "b", "ArrowDown", "Delete", "Enter"]) press(key);
  await settled();
  press("Escape"); // closes the record that Enter opened
  expect(notebook).not.toHaveBeenCalled();
  press("Escape");
  press("s", { ctrlKey: true });
  expect(notebook).toHaveBeenCalledTimes(2);
  document.body.removeEventListener("keydown", notebook);
});

test("Enter in the header cycles through ascending, descending and no order", async () => {
  const { requests, update } = await show();
  press("ArrowRight");
  press("ArrowRight");
  press("Enter");
  update({ order_by: "year" });
  expect(find("[role=columnheader]:nth-child(3)").getAttribute("aria-sort")).toBe("ascending");
  press("Enter");
  update({ order_by: "-year" });
  expect(find("[role=columnheader]:nth-child(3)").getAttribute("aria-sort")).toBe("descending");
  press("Enter");
  expect(requests("sort")).toEqual(["up", "down", "none"].map((direction) => ({ column: "year", direction })));
});

test("a column whose name starts with a minus is sorted in descending order or not at all", async () => {
  const { requests, update } = await show({ columns: [{ key: "x", kind: "number" }, { key: "-x", kind: "number" }], order_by: "-x" });
  const sorted = () => [3, 4].map((place) => find(`[role=columnheader]:nth-child(${place})`).getAttribute("aria-sort"));
  expect(sorted()).toEqual(["descending", "none"]);
  for (const key of ["ArrowRight", "ArrowRight", "ArrowRight", "Enter"]) press(key);
  update({ order_by: "--x" });
  expect(sorted()).toEqual(["none", "descending"]);
  press("Enter");
  expect(requests("sort")).toEqual(["down", "none"].map((direction) => ({ column: "-x", direction })));
});

test("clicking a bin or a value of a chart filters", async () => {
  const { requests, update } = await show();
  click(find("[data-bin='0']"));
  click(find("[data-bin='1']"));
  expect(requests("range")).toEqual([
    { column: "year", low: 0, high: 10, closed: false },
    { column: "year", low: 10, high: 20, closed: true },
  ]);
  click(find("[data-token]"));
  update({ conditions: { kind: { text: 'kind = "tea"', low: null, high: null, tokens: ['"tea"'] } } });
  click(find("[data-token]"));
  expect(requests("pick")).toEqual([{ column: "kind", tokens: ['"tea"'] }, { column: "kind", tokens: [] }]);
});

test("F opens the filter of a column, with buttons for values and boxes for numbers", async () => {
  const { requests, update } = await show();
  press("ArrowRight");
  press("ArrowRight");
  press("f");
  const [low, high] = [...el.querySelectorAll<HTMLInputElement>(".cl-filters input")];
  low!.value = "5";
  high!.value = "x";
  press("Enter", {}, low);
  expect(requests("range")).toEqual([{ column: "year", low: 5, high: "x", closed: true }]);
  press("Escape", {}, low);
  expect(find(".cl-filters").hidden).toBe(true);
  press("ArrowRight");
  press("f");
  const buttons = () => [...el.querySelectorAll<HTMLButtonElement>(".cl-filters [data-value]")];
  expect(buttons().map((button) => button.textContent)).toEqual(["tea 30", "chalk 10"]);
  buttons()[0]!.click();
  update({ conditions: { kind: { text: "", low: null, high: null, tokens: ['"tea"'] } } });
  buttons()[1]!.click();
  expect(requests("pick")).toEqual([{ column: "kind", tokens: ['"tea"'] }, { column: "kind", tokens: ['"tea"', '"chalk"'] }]);
  expect(find(".cl-filters").textContent).toContain("2 with other values (5 in all)");
});

test("the filter is shown as text and can be cleared", async () => {
  const { requests, update } = await show();
  expect(find(".cl-filtering").hidden).toBe(true);
  update({ where_text: "year >= 2000", status: "3 of 9 records" });
  expect(find(".cl-where").textContent).toBe("year >= 2000");
  expect(find("[role=status]").textContent).toBe("3 of 9 records");
  find(".cl-filtering button").click();
  expect(requests("clear")).toEqual([{}]);
});

test("a click selects one row, Shift+click a range, Control+click one more", async () => {
  const { requests, update } = await show();
  expect(row(2).getAttribute("aria-selected")).toBe("true");
  click(row(3).children[0]!);
  row(6).children[1]!.dispatchEvent(new MouseEvent("mousedown", { bubbles: true, cancelable: true, shiftKey: true }));
  click(row(6).children[1]!, { shiftKey: true });
  click(row(8).children[0]!, { ctrlKey: true });
  press("ArrowDown", { shiftKey: true });
  press(" ");
  expect(requests("select")).toEqual([
    { at: 2, to: null, mode: "replace", generation: 1 },
    { at: 2, to: 5, mode: "replace", generation: 1 },
    { at: 7, to: null, mode: "toggle", generation: 1 },
    { at: 7, to: 8, mode: "replace", generation: 1 },
    { at: 8, to: null, mode: "toggle", generation: 1 },
  ]);
  update({ only_selection: true, selected: 3 });
  click(row(1).children[0]!); // would leave a single row
  expect(requests("select")).toHaveLength(5);
});

test("a click sends the generation of the row, and a range the older one of its two ends", async () => {
  const { requests, update } = await show();
  click(row(3).children[0]!);
  update({ generation: 2, stamp: 2 });
  click(row(4).children[0]!); // before the new rows arrive
  await settled();
  press(" ", { shiftKey: true });
  press(" ", { shiftKey: true }); // starts a new range, as the kernel has refused the first
  expect(requests("select").map(({ at, to, generation }) => [at, to, generation])).toEqual([
    [2, null, 1],
    [3, null, 1],
    [3, 3, 1],
    [3, 3, 2],
  ]);
});

test("Enter edits the whole value, and a refused value stays in the box", async () => {
  const { requests, refuse, update } = await show();
  click(row(1).children[2]!);
  press("Enter");
  await settled();
  const box = find<HTMLInputElement>(".cl-editor");
  expect(box.value).toBe("1999");
  expect(box.getAttribute("aria-label")).toBe("year of n0");
  box.value = "then";
  Object.assign(refuse, { verb: "edit", problem: "The value of 'year' must be a number" });
  press("Enter", {}, box);
  await settled();
  update({ error: "The value of 'year' must be a number" });
  expect(find(".cl-editor").getAttribute("aria-invalid")).toBe("true");
  expect(find("[role=status]").textContent).toBe("The value of 'year' must be a number");
  refuse.verb = "";
  box.value = "2000";
  press("Enter", {}, box);
  await settled();
  expect(requests("edit")).toEqual(["then", "2000"].map((typed) => ({ id: "n0", column: "year", typed })));
  expect(el.querySelector(".cl-editor")).toBeNull();
});

test("Escape cancels an edit, and an unchanged value is not written", async () => {
  const { requests } = await show();
  click(row(1).children[2]!);
  press("F2");
  await settled();
  find<HTMLInputElement>(".cl-editor").value = "2000";
  press("Escape", {}, find(".cl-editor"));
  press("F2");
  await settled();
  press("Enter", {}, find(".cl-editor"));
  expect(requests("edit")).toEqual([]);
  expect(el.querySelector(".cl-editor")).toBeNull();
});

test("Delete deletes the active record, or the selection that contains it, and many only when pressed twice", async () => {
  const { requests, update } = await show();
  press("ArrowDown");
  press("Delete");
  press("ArrowDown");
  press("Delete");
  update({ selected: 1234 });
  press("Delete");
  expect(find("[role=status]").textContent).toContain("Delete 1,234 records?");
  press("Delete");
  expect(requests("delete")).toEqual([{ ids: ["n0"] }, { ids: null }, { ids: null }]);
  update({ undoable: "deleting 'n0'" });
  press("z", { ctrlKey: true });
  expect(requests("undo")).toEqual([{}]);
});

test("the command is copied, or shown if the browser has no clipboard", async () => {
  await show();
  find("[data-do=command]").click();
  expect(find<HTMLTextAreaElement>(".cl-copy").value).toBe("%chroma get notes");
  find("[data-do=ids]").click();
  await settled();
  expect(find<HTMLTextAreaElement>(".cl-copy").value).toBe("a\nb");
});

test("columns are counted one at a time, and again when they change", async () => {
  const { requests, update } = await show();
  expect(requests("summary")).toEqual([{ column: "year" }, { column: "kind" }]);
  update({ stamp: 2 });
  await settled();
  expect(requests("summary")).toHaveLength(2);
  update({ generation: 2 });
  await settled();
  expect(requests("summary")).toHaveLength(4);
});

test("columns of a large collection are counted on request", async () => {
  const { requests } = await show({ records: 1_000_000 });
  expect(requests("summary")).toEqual([]);
  click(find("[data-do=count]"));
  await settled();
  expect(requests("summary")).toEqual([{ column: "year" }]);
  press("ArrowRight");
  press("f");
  await settled();
  expect(requests("summary")).toEqual([{ column: "year" }, { column: "kind" }]);
  expect(el.querySelectorAll(".cl-filters [data-value]")).toHaveLength(2);
});

test("cleanup leaves no listener and no element", async () => {
  const open = new Set<unknown>();
  const add = vi.spyOn(EventTarget.prototype, "addEventListener").mockImplementation((_, listener) => void open.add(listener));
  const remove = vi.spyOn(EventTarget.prototype, "removeEventListener").mockImplementation((_, listener) => void open.delete(listener));
  const { dispose, listening } = await show();
  expect(open.size).toBeGreaterThan(0);
  expect(listening()).toBeGreaterThan(0);
  dispose();
  expect(open.size).toBe(0);
  expect(listening()).toBe(0);
  expect(el.childNodes).toHaveLength(0);
  add.mockRestore();
  remove.mockRestore();
});
