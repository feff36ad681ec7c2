// @vitest-environment jsdom
import { expect, test, vi } from "vitest";
import { BLUE, BESIDE, GRAY, HOSTILE, ORANGE, SPOTS, codes, colors, find, floats, line, page, point, press, rows, settled, shown } from "./host.fake";
import { inside } from "./lasso";

test("Alt+drag draws a lasso: the rows go to the kernel and the camera does not move", async () => {
  const { state, sent, update } = await shown();
  point("pointerdown", -5, -5, { altKey: true });
  for (const [x, y] of [[150, -5], [150, 60], [60, 150], [-5, 150]] as const) point("pointermove", x, y);
  point("pointerup", -5, 10);
  await settled();
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([0, 1]);
  expect(colors()).toEqual([BLUE, GRAY]);
  point("pointerdown", ...SPOTS[2]);
  point("pointerup", ...SPOTS[2]);
  point("click", ...SPOTS[2]); // it has not moved
  expect(sent).toContainEqual(expect.objectContaining({ verb: "near", row: 2, generation: 1 }));
  await update({ selected: rows(0, 1) });
  expect(find("[role=status]").textContent).toBe("2 records selected. 3 records");
});

test("a selection that the kernel refuses is dropped", async () => {
  const { refuse } = await shown({ selected: rows(2) });
  refuse("The points have moved since. Try again.");
  point("click", ...SPOTS[0]);
  await settled();
  expect(find("[role=status]").textContent).toBe("1 record selected. 3 records");
  expect(colors()).toEqual([GRAY, ORANGE].sort());
});

test("a map opens in color with an earlier selection, which buttons highlight and clear", async () => {
  const { state, update } = await shown({ selected: rows(2) });
  const group = find("[aria-label=Selection]");
  const [highlight, clear] = [...group.querySelectorAll("button")] as [HTMLButtonElement, HTMLButtonElement];
  expect([group.hidden, highlight.getAttribute("aria-pressed")]).toEqual([false, "false"]);
  expect(colors()).not.toContain(GRAY);
  highlight.click();
  await settled();
  expect([colors(), highlight.getAttribute("aria-pressed")]).toEqual([[GRAY, ORANGE].sort(), "true"]);
  clear.click();
  await settled();
  expect([state.selected.byteLength, group.hidden]).toEqual([0, true]);
  expect(colors()).not.toContain(GRAY);
  await update({ selected: rows(1) }); // a change of the selection is highlighted
  expect(colors()).toContain(GRAY);
});

test("a lasso that ends where it began is not a click, and an empty one selects nothing", async () => {
  const { state } = await shown({ selected: rows(2) });
  press("l");
  const circle = (corners: readonly (readonly [number, number])[]): void => {
    const [first] = corners as [[number, number]];
    point("pointerdown", ...first);
    for (const corner of corners) point("pointermove", ...corner);
    point("pointerup", ...first);
    point("click", ...first);
  };
  circle([[0, 60], [80, 60], [80, 140], [0, 140], [0, 60]]);
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([0]);
  circle([[60, 60], [140, 60], [140, 140], [60, 140], [60, 60]]);
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([0]);
});

test("clicking one point, or missing all with Shift, keeps a selection of several", async () => {
  const { state, sent } = await shown({ selected: rows(1, 2) });
  point("click", ...SPOTS[0]);
  expect(sent).toContainEqual(expect.objectContaining({ verb: "near", row: 0 }));
  point("click", ...BESIDE, { shiftKey: true });
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([1, 2]);
});

