// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import widget, { type Choice, type Item, type ReviewModel } from "./review";

type Model = Parameters<typeof widget.render>[0]["model"];

const choice = (name: string, changes: Partial<Choice> = {}): Choice => ({ name, label: name, hint: "", needs: "", ...changes });
const CHOICES = [choice("merge"), choice("keep"), choice("name", { needs: "text" }), choice("into", { needs: "item" })];
const HOSTILE = "<img src=x onerror=alert(1)>";

const item = (changes: Partial<Item> = {}): Item => ({
  heading: "2 records that may be the same",
  records: [
    { id: "a", text: [["green tea", 0]], metadata: [["year", "1", false]], note: "" },
    { id: "b", text: [["green ", 0], ["tea", -1], ["chalk", 1]], metadata: [["year", "2", true]], note: "near" },
  ],
  facts: [["why", "semantic"]],
  more: 0,
  suggested: "merge",
  guess: "",
  targets: [],
  keeps_one: false,
  text: "",
  ...changes,
});

/** The host's side of the AFM contract: state, change events, sent messages. */
function fakeModel(given: Partial<ReviewModel> = {}) {
  const state: ReviewModel = {
    collection_name: "teas",
    kind: "duplicates",
    choices: CHOICES,
    key: "one",
    item: item(),
    decided: "",
    position: 1,
    length: 3,
    done: 0,
    total: 3,
    plan: "",
    undoes: "",
    has_guesses: false,
    confident: {},
    status: "",
    follows: true,
    selection_changes: 0,
    selection_seen: 0,
    error: "",
    busy: false,
    ...given,
  };
  const handlers = new Map<string, Set<() => void>>();
  const sent: unknown[] = [];
  const model = {
    get: (key: keyof ReviewModel) => state[key],
    on: (event: string, handler: () => void) => handlers.set(event, (handlers.get(event) ?? new Set()).add(handler)),
    off: (event: string, handler: () => void) => handlers.get(event)?.delete(handler),
    send: (message: unknown) => sent.push(message),
  } as unknown as Model;
  const update = (changes: Partial<ReviewModel>) => {
    Object.assign(state, changes);
    for (const key of Object.keys(changes)) for (const handler of handlers.get(`change:${key}`) ?? []) handler();
  };
  /** The kernel takes the request up, and is done with it. */
  const answer = (changes: Partial<ReviewModel> = {}) => {
    update({ busy: true });
    update({ ...changes, busy: false });
  };
  return { model, sent, update, answer, listening: () => [...handlers.values()].reduce((total, set) => total + set.size, 0) };
}

let el: HTMLElement;
const find = <T extends HTMLElement = HTMLElement>(selector: string): T => {
  const found = el.querySelector<T>(selector);
  if (!found) throw new Error(`no ${selector} in ${el.innerHTML}`);
  return found;
};
const press = (key: string, on = ".cl-review", init: KeyboardEventInit = {}) =>
  find(on).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init }));

beforeEach(() => {
  el = document.createElement("div");
  document.body.append(el);
});
afterEach(() => el.remove());

test("number keys and buttons decide, and Enter accepts the suggestion", () => {
  const { model, sent, answer } = fakeModel();
  widget.render({ model, el });
  press("2");
  answer();
  press("Enter");
  answer();
  find("[data-choice='1']").click();
  const decided = (name: string) => ({ verb: "decide", item: "one", choice: name, value: null });
  expect(sent).toEqual([decided("keep"), decided("merge"), decided("keep")]);
});

test("a key that is held down, or pressed before the reply, decides once", () => {
  const { model, sent } = fakeModel();
  widget.render({ model, el });
  press("1");
  press("1", ".cl-review", { repeat: true });
  press("2");
  expect(sent).toHaveLength(1);
});

test("keys move forward and back, undo, and do not reach the notebook", () => {
  const { model, sent, answer } = fakeModel({ undoes: "Merge" });
  widget.render({ model, el });
  const notebook = vi.fn();
  document.body.addEventListener("keydown", notebook);
  for (const key of ["j", "k", "u", "d"]) {
    press(key);
    answer();
  }
  expect(sent).toEqual([{ verb: "go", by: 1 }, { verb: "go", by: -1 }, { verb: "undo" }]);
  expect(notebook).not.toHaveBeenCalled();
  press("Escape");
  expect(notebook).toHaveBeenCalledTimes(1);
  document.body.removeEventListener("keydown", notebook);
});

test("a choice that needs a text opens a box with a proposal", () => {
  const { model, sent } = fakeModel({ item: item({ text: "tea, green" }) });
  widget.render({ model, el });
  press("3");
  const box = find<HTMLInputElement>(".cl-box input");
  expect([document.activeElement, box.value]).toEqual([box, "tea, green"]);
  press("2", ".cl-box input");
  expect(sent).toEqual([]);
  box.value = "teas";
  press("Enter", ".cl-box input");
  expect(sent).toEqual([{ verb: "decide", item: "one", choice: "name", value: "teas" }]);
  expect(find(".cl-box").hidden).toBe(true);
});

test("a choice that needs another item lists them, and Escape cancels", () => {
  const { model, sent } = fakeModel({ item: item({ targets: [["two", HOSTILE], ["three", "chalk"]] }) });
  widget.render({ model, el });
  press("4");
  press("Escape", ".cl-box select");
  expect(find(".cl-box").hidden).toBe(true);
  find("[data-choice='3']").click();
  find<HTMLSelectElement>(".cl-box select").value = "three";
  find("[data-do=give]").click();
  expect(sent).toEqual([{ verb: "decide", item: "one", choice: "into", value: "three" }]);
});

