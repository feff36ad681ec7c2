// @vitest-environment jsdom
import { expect, test, vi } from "vitest";
import { BLUE, ORANGE, canvas, codes, colors, disposals, find, floats, legend, line, page, rows, settled, shown } from "./host.fake";
import { hull } from "./overlay";

test("columns are drawn once, which is recorded for browser tests", async () => {
  await shown();
  expect(colors()).toEqual([BLUE, ORANGE]);
  expect(canvas.drawn.get(BLUE)).toBe(2 * canvas.drawn.get(ORANGE)!); // the pixels of two points, and of one
  expect(canvas.draws).toBe(1);
  expect(find(".cl-map").dataset.painted).toBe("1");
  expect(find(".cl-map").dataset.renderer).toBe("raster");
});

test("new codes recolor the existing points", async () => {
  const { update } = await shown();
  const before = canvas.drawn.get(BLUE);
  await update({ codes: codes(1, 1, 0) });
  expect(canvas.drawn.get(ORANGE)).toBe(before);
  expect(find(".cl-map").dataset.painted).toBe("2");
});

test("new coordinates animate the same number of points, and place a different number immediately", async () => {
  const { update } = await shown();
  await update({ points: floats(0, 0, 0, 0.1, 0.2, 0.3) });
  expect(find(".cl-stage").className).toContain("cl-moving");
  await vi.waitFor(() => expect(find(".cl-map").dataset.painted).toBe("2"), 5_000);
  expect(find(".cl-stage").className).not.toContain("cl-moving");
  expect(canvas.draws).toBeGreaterThan(2); // at the start, on the way, at the end
  await update({ points: floats(0, 1, 0, 1), codes: codes(0, 0) });
  expect(find(".cl-map").dataset.painted).toBe("3");
});

test("a map without a size is drawn once it has one, whether it is new or was hidden", async () => {
  page.size = 0;
  const { update } = await shown();
  expect([canvas.draws, find(".cl-map").dataset.painted]).toEqual([0, undefined]);
  page.size = 200;
  page.resized();
  await settled();
  expect(colors()).toEqual([BLUE, ORANGE]);
  expect(find(".cl-map").dataset.painted).toBe("1");
  page.size = 0;
  await update({ codes: codes(1, 1, 1) });
  expect(canvas.draws).toBe(1);
  page.size = 200;
  page.resized();
  await settled();
  expect(colors()).toEqual([ORANGE]);
});

test("a legend with the same codes draws them in its own colors", async () => {
  const { update } = await shown();
  await update({ legend: { ...legend, kind: "numbers", palette: ["#440154", "#fde725", "#b8b8b8"] } });
  expect(colors()).toEqual(["#440154", "#fde725"]);
  expect(find(".cl-map").dataset.painted).toBe("1");
});

test("nothing is animated if the user prefers reduced motion", async () => {
  vi.stubGlobal("matchMedia", (query: string) => Object.assign(new EventTarget(), { matches: query.includes("reduce") }));
  const { update } = await shown();
  await update({ points: floats(0, 0, 0, 0.1, 0.2, 0.3) });
  expect(find(".cl-map").dataset.painted).toBe("2");
});

test("all canvases match the resolution of the screen", async () => {
  await shown();
  vi.stubGlobal("devicePixelRatio", 2);
  page.media.filter(({ query }) => query.includes("resolution")).at(-1)?.dispatchEvent(new Event("change"));
  await settled();
  expect([...page.el.querySelectorAll("canvas")].map((canvas) => canvas.width)).toEqual([400, 400, 400]);
});

test("it has a toolbar, an application that names its keys, and a polite status", async () => {
  await shown();
  expect(find("[role=toolbar]").getAttribute("aria-label")).toBe("Map");
  expect(find("[role=application]").getAttribute("aria-label")).toContain("L starts the lasso");
  expect(find("[role=application]").tabIndex).toBe(0);
  expect(find("[role=status]").getAttribute("aria-live")).toBe("polite");
  for (const button of page.el.querySelectorAll(".cl-buttons button")) expect(button.getAttribute("aria-label")).toBeTruthy();
});

