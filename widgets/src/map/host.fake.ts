/** The host of a map in tests, and a jsdom page whose canvases record what is drawn on them. */
import { afterEach, beforeEach, vi } from "vitest";
import widget from "./map";
import type { Legend, Line, MapModel } from "./model";

type Model = Parameters<typeof widget.render>[0]["model"];
export const HOSTILE = "<img src=x onerror=alert(1)>";
export const floats = (...values: number[]) => new DataView(Float32Array.from(values).buffer);
export const codes = (...values: number[]) => new DataView(Uint8Array.from(values).buffer);
export const rows = (...values: number[]) => new DataView(Uint32Array.from(values).buffer);
export const line = (row: number): Line => ({ row, id: `id${row}`, text: `${HOSTILE} ${row}` });
export const legend: Legend = {
  title: HOSTILE,
  kind: "categories",
  palette: ["#0072b2", "#e69f00", "#8c8c8c"],
  entries: [
    { label: HOSTILE, count: 2, low: 0, high: 0 },
    { label: "b", count: 1, low: 1, high: 1 },
  ],
};

/** The host side of the AFM contract: state, change events, sent messages, replies. */
function fakeModel(given: Partial<MapModel> = {}) {
  const state: MapModel = {
    collection_name: "facts", count: 3, generation: 1, points: floats(-0.5, 0, 0.5, 0, 0.5, -0.5), codes: codes(0, 0, 1), legend,
    color_by: "kind", color_choices: ["kind", "year"], hidden: [], selected: rows(), labels: [], contours: [],
    density: false, groups: rows(), outliers: rows(), query: "", hits: [], focus: {}, moved: [], can_search: true,
    status: "3 records", computing: false, stale: false, can_act: true, selection_changes: 0, selection_seen: 0, height: 400, error: "", busy: false,
    ...given,
  };
  const handlers = new Map<string, Set<(...given: unknown[]) => void>>();
  const sent: Record<string, unknown>[] = [];
  let refused = "";
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
    send: (message: Record<string, unknown>, _: unknown, [rows]: ArrayBuffer[] = []) => {
      sent.push(message);
      if (message.verb !== "select") return;
      if (refused === "") void update({ selected: new DataView(rows!) });
      else queueMicrotask(() => emit("msg:custom", { reply: message.request, problem: refused }, []));
    },
  } as unknown as Model;
  const answer = async (verb: string, body: unknown) => {
    const asked = sent.filter((message) => message.verb === verb).at(-1);
    emit("msg:custom", { reply: asked?.request, body }, []);
    await settled();
  };
  const refuse = (problem: string): void => void (refused = problem);
  return { model, sent, state, update, answer, refuse, listening: () => [...handlers.values()].reduce((total, set) => total + set.size, 0) };
}

/** Waits for promises and for a frame, in which overlays are drawn. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 12; round += 1) await Promise.resolve();
  await new Promise((done) => requestAnimationFrame(done));
}

/** What was last drawn on a canvas: the number of pixels of each color, and the number of rings over them. */
export const canvas = { drawn: new Map<string, number>(), draws: 0, rings: 0 };
const context = new Proxy({} as Record<string, unknown>, {
  get: (_, name) => {
    if (name === "createImageData") return (width: number, height: number) => ({ width, height, data: new Uint8ClampedArray(4 * width * height) });
    if (name === "putImageData") return (image: ImageData) => Object.assign(canvas, { drawn: countColors(image), draws: canvas.draws + 1 });
    if (name === "clearRect") return () => (canvas.rings = 0);
    if (name === "arc") return () => (canvas.rings += 1);
    return () => undefined; // lines
  },
  set: () => true,
});
function countColors({ data }: ImageData): Map<string, number> {
  const counts = new Map<string, number>();
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 0) continue;
    const color = `#${[...data.subarray(at, at + 3)].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
    counts.set(color, (counts.get(color) ?? 0) + 1);
  }
  return counts;
}
export const [BLUE, ORANGE, GRAY] = ["#0072b2", "#e69f00", "#cfcfcf"];
export const colors = () => [...canvas.drawn.keys()].sort();

const observers: (() => void)[] = []; // size observers
/** The page: its element, the size of all elements, the number of observed sizes, and the media queries. */
export const page = {
  el: document.createElement("div"),
  size: 200,
  resized: (): void => observers.forEach((resized) => resized()),
  observing: 0,
  media: [] as (EventTarget & { query: string })[],
};
export const disposals: (() => void)[] = [];
export const find = <T extends HTMLElement = HTMLElement>(selector: string): T => {
  const found = page.el.querySelector<T>(selector);
  if (!found) throw new Error(`No ${selector} in ${page.el.innerHTML}`);
  return found;
};
export const press = (key: string, target = find(".cl-stage")) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
export const point = (type: string, x: number, y: number, init: MouseEventInit = {}) =>
  find(".cl-points").dispatchEvent(new MouseEvent(type, { bubbles: true, clientX: x, clientY: y, button: 0, ...init }));
/** The positions of the fixture's points on a stage of 200 pixels when the whole map is shown. */
export const SPOTS = [[6, 100], [100, 6], [194, 194]] as const;
export const BESIDE = [100, 100] as const;
export async function shown(given: Partial<MapModel> = {}) {
  const fake = fakeModel(given);
  const dispose = widget.render({ model: fake.model, el: page.el });
  disposals.push(dispose);
  await settled();
  return { ...fake, dispose };
}

beforeEach(() => {
  Object.assign(canvas, { drawn: new Map(), draws: 0, rings: 0 });
  page.observing = observers.length = 0;
  vi.stubGlobal("ResizeObserver", class { constructor(resized: () => void) { observers.push(resized); } observe() { page.observing += 1; } unobserve() { page.observing -= 1; } disconnect() { page.observing -= 1; } });
  vi.stubGlobal("devicePixelRatio", 1);
  page.size = 200;
  page.media = [];
  vi.stubGlobal("matchMedia", (query: string) => {
    page.media.push(Object.assign(new EventTarget(), { query, matches: false }));
    return page.media.at(-1);
  });
  HTMLCanvasElement.prototype.getContext = ((kind: string) => (kind === "2d" ? context : null)) as never; // no WebGL
  for (const name of ["clientWidth", "clientHeight"]) Object.defineProperty(HTMLElement.prototype, name, { configurable: true, get: () => page.size });
  page.el = document.createElement("div");
  document.body.append(page.el);
});
afterEach(() => {
  for (const dispose of disposals.splice(0)) dispose();
  page.el.remove();
});
