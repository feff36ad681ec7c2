// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";

/** What the WebGL library was told, and the handlers it was given: the only part that is not ours. */
const { plot, subscribed, supported } = vi.hoisted(() => {
  const calls: [string, ...unknown[]][] = [];
  const note = (name: string) => (...given: unknown[]) => {
    calls.push([name, ...given]);
    return Promise.resolve();
  };
  return { plot: { calls, note }, subscribed: new Map<string, (given: unknown) => void>(), supported: { webgl: true } };
});
vi.mock("regl-scatterplot", () => ({
  createRenderer: () => ({ isSupported: supported.webgl, destroy: plot.note("destroy renderer") }),
  default: () => ({
    ...Object.fromEntries(["draw", "set", "select", "deselect", "filter", "unfilter", "zoomToLocation", "destroy"].map((name) => [name, plot.note(name)])),
    subscribe: (event: string, handler: (given: unknown) => void) => subscribed.set(event, handler),
    get: () => Float32Array.from([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]), // the camera's view: all of -1 to 1
  }),
}));

import { hull } from "./overlay";
import { inside } from "./lasso";
import { shownRows } from "./legend";
import widget from "./map";
import type { Legend, Line, MapModel } from "./model";

type Model = Parameters<typeof widget.render>[0]["model"];
const HOSTILE = "<img src=x onerror=alert(1)>";
const floats = (...values: number[]) => new DataView(Float32Array.from(values).buffer);
const codes = (...values: number[]) => new DataView(Uint8Array.from(values).buffer);
const rows = (...values: number[]) => new DataView(Uint32Array.from(values).buffer);
const line = (row: number): Line => ({ row, id: `id${row}`, text: `${HOSTILE} ${row}` });
const legend: Legend = {
  title: HOSTILE,
  kind: "categories",
  palette: ["#0072b2", "#e69f00", "#8c8c8c"],
  entries: [
    { label: HOSTILE, count: 2, low: 0, high: 0 },
    { label: "b", count: 1, low: 1, high: 1 },
  ],
};

/** The host's side of the AFM contract: state, change events, sent messages, answers. */
function fakeModel(given: Partial<MapModel> = {}) {
  const state: MapModel = {
    collection_name: "facts", count: 3, points: floats(-0.5, 0, 0.5, 0, 0.5, -0.5), codes: codes(0, 0, 1), legend,
    color_by: "kind", color_choices: ["kind", "year"], hidden: [], selected: rows(), labels: [], contours: [],
    density: false, groups: rows(), outliers: rows(), query: "", hits: [], focus: {}, moved: [], can_search: true,
    status: "3 records", height: 400, error: "", busy: false, ...given,
  };
  const handlers = new Map<string, Set<(...given: unknown[]) => void>>();
  const sent: Record<string, unknown>[] = [];
  const emit = (event: string, ...values: unknown[]) => [...(handlers.get(event) ?? [])].forEach((handler) => handler(...values));
  const update = async (changes: Partial<MapModel>) => {
    Object.assign(state, changes);
    for (const key of Object.keys(changes)) emit(`change:${key}`);
    await settled();
  };
  const model = {
    get: (key: keyof MapModel) => state[key],
    set: (key: keyof MapModel, value: never) => void update({ [key]: value }),
    save_changes: () => undefined,
    on: (event: string, handler: () => void) => handlers.set(event, (handlers.get(event) ?? new Set()).add(handler)),
    off: (event: string, handler: () => void) => handlers.get(event)?.delete(handler),
    send: (message: Record<string, unknown>) => sent.push(message),
  } as unknown as Model;
  const answer = async (verb: string, body: unknown) => {
    const asked = sent.filter((message) => message.verb === verb).at(-1);
    emit("msg:custom", { reply: asked?.request, body }, []);
    await settled();
  };
  return { model, sent, state, update, answer, listening: () => [...handlers.values()].reduce((total, set) => total + set.size, 0) };
}

/** Waits for promises and for a frame, on which overlays are drawn. */
async function settled(): Promise<void> {
  for (let round = 0; round < 12; round += 1) await Promise.resolve();
  await new Promise((done) => requestAnimationFrame(done));
}

let el: HTMLElement;
const disposals: (() => void)[] = [];
const find = <T extends HTMLElement = HTMLElement>(selector: string): T => {
  const found = el.querySelector<T>(selector);
  if (!found) throw new Error(`no ${selector} in ${el.innerHTML}`);
  return found;
};
const told = (name: string) => plot.calls.filter(([call]) => call === name).map(([, ...given]) => given);
const press = (key: string, target = find(".cl-stage")) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const point = (type: string, x: number, y: number, init: MouseEventInit = {}) =>
  find(".cl-points").dispatchEvent(new MouseEvent(type, { bubbles: true, clientX: x, clientY: y, button: 0, ...init }));