test("L draws with a plain drag, Shift adds, P returns to moving the map", async () => {
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

test("a drag moves the map, and the wheel zooms around the pointer", async () => {
  const { sent } = await shown();
  point("pointerdown", ...BESIDE);
  point("pointermove", 130, 100);
  point("pointerup", 130, 100);
  point("click", 130, 100); // the end of a drag, not a click
  expect(sent).toEqual([]);
  point("pointerdown", 36, 100);
  point("click", 36, 100);
  expect(sent.at(-1)).toEqual(expect.objectContaining({ verb: "near", row: 0, generation: 1 }));
  find(".cl-points").dispatchEvent(new WheelEvent("wheel", { bubbles: true, deltaY: -300, clientX: 130, clientY: 6 }));
  point("pointerdown", 130, 6);
  point("click", 130, 6);
  expect(sent.at(-1)).toEqual(expect.objectContaining({ verb: "near", row: 1, generation: 1 })); // it is still under the pointer
});

test("a click selects a point and requests its neighbors, Shift+click adds, a click on empty space clears", async () => {
  const { state, sent } = await shown();
  point("click", ...SPOTS[1]);
  expect(sent).toContainEqual(expect.objectContaining({ verb: "near", row: 1, generation: 1 }));
  point("click", ...SPOTS[2], { shiftKey: true });
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([1, 2]);
  point("click", ...SPOTS[2], { shiftKey: true });
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([1]);
  point("click", ...BESIDE);
  expect(state.selected.byteLength).toBe(0);
});

test("the hover card requests a record once, and shows its text as text", async () => {
  const { sent, answer, update } = await shown();
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
  expect(page.el.querySelector("img")).toBeNull();
  await update({ codes: codes(1, 1, 1) });
  expect(find(".cl-card").hidden).toBe(false); // other colors, the same record
  await update({ points: floats(-0.5, 0, 0.5, 0, 0.5, -0.49), codes: codes(0, 0, 1) });
  expect(find(".cl-card").hidden).toBe(true);
  point("pointermove", ...SPOTS[1]);
  expect(items()).toHaveLength(2);
});

test("one search runs at a time, and the last text typed is searched next", async () => {
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

test("results are highlighted, listed by rank, and cleared by Escape before the selection", async () => {
  const { sent, state, update } = await shown();
  await update({ selected: rows(0) });
  await update({ query: "moon", hits: [line(2), line(1), { row: -1, id: "new", text: "not on the map" }] });
  expect(colors()).toEqual([BLUE, ORANGE]); // the selection stays highlighted, too
  const buttons = [...find("[aria-label='Results for moon']").querySelectorAll("button")];
  expect(buttons.map((button) => button.disabled)).toEqual([false, false, true]);
  buttons[0]?.click();
  expect(sent.at(-1)).toEqual(expect.objectContaining({ verb: "near", row: 2, generation: 1 }));
  press("Escape");
  expect(sent.at(-1)).toMatchObject({ verb: "search", text: "" });
  await update({ query: "", hits: [] });
  expect(colors()).toEqual([BLUE, GRAY]);
  press("Escape");
  expect(state.selected.byteLength).toBe(0);
});

test("a selection is listed: the first 200 records, with the total", async () => {
  const { answer, update } = await shown();
  await update({ selected: rows(...Array.from({ length: 300 }, (_, row) => row % 3)) });
  await answer("items", { items: Array.from({ length: 200 }, (_, row) => line(row)) });
  expect(find("[aria-label=Selected] h3").textContent).toBe("Selected200 of 300");
  expect(page.el.querySelector("img")).toBeNull();
});

test("the legend hides and shows its records, and selects them", async () => {
  const { state, sent } = await shown();
  find(".cl-entry").click();
  await settled();
  expect(state.hidden).toEqual([0]);
  expect(colors()).toEqual([ORANGE]);
  expect(find(".cl-entry").getAttribute("aria-pressed")).toBe("false");
  find(".cl-entry").click();
  await settled();
  expect(colors()).toEqual([BLUE, ORANGE]);
  find(".cl-pick").click();
  expect(sent.at(-1)).toEqual({ verb: "entry", entry: 0 });
});

test("points that the legend hides are not drawn, highlighted, lassoed or clicked", async () => {
  const { state, sent, update } = await shown({ hidden: [0], selected: rows(0, 2) });
  expect(colors()).toEqual([ORANGE]);
  point("pointerdown", -5, -5, { altKey: true });
  for (const [x, y] of [[205, -5], [205, 205], [-5, 205]] as const) point("pointermove", x, y);
  point("pointerup", -5, 10);
  expect([...new Uint32Array(state.selected.buffer)]).toEqual([2]);
  point("pointerdown", ...SPOTS[0]);
  point("click", ...SPOTS[0]);
  expect(sent.filter((message) => message.verb === "near")).toEqual([]);
  await update({ hidden: [] });
  expect(colors()).toEqual([BLUE, ORANGE]); // the click was on empty space, which clears
});

test("keys move the map and never reach the notebook, except Escape with nothing to clear", async () => {
  const { state } = await shown();
  const notebook = vi.fn();
  document.body.addEventListener("keydown", notebook);
  for (const key of ["+", "ArrowLeft", "ArrowLeft", "a", "d"]) press(key);
  await settled();
  expect(colors()).toEqual([BLUE]); // the left one, larger
  press("0");
  await settled();
  expect(colors()).toEqual([BLUE, ORANGE]);
  expect(state.density).toBe(true);
  press("x", find("input"));
  expect(notebook).not.toHaveBeenCalled();
  press("Escape");
  expect(notebook).toHaveBeenCalledTimes(1);
  document.body.removeEventListener("keydown", notebook);
});

test("whether a point is inside a polygon follows the even-odd rule", () => {
  const places = { x: Float32Array.from([0.5, 2, 0.5, -1]), y: Float32Array.from([0.5, 0.5, 2, 0]) };
  expect([...inside([0, 0, 1, 0, 1, 1, 0, 1], places, () => true)]).toEqual([0]);
  expect([...inside([0, 0, 1, 0, 1, 1, 0, 1], places, () => false)]).toEqual([]);
});
