import { expect, test } from "vitest";
import { paint, type Sheet } from "./raster";
import { between, nearest, rgba, type Scene } from "./scene";

const [BLUE, ORANGE, GRAY] = [rgba("#0072b2"), rgba("#e69f00"), rgba("#cfcfcf")];
/** A stage of 20 pixels, on which the map goes from -1 to 1. */
const STAGE = 20;

function scene(points: [x: number, y: number, code: number][], changes: Partial<Scene> = {}): Scene {
  const column = (at: number): number[] => points.map((point) => point[at]!);
  const palette = new Uint32Array(256);
  palette.set([BLUE, ORANGE]);
  return {
    coordinates: { x: Float32Array.from(column(0)), y: Float32Array.from(column(1)) },
    codes: Uint8Array.from(column(2)),
    palette,
    lit: new Uint32Array(),
    unlit: GRAY,
    ...changes,
  };
}

function painted(given: Scene, size = 1, opacity = 1): (x: number, y: number) => number {
  const margin = 2 * Math.ceil(size);
  const width = STAGE + 2 * margin;
  const sheet: Sheet = { pixels: new Uint32Array(width * width), width, height: width, margin };
  const middle = STAGE / 2 + margin;
  paint(sheet, given, { scale: STAGE / 2, left: middle, top: middle }, size, opacity);
  return (x, y) => sheet.pixels[(y + margin) * width + x + margin]!;
}

test("a color is parsed from text, and any other text is gray", () => {
  expect(BLUE).toBe(0xffb27200);
  expect([rgba("red"), rgba("#12345"), rgba("#zz0000"), rgba("")]).toEqual(Array(4).fill(0xff888888));
});

test("points are drawn where the view places them, with x to the right and y up", () => {
  const at = painted(scene([[-0.5, 0.5, 0], [0.5, -0.5, 1]]));
  expect([at(5, 5), at(15, 15), at(5, 15)]).toEqual([BLUE, ORANGE, 0]);
});

test("later points cover earlier ones, by half at an opacity of one half", () => {
  expect(painted(scene([[0, 0, 0], [0, 0, 1]]))(10, 10)).toBe(ORANGE);
  const once = painted(scene([[0, 0, 0]]), 1, 0.5)(10, 10);
  expect([once & 0xffffff, once >>> 24]).toEqual([BLUE & 0xffffff, 128]);
  const twice = painted(scene([[0, 0, 0], [0, 0, 1]]), 1, 0.5)(10, 10);
  expect(twice >>> 24).toBe(192);
  // Two thirds of the visible color comes from the upper point.
  const channels = [0, 8, 16].map((shift) => (twice >>> shift) & 255);
  [153, 144, 59].forEach((value, at) => expect(Math.abs(channels[at]! - value)).toBeLessThanOrEqual(2));
});

test("a point is round with a soft edge", () => {
  const at = painted(scene([[0, 0, 0]]), 6);
  expect(at(10, 10) >>> 24).toBe(255);
  expect(at(13, 10) >>> 24).toBeGreaterThan(64);
  expect(at(13, 10) >>> 24).toBeLessThan(255);
  expect(at(13, 13)).toBe(0);
});

test("points at an edge are clipped, and those far outside leave nothing", () => {
  const at = painted(scene([[-1.1, 0, 0], [40, 0, 1], [0, -40, 1], [NaN, 0, 1]]), 6);
  expect(at(0, 10) >>> 24).toBeGreaterThan(0);
  for (let x = 3; x < 20; x += 1) for (let y = 0; y < 20; y += 1) expect(at(x, y)).toBe(0);
});

test("highlighted points are drawn over the others, which are gray, and hidden points are not drawn", () => {
  const points: [number, number, number][] = [[0, 0, 1], [0, 0, 0], [0.5, 0, 0], [-0.5, 0, 2]];
  const at = painted(scene(points, { lit: Uint32Array.of(0, 3) }));
  expect([at(10, 10), at(15, 10), at(5, 10)]).toEqual([ORANGE, GRAY, 0]);
});

test("a dense cluster is drawn smaller, so that a frame does not take long", () => {
  const [one, heap] = [1, 30_000].map((count) => painted(scene(Array(count).fill([0, 0, 0])), 60)) as [ReturnType<typeof painted>, ReturnType<typeof painted>];
  expect([one(30, 10), one(10, 10), heap(10, 10)]).toEqual([BLUE, BLUE, BLUE]);
  expect([heap(18, 10) >>> 24, heap(30, 10)]).toEqual([255, 0]);
});

test("the nearest visible point within reach is found", () => {
  const given = scene([[0, 0, 2], [0.1, 0, 1], [0.3, 0, 0]]);
  expect(nearest(given, 0, 0, 0.2)).toBe(1);
  expect(nearest(given, 0, 0.5, 0.2)).toBe(-1);
});

test("interpolation by one half gives the midpoints", () => {
  const from = { x: Float32Array.of(0, 1), y: Float32Array.of(0, 0) };
  const half = between(from, { x: Float32Array.of(1, 1), y: Float32Array.of(0, -1) }, 0.5);
  expect([[...half.x], [...half.y]]).toEqual([[0.5, 1], [0, -0.5]]);
});