async function shown(given: Partial<MapModel> = {}) {
  const fake = fakeModel(given);
  const dispose = widget.render({ model: fake.model, el });
  disposals.push(dispose);
  await settled();
  return { ...fake, dispose };
}

beforeEach(() => {
  plot.calls.length = 0;
  supported.webgl = true;
  vi.stubGlobal("ResizeObserver", class { observe() {} disconnect() {} });
  vi.stubGlobal("matchMedia", () => Object.assign(new EventTarget(), { matches: false }));
  HTMLCanvasElement.prototype.getContext = (() => null) as never;
  for (const [name, size] of [["clientWidth", 200], ["clientHeight", 200]] as const) {
    Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => size });
  }
  el = document.createElement("div");
  document.body.append(el);
});
afterEach(() => {
  for (const dispose of disposals.splice(0)) dispose();
  el.remove();
});

test("it draws columns once, and says so for browser tests", async () => {
  await shown();
  const [[points, options]] = told("draw") as [[{ x: Float32Array; y: Float32Array; z: Uint8Array }, Record<string, unknown>]];
  expect([[...points.x], [...points.y], [...points.z]]).toEqual([[-0.5, 0, 0.5], [0, 0.5, -0.5], [0, 0, 1]]);
  expect(options.transition).toBe(false);
  expect(find(".cl-map").dataset.painted).toBe("1");
  expect(find(".cl-map").dataset.renderer).toBe("webgl");
});

test("new codes recolour the points there are; new places of as many move them", async () => {
  const { update } = await shown();
  await update({ codes: codes(1, 1, 0) });
  await update({ points: floats(0, 0, 0, 0.1, 0.2, 0.3) });
  await update({ points: floats(0, 1, 0, 1), codes: codes(0, 0) });
  const [, recoloured, moved, fewer] = told("draw").map(([, options]) => options as Record<string, unknown>);
  expect(recoloured).toHaveProperty("spatialIndex");
  expect(moved?.transition).toBe(true);
  expect(fewer?.transition).toBe(false);
});

test("a legend of the same codes paints them in its own colours", async () => {
  const { update } = await shown();
  const drawn = told("draw").length;
  await update({ legend: { ...legend, kind: "numbers", palette: ["#440154", "#fde725", "#b8b8b8"] } });
  expect(told("set").at(-1)?.[0]).toMatchObject({ pointColor: ["#440154", "#fde725", "#b8b8b8", "#cfcfcf"] });
  expect(told("draw")).toHaveLength(drawn);
});

test("nothing moves for those who asked for less motion", async () => {
  vi.stubGlobal("matchMedia", (query: string) => Object.assign(new EventTarget(), { matches: query.includes("reduce") }));
  const { update } = await shown();
  await update({ points: floats(0, 0, 0, 0.1, 0.2, 0.3) });
  expect(told("draw").at(-1)?.[1]).toMatchObject({ transition: false });
});

test("Alt and drag draw a lasso: the rows go to the kernel, and the camera sees nothing of it", async () => {
  const { state } = await shown();
  const camera = vi.fn();
  find(".cl-points").addEventListener("mousedown", camera);
  point("pointerdown", 20, 60, { altKey: true });
  find(".cl-points").dispatchEvent(new MouseEvent("mousedown", { bubbles: true }));
  for (const [x, y] of [[140, 20], [140, 120], [20, 120]] as const) point("pointermove", x, y);
  point("pointerup", 20, 70);
  await settled();
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([0, 1]);
  expect(camera).not.toHaveBeenCalled();
  expect(told("select").at(-1)?.[0]).toEqual([0, 1]);
  expect(find("[role=status]").textContent).toBe("2 records selected. 3 records");
});

test("L draws by a plain drag, Shift adds, P moves the map again", async () => {
  const { state } = await shown({ selected: rows(2) });
  press("l");
  expect(find("[aria-label=Lasso]").getAttribute("aria-pressed")).toBe("true");
  point("pointerdown", 20, 60, { shiftKey: true });
  for (const [x, y] of [[80, 60], [80, 140], [20, 140]] as const) point("pointermove", x, y);
  point("pointerup", 20, 80, { shiftKey: true });
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([2, 0]);
  press("p");
  point("pointerdown", 20, 60);
  expect(find("polygon").getAttribute("points") ?? "").toBe("");
});

