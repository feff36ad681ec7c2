// @vitest-environment jsdom
import type { AnyModel } from "@anywidget/types";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Listeners } from "./listeners";
import { Requests } from "./requests";
import { type ActingModel, SelectionBar } from "./selection_bar";

const HOSTILE = "<img src=x onerror=alert(1)>";

function host(given: Partial<ActingModel> = {}) {
  const state: ActingModel = { collection_name: "facts", can_act: true, selection_changes: 0, selection_seen: 0, ...given };
  const handlers = new Map<string, Set<(...values: unknown[]) => void>>();
  const sent: Record<string, unknown>[] = [];
  const emit = (event: string, ...values: unknown[]) => [...(handlers.get(event) ?? [])].forEach((handler) => handler(...values));
  const model = {
    get: (key: keyof ActingModel) => state[key],
    set: (key: keyof ActingModel, value: never) => Object.assign(state, { [key]: value }),
    save_changes: () => sent.push({ saved: state.selection_seen }),
    on: (event: string, handler: () => void) => handlers.set(event, (handlers.get(event) ?? new Set()).add(handler)),
    off: (event: string, handler: () => void) => handlers.get(event)?.delete(handler),
    send: (message: Record<string, unknown>) => sent.push(message),
  } as unknown as AnyModel<ActingModel>;
  const listeners = new Listeners();
  const home = document.createElement("div");
  home.tabIndex = 0;
  let cleared = 0;
  const bar = new SelectionBar(model, new Requests(model, listeners), listeners, { clear: () => (cleared += 1), home });
  page.append(home, bar.element);
  const settled = async () => { for (let round = 0; round < 8; round += 1) await Promise.resolve(); };
  const answer = async (verb: string, reply: { body?: unknown; problem?: string }) => {
    const asked = sent.filter((message) => message.verb === `selection.${verb}`).at(-1);
    emit("msg:custom", { reply: asked?.request, ...reply }, []);
    await settled();
  };
  const click = (text: string) => {
    const found = [...bar.element.querySelectorAll("button")].find((button) => button.textContent === text);
    if (found === undefined) throw new Error(`no button ${text} in ${bar.element.textContent}`);
    found.focus();
    found.click();
  };
  const message = () => bar.element.querySelector(".cl-message")?.textContent;
  return { bar, sent, answer, click, message, home, state, emit, listeners, handlers, cleared: () => cleared };
}

let page: HTMLElement;
beforeEach(() => document.body.append((page = document.createElement("div"))));
afterEach(() => page.remove());

test("the bar is shown while records are selected, and Clear clears them", () => {
  const { bar, click, cleared } = host();
  bar.draw(0);
  expect(bar.element.hidden).toBe(true);
  bar.draw(3);
  expect(bar.element.hidden).toBe(false);
  click("Clear selection");
  expect(cleared()).toBe(1);
});

test("a label is written, after a question if people's values would change", async () => {
  const { bar, sent, answer, click, message } = host();
  bar.draw(1200);
  click("Label");
  await answer("fields", { body: { fields: [HOSTILE] } });
  expect(bar.element.querySelector("datalist option")?.getAttribute("value")).toBe(HOSTILE);
  const [field, value] = bar.element.querySelectorAll<HTMLInputElement>("form input");
  expect(document.activeElement).toBe(field);
  Object.assign(field!, { value: " area " });
  Object.assign(value!, { value: "library" });
  click("Write label");
  expect(sent.at(-1)).toMatchObject({ verb: "selection.label", field: "area", value: "library", overwrite: false, count: 1200 });
  await answer("label", { body: { conflicts: 2 } });
  expect(message()).toBe("2 records of the selection already have another value of area.");
  expect(document.activeElement?.textContent).toBe("Replace 2 values");
  click("Replace 2 values");
  expect(sent.at(-1)).toMatchObject({ overwrite: true });
  await answer("label", { body: { changed: 1200 } });
  expect(message()).toBe("area is now library for 1,200 records (1,200 changed).");
});

test("what sets the records apart is a table of text, and an error is shown", async () => {
  const { bar, answer, click, message } = host();
  bar.draw(4);
  click("What sets these apart");
  const features = [{ field: "", value: HOSTILE, selected: 4, others: 0, lift: null }, { field: "kind", value: "tea", selected: 2, others: 1, lift: 8.25 }];
  const shifts = [{ field: "year", selected: 2020, others: "2001-01-01", higher: 0.25 }];
  await answer("contrast", { body: { selected: 4, others: 100, features, shifts } });
  const rows = [...bar.element.querySelectorAll("tbody tr")].map((row) => [...row.children].map((cell) => cell.textContent));
  expect(rows).toEqual([
    ["word", HOSTILE, "4 (100%)", "0 (0%)", "only here"],
    ["kind", "tea", "2 (50%)", "1 (1.0%)", "8.25 times"],
    ["year", "median", "2,020", "2001-01-01", "lower in 75% of pairs"],
  ]);
  click("What sets these apart");
  expect(bar.element.querySelector("table")).toBeNull();
  click("What sets these apart");
  await answer("contrast", { problem: HOSTILE });
  expect(message()).toBe(HOSTILE);
});

test("deleting asks first, and its end shows after the selection is gone", async () => {
  const { bar, sent, answer, click, message, home } = host();
  bar.draw(1);
  click("Delete");
  expect(bar.element.textContent).toContain("Delete 1 record from facts?");
  expect(document.activeElement?.textContent).toBe("Cancel");
  click("Delete 1 record");
  expect(sent.at(-1)).toMatchObject({ verb: "selection.delete", count: 1 });
  bar.draw(0);
  expect(document.activeElement).toBe(home);
  await answer("delete", { body: { deleted: 1 } });
  expect([message(), bar.element.hidden]).toEqual(["1 record deleted.", false]);
});

test("a reply to a panel that was closed is dropped, and Escape closes a panel", async () => {
  const { bar, answer, click, message } = host();
  bar.draw(4);
  click("What sets these apart");
  bar.draw(5);
  await answer("contrast", { body: { selected: 4, others: 100, features: [], shifts: [] } });
  expect(message()).toBe("");
  expect(bar.close()).toBe(false);
  click("Export");
  expect(bar.close()).toBe(true);
  expect(document.activeElement?.textContent).toBe("Export");
});

test("records that cannot be written to have no actions", () => {
  const { bar } = host({ can_act: false });
  bar.draw(2);
  expect([...bar.element.querySelectorAll("button")].map((button) => button.textContent)).toEqual(["Clear selection"]);
});

test("each change of the selection is returned once, which marimo waits for, and nothing listens in the end", () => {
  const { sent, state, emit, listeners, handlers } = host();
  state.selection_changes = 2;
  emit("change:selection_changes");
  emit("change:selection_changes");
  expect(sent).toEqual([{ saved: 2 }]);
  listeners.release();
  expect([...handlers.values()].every((set) => set.size === 0)).toBe(true);
});
