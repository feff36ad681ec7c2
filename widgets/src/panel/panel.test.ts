// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import widget, { type Described, type PanelModel } from "./panel";

type Model = Parameters<typeof widget.render>[0]["model"];

const HOSTILE = "<img src=x onerror=alert(1)>";
const described = (changes: Partial<Described> = {}): Described => ({
  name: "notes",
  records: 12_345,
  dimension: 8,
  model: "minilm",
  space: "l2",
  indexed: "100%",
  version: 3,
  written: null,
  ...changes,
});

function fakeModel(given: Partial<PanelModel> = {}) {
  const state: PanelModel = {
    title: "Collections",
    collections: [described(), described({ name: "papers", dimension: null })],
    opened: null,
    opened_name: "",
    opened_kind: "",
    status: "2 collections, 24,690 records",
    error: "",
    busy: false,
    ...given,
  };
  const handlers = new Map<string, Set<() => void>>();
  const sent: unknown[] = [];
  const removed: string[] = [];
  const manager = {
    get_model: async (id: string) => id,
    create_view: async (id: string) => {
      const view = document.createElement("div");
      view.textContent = `view of ${id}`;
      return { el: view, remove: () => removed.push(id) };
    },
  };
  const model = {
    get: (key: keyof PanelModel) => state[key],
    on: (event: string, handler: () => void) => handlers.set(event, (handlers.get(event) ?? new Set()).add(handler)),
    off: (event: string, handler: () => void) => handlers.get(event)?.delete(handler),
    send: (message: unknown) => sent.push(message),
    widget_manager: manager as { get_model: unknown; create_view?: unknown },
  };
  const update = (changes: Partial<PanelModel>) => {
    Object.assign(state, changes);
    for (const key of Object.keys(changes)) for (const handler of handlers.get(`change:${key}`) ?? []) handler();
  };
  const listening = () => [...handlers.values()].reduce((total, set) => total + set.size, 0);
  return { model: model as unknown as Model, host: model, sent, removed, update, listening };
}

let el: HTMLElement;
const find = <T extends HTMLElement = HTMLElement>(selector: string): T => {
  const found = el.querySelector<T>(selector);
  if (!found) throw new Error(`no ${selector} in ${el.innerHTML}`);
  return found;
};
const settled = async () => {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
};

beforeEach(() => {
  el = document.createElement("div");
  document.body.append(el);
});
afterEach(() => el.remove());

test("each collection is a row with its details and three buttons", () => {
  widget.render({ model: fakeModel().model, el });
  const [first, second] = [...el.querySelectorAll("tbody tr")];
  expect([...first!.children].map((cell) => cell.textContent)).toEqual(["notes", "12,345", "8", "minilm", "l2", "100%", "3", "–", "MapSearchTable"]);
  expect(second!.children[2]!.textContent).toBe("–");
  expect([...second!.querySelectorAll("button")].map((button) => button.getAttribute("aria-label"))).toEqual([
    "Map of papers", "Search of papers", "Table of papers",
  ]);
});

test("the last write is shown as relative time, is updated, and includes the exact time", () => {
  vi.useFakeTimers({ now: Date.parse("2026-01-05T14:03:25Z") });
  const times = (written: string) => fakeModel({ collections: [described({ written })] }).model;
  const dispose = widget.render({ model: times("2026-01-05T14:03:22+00:00"), el });
  const time = find<HTMLTimeElement>("tbody time");
  expect(time.textContent).toBe("just now");
  expect(time.dateTime).toBe("2026-01-05T14:03:22+00:00");
  expect(time.title).toBe(new Date("2026-01-05T14:03:22Z").toLocaleString());
  vi.advanceTimersByTime(3 * 60_000);
  expect(time.textContent).toBe("3 minutes ago");
  dispose();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test("the buttons request a widget, and arrow keys move between them", () => {
  const { model, sent } = fakeModel();
  widget.render({ model, el });
  const first = find("button[data-name=notes]");
  first.focus();
  for (const key of ["ArrowRight", "ArrowRight", "ArrowDown", "Enter"]) {
    document.activeElement!.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  }
  expect(sent).toEqual([{ verb: "open", name: "papers", widget: "table" }]);
  find("[data-do=refresh]").click();
  expect(sent[1]).toEqual({ verb: "refresh" });
});

test("the opened widget is shown below once, and is replaced by another", async () => {
  const { model, update, removed, sent } = fakeModel();
  widget.render({ model, el });
  expect(find(".cl-below").hidden).toBe(true);
  update({ opened: "IPY_MODEL_1", opened_name: "notes", opened_kind: "table" });
  await settled();
  expect(find(".cl-child").textContent).toBe("view of 1");
  expect(find(".cl-below").getAttribute("aria-label")).toBe("Table of notes");
  expect(find("[data-name=notes][data-widget=table]").getAttribute("aria-pressed")).toBe("true");
  update({ opened: "IPY_MODEL_2", opened_kind: "map" });
  await settled();
  expect(removed).toEqual(["1"]);
  expect(find(".cl-child").textContent).toBe("view of 2");
  find("[data-do=hide]").click();
  expect(sent).toEqual([{ verb: "hide" }]);
  update({ opened: null });
  expect(removed).toEqual(["1", "2"]);
  expect(find(".cl-child").childNodes).toHaveLength(0);
});

test("a host that cannot show another widget gets instructions", async () => {
  const { model, host } = fakeModel({ opened: "IPY_MODEL_1" });
  delete host.widget_manager.create_view;
  widget.render({ model, el });
  await settled();
  expect(find(".cl-child").textContent).toContain("panel.opened");
});

test("text from the store creates no element, and an error is shown as its message", () => {
  const { model, update } = fakeModel({ collections: [described({ name: HOSTILE, model: HOSTILE })], title: HOSTILE });
  widget.render({ model, el });
  update({ error: HOSTILE });
  expect(el.querySelector("img")).toBeNull();
  expect(find("tbody th").textContent).toBe(HOSTILE);
  expect(find("[role=status]").textContent).toBe(HOSTILE);
});

test("a refresh keeps the focus, and an empty store is reported", () => {
  const { model, update } = fakeModel();
  widget.render({ model, el });
  find("[data-name=papers][data-widget=search_panel]").focus();
  update({ collections: [described({ name: "papers" }), described()] });
  expect((document.activeElement as HTMLElement).dataset).toMatchObject({ name: "papers", widget: "search_panel" });
  update({ collections: [] });
  expect(find("tbody").textContent).toBe("No collections yet");
});

test("cleanup leaves no listener, no element and no view of another widget", async () => {
  const open = new Set<unknown>();
  const add = vi.spyOn(EventTarget.prototype, "addEventListener").mockImplementation((_, listener) => void open.add(listener));
  const remove = vi.spyOn(EventTarget.prototype, "removeEventListener").mockImplementation((_, listener) => void open.delete(listener));
  const { model, listening, removed } = fakeModel({ opened: "IPY_MODEL_1" });
  const dispose = widget.render({ model, el });
  await settled();
  dispose();
  expect(open.size).toBe(0);
  expect(listening()).toBe(0);
  expect(removed).toEqual(["1"]);
  expect(el.childNodes).toHaveLength(0);
  add.mockRestore();
  remove.mockRestore();
});