test("a click selects a point and asks for its neighbours, Shift and click adds, beside points it lets go", async () => {
  const { state, sent } = await shown();
  const click = (init: MouseEventInit = {}) => find(".cl-points").dispatchEvent(new MouseEvent("click", { bubbles: true, ...init }));
  subscribed.get("pointOver")?.(1);
  click();
  expect(sent).toContainEqual({ verb: "near", row: 1 });
  subscribed.get("pointOver")?.(2);
  click({ shiftKey: true });
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([1, 2]);
  click({ shiftKey: true });
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([1]);
  subscribed.get("pointOut")?.(2);
  click();
  expect(state.selected.byteLength).toBe(0);
});

test("the hover card asks once for a record, and shows its texts as text", async () => {
  const { sent, answer } = await shown();
  const items = () => sent.filter((message) => message.verb === "item");
  subscribed.get("pointOver")?.(1);
  await answer("item", { ...line(1), metadata: [[HOSTILE, HOSTILE]] });
  expect(find(".cl-card").hidden).toBe(false);
  expect(find(".cl-card p").textContent).toBe(`${HOSTILE} 1`);
  subscribed.get("pointOut")?.(1);
  expect(find(".cl-card").hidden).toBe(true);
  subscribed.get("pointOver")?.(1);
  await settled();
  expect(items()).toHaveLength(1);
  expect(el.querySelector("img")).toBeNull();
});

test("one search is under way at a time, and the last that was typed follows it", async () => {
  const { sent, answer } = await shown();
  const box = find<HTMLInputElement>("input");
  for (const text of ["m", "mo", "moon"]) {
    box.value = text;
    box.dispatchEvent(new Event("input"));
  }
  const searches = () => sent.filter((message) => message.verb === "search").map((message) => message.text);
  expect(searches()).toEqual(["m"]);
  await answer("search", {});
  expect(searches()).toEqual(["m", "moon"]);
});

test("what was found is lit, ranked in a list, and let go by Escape before the selection", async () => {
  const { sent, state, update } = await shown({ selected: rows(0) });
  await update({ query: "moon", hits: [line(2), line(1), { row: -1, id: "new", text: "not on the map" }] });
  expect(told("select").at(-1)?.[0]).toEqual([2, 1]);
  const buttons = [...find("[aria-label='Found: moon']").querySelectorAll("button")];
  expect(buttons.map((button) => button.disabled)).toEqual([false, false, true]);
  buttons[0]?.click();
  expect(sent.at(-1)).toEqual({ verb: "near", row: 2 });
  press("Escape");
  expect(sent.at(-1)).toMatchObject({ verb: "search", text: "" });
  await update({ query: "", hits: [] });
  expect(told("select").at(-1)?.[0]).toEqual([0]);
  press("Escape");
  expect(state.selected.byteLength).toBe(0);
});

test("a selection is listed, too: by its first 200 with the count of all", async () => {
  const { answer, update } = await shown();
  await update({ selected: rows(...Array.from({ length: 300 }, (_, row) => row % 3)) });
  await answer("items", { items: Array.from({ length: 200 }, (_, row) => line(row)) });
  expect(find("[aria-label=Selected] h3").textContent).toBe("Selected200 of 300");
  expect(el.querySelector("img")).toBeNull();
});

test("the legend hides and shows its records, and selects them", async () => {
  const { state, sent } = await shown();
  find(".cl-entry").click();
  await settled();
  expect(state.hidden).toEqual([0]);
  expect(told("filter").at(-1)?.[0]).toEqual([2]);
  expect(find(".cl-entry").getAttribute("aria-pressed")).toBe("false");
  find(".cl-entry").click();
  await settled();
  expect(told("unfilter")).toHaveLength(1);
  find(".cl-pick").click();
  expect(sent.at(-1)).toEqual({ verb: "entry", entry: 0 });
});

test("very many lit points are drawn by codes, in which the others have one of their own", async () => {
  const count = 20_002;
  const { update } = await shown({ count, points: new DataView(new ArrayBuffer(8 * count)), codes: new DataView(new ArrayBuffer(count)) });
  await update({ selected: rows(...Array.from({ length: count - 1 }, (_, row) => row)) });
  const masked = (told("draw").at(-1)?.[0] as { z: Uint8Array }).z;
  expect([masked[0], masked[count - 1]]).toEqual([0, legend.palette.length]);
  expect(told("select")).toEqual([]);
  await update({ selected: rows(0) });
  expect([...new Set((told("draw").at(-1)?.[0] as { z: Uint8Array }).z)]).toEqual([0]);
  expect(told("select").at(-1)?.[0]).toEqual([0]);
});

test("points that the legend hides are not lassoed", async () => {
  const { state } = await shown({ hidden: [0] });
  point("pointerdown", 0, 0, { altKey: true });
  for (const [x, y] of [[200, 0], [200, 200], [0, 200]] as const) point("pointermove", x, y);
  point("pointerup", 0, 10);
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([2]);
});