test("what was written since is asked for, but not before the points are where they belong", async () => {
  const asked = () => sent.filter(({ verb }) => verb === "refresh").length;
  const { sent, update } = await shown({ stale: true, computing: true });
  expect(asked()).toBe(0);
  await update({ computing: false });
  expect(asked()).toBe(1);
  await update({ stale: false });
  await update({ stale: true });
  expect(asked()).toBe(2);
});

test("a map that is displayed late asks for what was written before", async () => {
  const { sent } = await shown({ stale: true });
  expect(sent).toContainEqual({ verb: "refresh" });
});

test("Stop is there while the layout is computed, and leaves it as it is", async () => {
  const button = (): HTMLButtonElement => find("button[title^=Leave]") as HTMLButtonElement;
  const { sent, update } = await shown({ computing: true });
  expect([button().hidden, button().textContent]).toEqual([false, "Stop"]);
  button().click();
  expect(sent).toContainEqual({ verb: "stop" });
  expect(document.activeElement).toBe(find("[role=application]")); // not lost when the button disappears
  expect([button().disabled, button().textContent]).toEqual([true, "Stopping…"]);
  await update({ computing: false });
  expect(button().hidden).toBe(true);
  await update({ computing: true }); // another layout
  expect([button().hidden, button().disabled, button().textContent]).toEqual([false, false, "Stop"]);
});

test("an error is shown as its message", async () => {
  const { update } = await shown();
  await update({ error: "No collection <b>x</b>." });
  expect(find("[role=status]").textContent).toBe("No collection <b>x</b>.");
  expect(find("[role=status]").children).toHaveLength(0);
});

test("the map follows the theme of the page", async () => {
  document.body.dataset.jpThemeLight = "false";
  await shown();
  expect(find(".cl-map").dataset.theme).toBe("dark");
  document.body.dataset.jpThemeLight = "true";
  await settled();
  expect(find(".cl-map").dataset.theme).toBe("light");
  delete document.body.dataset.jpThemeLight;
});

test("cleanup leaves no listener and no element", async () => {
  const open = new Map<unknown, number>();
  const count = (by: number) => (_: string, listener: unknown) => void open.set(listener, (open.get(listener) ?? 0) + by);
  const add = vi.spyOn(EventTarget.prototype, "addEventListener").mockImplementation(count(1));
  const remove = vi.spyOn(EventTarget.prototype, "removeEventListener").mockImplementation(count(-1));
  const { dispose, listening } = await shown({ hits: [line(1)], selected: rows(1) });
  expect(listening()).toBeGreaterThan(0);
  dispose();
  disposals.pop();
  expect([...open.values()].filter((left) => left !== 0)).toEqual([]);
  expect([listening(), page.observing]).toEqual([0, 0]);
  expect(page.el.childNodes).toHaveLength(0);
  add.mockRestore();
  remove.mockRestore();
});

test("a map that is removed while its points move is not drawn anymore", async () => {
  const { update, dispose } = await shown();
  await update({ points: floats(0, 0, 0, 0.1, 0.2, 0.3) });
  const before = canvas.draws;
  dispose();
  await settled();
  expect(canvas.draws).toBe(before);
});

test("outliers that the legend shows have rings", async () => {
  const { update } = await shown({ outliers: rows(0, 1, 2) });
  expect(canvas.rings).toBe(3);
  await update({ hidden: [0] });
  expect(canvas.rings).toBe(1);
});

test("a hull consists of the outer points only", () => {
  expect(hull([[0, 0], [2, 0], [1, 0.5], [2, 2], [0, 2]])).toHaveLength(4);
  expect(hull([[0, 0], [1, 1]])).toHaveLength(2);
});
