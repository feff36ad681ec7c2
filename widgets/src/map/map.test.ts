// @vitest-environment jsdom
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { hull } from "./overlay";
import { inside } from "./lasso";
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

/** What was put on a canvas last: how many dots have each colour. */
let drawn = new Map<string, number>();
let draws = 0;
const context = new Proxy({} as Record<string, unknown>, {
  get: (_, name) => {
    if (name === "createImageData") return (width: number, height: number) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) });
    if (name === "putImageData") return (image: ImageData) => ([drawn, draws] = [countColours(image), draws + 1]);
    return () => undefined; // lines and rings
  },
  set: () => true,
});
function countColours({ data }: ImageData): Map<string, number> {
  const counts = new Map<string, number>();
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 0) continue;
    const color = `#${[...data.subarray(at, at + 3)].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  return counts;
}
const [BLUE, ORANGE, GREY] = ["#0072b2", "#e69f00", "#cfcfcf"];
const colours = () => [...drawn.keys()].sort();

let el: HTMLElement;
let size = 200; // of every element
let resize = (): void => {};
const disposals: (() => void)[] = [];
const find = <T extends HTMLElement = HTMLElement>(selector: string): T => {
  const found = el.querySelector<T>(selector);
  if (!found) throw new Error(`no ${selector} in ${el.innerHTML}`);
  return found;
};
const press = (key: string, target = find(".cl-stage")) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const point = (type: string, x: number, y: number, init: MouseEventInit = {}) =>
  find(".cl-points").dispatchEvent(new MouseEvent(type, { bubbles: true, clientX: x, clientY: y, button: 0, ...init }));
/** Where the points of the fixture are on a stage of 200 dots, when all is shown. */
const SPOTS = [[6, 100], [100, 6], [194, 194]] as const;
const BESIDE = [100, 100] as const;
async function shown(given: Partial<MapModel> = {}) {
  const fake = fakeModel(given);
  const dispose = widget.render({ model: fake.model, el });
  disposals.push(dispose);
  await settled();
  return { ...fake, dispose };
}

beforeEach(() => {
  [drawn, draws] = [new Map(), 0];
  vi.stubGlobal("ResizeObserver", class { constructor(resized: () => void) { resize = resized; } observe() {} disconnect() {} });
  size = 200;
  vi.stubGlobal("matchMedia", () => Object.assign(new EventTarget(), { matches: false }));
  HTMLCanvasElement.prototype.getContext = ((kind: string) => (kind === "2d" ? context : null)) as never; // no WebGL
  for (const name of ["clientWidth", "clientHeight"]) Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => size });
  el = document.createElement("div");
  document.body.append(el);
});
afterEach(() => {
  for (const dispose of disposals.splice(0)) dispose();
  el.remove();
});

test("it draws columns once, and says so for browser tests", async () => {
  await shown();
  expect(colours()).toEqual([BLUE, ORANGE]);
  expect(drawn.get(BLUE)).toBe(2 * drawn.get(ORANGE)!); // dots of two points, and of one
  expect(draws).toBe(1);
  expect(find(".cl-map").dataset.painted).toBe("1");
  expect(find(".cl-map").dataset.renderer).toBe("raster");
});

test("new codes recolour the points there are", async () => {
  const { update } = await shown();
  const before = drawn.get(BLUE);
  await update({ codes: codes(1, 1, 0) });
  expect(drawn.get(ORANGE)).toBe(before);
  expect(find(".cl-map").dataset.painted).toBe("2");
});

test("new places of as many points move them; of fewer they are there at once", async () => {
  const { update } = await shown();
  await update({ points: floats(0, 0, 0, 0.1, 0.2, 0.3) });
  expect(find(".cl-stage").className).toContain("cl-moving");
  await vi.waitFor(() => expect(find(".cl-map").dataset.painted).toBe("2"), 5_000);
  expect(find(".cl-stage").className).not.toContain("cl-moving");
  expect(draws).toBeGreaterThan(5);
  await update({ points: floats(0, 1, 0, 1), codes: codes(0, 0) });
  expect(find(".cl-map").dataset.painted).toBe("3");
});

test("a map without a size is drawn once it has one, be it new or hidden for a while", async () => {
  size = 0;
  const { update } = await shown();
  expect([draws, find(".cl-map").dataset.painted]).toEqual([0, undefined]);
  size = 200;
  resize();
  await settled();
  expect(colours()).toEqual([BLUE, ORANGE]);
  expect(find(".cl-map").dataset.painted).toBe("1");
  size = 0;
  await update({ codes: codes(1, 1, 1) });
  expect(draws).toBe(1);
  size = 200;
  resize();
  await settled();
  expect(colours()).toEqual([ORANGE]);
});

test("a legend of the same codes paints them in its own colours", async () => {
  const { update } = await shown();
  await update({ legend: { ...legend, kind: "numbers", palette: ["#440154", "#fde725", "#b8b8b8"] } });
  expect(colours()).toEqual(["#440154", "#fde725"]);
  expect(find(".cl-map").dataset.painted).toBe("1");
});

test("nothing moves for those who asked for less motion", async () => {
  vi.stubGlobal("matchMedia", (query: string) => Object.assign(new EventTarget(), { matches: query.includes("reduce") }));
  const { update } = await shown();
  await update({ points: floats(0, 0, 0, 0.1, 0.2, 0.3) });
  expect(find(".cl-map").dataset.painted).toBe("2");
});

test("Alt and drag draw a lasso: the rows go to the kernel, and the camera sees nothing of it", async () => {
  const { state, sent, update } = await shown();
  point("pointerdown", -5, -5, { altKey: true });
  for (const [x, y] of [[150, -5], [150, 60], [60, 150], [-5, 150]] as const) point("pointermove", x, y);
  point("pointerup", -5, 10);
  await settled();
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([0, 1]);
  expect(colours()).toEqual([BLUE, GREY]);
  point("pointerdown", ...SPOTS[2]);
  point("pointerup", ...SPOTS[2]);
  point("click", ...SPOTS[2]); // it is still where it was
  expect(sent).toContainEqual({ verb: "near", row: 2 });
  await update({ selected: rows(0, 1) });
  expect(find("[role=status]").textContent).toBe("2 records selected. 3 records");
});

test("L draws by a plain drag, Shift adds, P moves the map again", async () => {
  const { state } = await shown({ selected: rows(2) });
  press("l");
  expect(find("[aria-label=Lasso]").getAttribute("aria-pressed")).toBe("true");
  point("pointerdown", 0, 60, { shiftKey: true });
  for (const [x, y] of [[80, 60], [80, 140], [0, 140]] as const) point("pointermove", x, y);
  point("pointerup", 0, 80, { shiftKey: true });
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([2, 0]);
  press("p");
  point("pointerdown", 20, 60);
  expect(find("polygon").getAttribute("points") ?? "").toBe("");
});

test("a drag moves the map, and the wheel zooms about the pointer", async () => {
  const { sent } = await shown();
  point("pointerdown", ...BESIDE);
  point("pointermove", 130, 100);
  point("pointerup", 130, 100);
  point("click", 130, 100); // the end of a drag, not a click
  expect(sent).toEqual([]);
  point("pointerdown", 36, 100);
  point("click", 36, 100);
  expect(sent.at(-1)).toEqual({ verb: "near", row: 0 });
  find(".cl-points").dispatchEvent(new WheelEvent("wheel", { bubbles: true, deltaY: -300, clientX: 130, clientY: 6 }));
  point("pointerdown", 130, 6);
  point("click", 130, 6);
  expect(sent.at(-1)).toEqual({ verb: "near", row: 1 }); // where it was, under the pointer
});

test("a click selects a point and asks for its neighbours, Shift and click adds, beside points it lets go", async () => {
  const { state, sent } = await shown();
  point("click", ...SPOTS[1]);
  expect(sent).toContainEqual({ verb: "near", row: 1 });
  point("click", ...SPOTS[2], { shiftKey: true });
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([1, 2]);
  point("click", ...SPOTS[2], { shiftKey: true });
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([1]);
  point("click", ...BESIDE);
  expect(state.selected.byteLength).toBe(0);
});

test("the hover card asks once for a record, and shows its texts as text", async () => {
  const { sent, answer } = await shown();
  const items = () => sent.filter((message) => message.verb === "item");
  point("pointermove", ...SPOTS[1]);
  await answer("item", { ...line(1), metadata: [[HOSTILE, HOSTILE]] });
  expect(find(".cl-card").hidden).toBe(false);
  expect(find(".cl-card p").textContent).toBe(`${HOSTILE} 1`);
  point("pointermove", ...BESIDE);
  expect(find(".cl-card").hidden).toBe(true);
  point("pointermove", ...SPOTS[1]);
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
  expect(colours()).toEqual([BLUE, ORANGE, GREY].sort());
  const buttons = [...find("[aria-label='Found: moon']").querySelectorAll("button")];
  expect(buttons.map((button) => button.disabled)).toEqual([false, false, true]);
  buttons[0]?.click();
  expect(sent.at(-1)).toEqual({ verb: "near", row: 2 });
  press("Escape");
  expect(sent.at(-1)).toMatchObject({ verb: "search", text: "" });
  await update({ query: "", hits: [] });
  expect(colours()).toEqual([BLUE, GREY]);
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
  expect(colours()).toEqual([ORANGE]);
  expect(find(".cl-entry").getAttribute("aria-pressed")).toBe("false");
  find(".cl-entry").click();
  await settled();
  expect(colours()).toEqual([BLUE, ORANGE]);
  find(".cl-pick").click();
  expect(sent.at(-1)).toEqual({ verb: "entry", entry: 0 });
});

test("points that the legend hides are not drawn, lit, lassoed or clicked", async () => {
  const { state, sent, update } = await shown({ hidden: [0], selected: rows(0, 2) });
  expect(colours()).toEqual([ORANGE]);
  point("pointerdown", -5, -5, { altKey: true });
  for (const [x, y] of [[205, -5], [205, 205], [-5, 205]] as const) point("pointermove", x, y);
  point("pointerup", -5, 10);
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([2]);
  point("pointerdown", ...SPOTS[0]);
  point("click", ...SPOTS[0]);
  expect(sent.filter((message) => message.verb === "near")).toEqual([]);
  await update({ hidden: [] });
  expect(colours()).toEqual([BLUE, ORANGE]); // the click was beside all that is shown, and let go
});

test("keys steer the map and never reach the notebook, except Escape with nothing to let go", async () => {
  const { state } = await shown();
  const notebook = vi.fn();
  document.body.addEventListener("keydown", notebook);
  for (const key of ["+", "ArrowLeft", "ArrowLeft", "a", "d"]) press(key);
  await settled();
  expect(colours()).toEqual([BLUE]); // the one at the left, larger
  press("0");
  await settled();
  expect(colours()).toEqual([BLUE, ORANGE]);
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

test("the clean-up leaves no listener and no element", async () => {
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
  add.mockRestore();
  remove.mockRestore();
});

test("a map that is taken away while its points move is not drawn any more", async () => {
  const { update, dispose } = await shown();
  await update({ points: floats(0, 0, 0, 0.1, 0.2, 0.3) });
  const before = draws;
  dispose();
  await settled();
  expect(draws).toBe(before);
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