test("keys steer the map and never reach the notebook, except Escape with nothing to let go", async () => {
  const { state } = await shown();
  const notebook = vi.fn();
  document.body.addEventListener("keydown", notebook);
  for (const key of ["ArrowLeft", "+", "-", "0", "a", "d"]) press(key);
  expect(told("zoomToLocation").length).toBeGreaterThanOrEqual(5);
  expect(state.density).toBe(true);
  press("x", find("input"));
  expect(notebook).not.toHaveBeenCalled();
  press("Escape");
  expect(notebook).toHaveBeenCalledTimes(1);
  document.body.removeEventListener("keydown", notebook);
});

test("it is a toolbar, an application with its keys named, and a polite status", async () => {
  await shown();
  expect(find("[role=toolbar]").getAttribute("aria-label")).toBe("Map");
  expect(find("[role=application]").getAttribute("aria-label")).toContain("L draws a lasso");
  expect(find("[role=application]").tabIndex).toBe(0);
  expect(find("[role=status]").getAttribute("aria-live")).toBe("polite");
  for (const button of el.querySelectorAll(".cl-buttons button")) expect(button.getAttribute("aria-label")).toBeTruthy();
});

test("an error is shown as its sentence", async () => {
  const { update } = await shown();
  await update({ error: "No collection <b>x</b>." });
  expect(find("[role=status]").textContent).toBe("No collection <b>x</b>.");
  expect(find("[role=status]").children).toHaveLength(0);
});

test("the theme of the page is followed", async () => {
  document.body.dataset.jpThemeLight = "false";
  await shown();
  expect(find(".cl-map").dataset.theme).toBe("dark");
  document.body.dataset.jpThemeLight = "true";
  await settled();
  expect(find(".cl-map").dataset.theme).toBe("light");
  delete document.body.dataset.jpThemeLight;
});

test("without WebGL the points are drawn on a plain canvas", async () => {
  supported.webgl = false;
  await shown();
  expect(find(".cl-map").dataset.renderer).toBe("canvas");
  expect(told("draw")).toEqual([]);
});

test.each([true, false])("the clean-up leaves no listener and no element (WebGL: %s)", async (webgl) => {
  supported.webgl = webgl;
  const open = new Map<unknown, number>();
  const count = (by: number) => (_: string, listener: unknown) => void open.set(listener, (open.get(listener) ?? 0) + by);
  const add = vi.spyOn(EventTarget.prototype, "addEventListener").mockImplementation(count(1));
  const remove = vi.spyOn(EventTarget.prototype, "removeEventListener").mockImplementation(count(-1));
  const { dispose, listening } = await shown({ hits: [line(1)], selected: rows(1) });
  expect(listening()).toBeGreaterThan(0);
  dispose();
  disposals.pop();
  expect([...open.values()].filter((left) => left !== 0)).toEqual([]);
  expect(listening()).toBe(0);
  expect(el.childNodes).toHaveLength(0);
  expect(told("destroy renderer")).toHaveLength(1); // one for all maps, gone with the last
  add.mockRestore();
  remove.mockRestore();
});

test("a map that is taken away while its points move is not drawn any more", async () => {
  const { update, dispose } = await shown();
  const updated = update({ points: floats(0, 0, 0, 0.1, 0.2, 0.3) });
  for (let turn = 0; turn < 3; turn += 1) await Promise.resolve(); // the draw has begun
  expect(told("draw")).toHaveLength(2);
  dispose();
  await updated;
  await settled();
  const after = plot.calls.slice(plot.calls.findIndex(([name]) => name === "destroy") + 1);
  expect(after.map(([name]) => name)).toEqual(["destroy renderer"]);
});

test("a point is inside a polygon by the even-odd rule", () => {
  const places = { x: Float32Array.from([0.5, 2, 0.5, -1]), y: Float32Array.from([0.5, 0.5, 2, 0]) };
  expect([...inside([0, 0, 1, 0, 1, 1, 0, 1], places, () => true)]).toEqual([0]);
  expect([...inside([0, 0, 1, 0, 1, 1, 0, 1], places, () => false)]).toEqual([]);
});

test("a hull has the outer points alone", () => {
  expect(hull([[0, 0], [2, 0], [1, 0.5], [2, 2], [0, 2]])).toHaveLength(4);
  expect(hull([[0, 0], [1, 1]])).toHaveLength(2);
});

test("rows are shown unless their code belongs to an entry that is off", () => {
  expect(shownRows(Uint8Array.from([0, 1, 0]), legend, [])).toBeNull();
  expect(shownRows(Uint8Array.from([0, 1, 0]), legend, [1])).toEqual([0, 2]);
});