test("differences are highlighted, and the record to keep is chosen", () => {
  const { model, sent } = fakeModel({ item: item({ keeps_one: true }) });
  widget.render({ model, el });
  expect([find("del").textContent, find("ins").textContent, find(".cl-differs").textContent]).toEqual(["tea", "chalk", "year 2"]);
  const radios = [...el.querySelectorAll<HTMLInputElement>("input[type=radio]")];
  expect(radios.map((radio) => radio.checked)).toEqual([true, false]);
  radios[1]?.click();
  press("2", "input[type=radio]");
  expect(sent).toEqual([{ verb: "decide", item: "one", choice: "keep", value: "b" }]);
});

test("progress, what undo reverts and what applying does are shown", () => {
  const { model, sent, update } = fakeModel();
  widget.render({ model, el });
  expect(find(".cl-count").textContent).toBe("1 of 3 · 0 of 3 decided");
  expect(find<HTMLButtonElement>("[data-do=undo]").disabled).toBe(true);
  expect(find(".cl-apply").hidden).toBe(true);
  update({ key: "", item: {}, done: 3, position: 3, undoes: "Merge", plan: "2 deleted", status: "Merge" });
  expect(find("[role=progressbar]").getAttribute("aria-valuenow")).toBe("3");
  expect(find("[data-do=undo]").textContent).toBe("Undo: Merge");
  expect(find(".cl-item").textContent).toBe("No duplicates left to review.");
  expect(find(".cl-choices").hidden).toBe(true);
  press("1");
  expect(find(".cl-apply").textContent).toBe("Apply: 2 deleted");
  find(".cl-apply").click();
  expect(sent).toEqual([{ verb: "apply" }]);
});

test("a checkbox shows whether item and selection follow each other, and a click that came too early is reverted", () => {
  const { model, sent, update, answer } = fakeModel();
  widget.render({ model, el });
  const box = find<HTMLInputElement>("input[type=checkbox]");
  expect([box.checked, box.labels?.[0]?.textContent]).toEqual([true, "Follow the selection"]);
  box.click();
  update({ busy: true });
  expect(box.checked).toBe(false);
  box.click();
  update({ follows: false, busy: false });
  expect([sent, box.checked]).toEqual([[{ verb: "follow", on: false }], false]);
  press("2");
  box.click();
  answer();
  expect([sent.length, box.checked]).toEqual([2, false]);
});

test("an error is shown as its message", () => {
  const { model, update } = fakeModel();
  widget.render({ model, el });
  update({ error: "Collection <b>teas</b> has changed" });
  expect(find("[role=status]").textContent).toBe("Collection <b>teas</b> has changed");
  expect(find("[role=status]").classList.contains("cl-failed")).toBe(true);
});

test("confident guesses are previewed, then accepted", () => {
  const { model, sent, answer } = fakeModel({ has_guesses: true, item: item({ guess: "tea (98% confident)" }) });
  widget.render({ model, el });
  expect(find(".cl-guess").textContent).toBe("Guess: tea (98% confident)");
  const [look, accept] = [...el.querySelectorAll<HTMLButtonElement>(".cl-guesses button")];
  expect(accept?.hidden).toBe(true);
  look?.click();
  answer({ confident: { least: 0.95, count: 12, examples: [[HOSTILE, "tea"]] } });
  expect(find(".cl-found").textContent).toBe(`12 guesses with this confidence, 1 showntea ${HOSTILE}`);
  accept?.click();
  expect(sent).toEqual([{ verb: "guesses", least: 0.95 }, { verb: "accept", least: 0.95 }]);
});

test("text from the store creates no element", () => {
  const record = { id: HOSTILE, text: [[HOSTILE, 1]] as [string, number][], metadata: [[HOSTILE, HOSTILE, true]] as [string, string, boolean][], note: HOSTILE };
  const { model } = fakeModel({
    collection_name: HOSTILE,
    choices: [choice("a", { label: HOSTILE, hint: HOSTILE })],
    item: item({ heading: HOSTILE, guess: HOSTILE, facts: [[HOSTILE, HOSTILE]], records: [record], keeps_one: true }),
    decided: HOSTILE,
    undoes: HOSTILE,
    plan: HOSTILE,
    status: HOSTILE,
  });
  widget.render({ model, el });
  expect(el.querySelector("img")).toBeNull();
  expect(find("ins").textContent).toBe(HOSTILE);
});

test("cleanup leaves no listener and no element", () => {
  const open = new Set<unknown>();
  const add = vi.spyOn(EventTarget.prototype, "addEventListener").mockImplementation((_, listener) => void open.add(listener));
  const remove = vi.spyOn(EventTarget.prototype, "removeEventListener").mockImplementation((_, listener) => void open.delete(listener));
  const { model, listening } = fakeModel();
  const dispose = widget.render({ model, el });
  expect(open.size).toBeGreaterThan(0);
  expect(listening()).toBeGreaterThan(0);
  dispose();
  expect([open.size, listening(), el.childNodes.length]).toEqual([0, 0, 0]);
  add.mockRestore();
  remove.mockRestore();
});
