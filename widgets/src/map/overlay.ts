import { element } from "../core/dom";
import { floats } from "../core/requests";
import type { Contour } from "./model";
import { isShown, type Scene, type View } from "./scene";

/** What is drawn under the points, contours and hulls, and over them, lines to neighbors and rings. */
export class Overlay {
  readonly under = element("canvas", { class: "cl-under", "aria-hidden": "true" });
  readonly over = element("canvas", { class: "cl-over", "aria-hidden": "true" });
  contours: { level: number; lines: Float32Array }[] = [];
  #groups: Uint32Array[] = [];
  #hulls: Hull[] = [];
  #outlined: Scene | null = null; // the scene of the hulls
  outliers: Uint32Array = new Uint32Array();
  hits: readonly number[] = [];
  focus: { row: number; near: readonly number[] } | null = null;

  setContours(given: readonly Contour[]): void {
    this.contours = given.map(({ level, lines }) => ({ level, lines: floats(lines) }));
  }

  /** Reads groups, each of which is sent as its size followed by its rows. */
  setGroups(flat: Uint32Array): void {
    this.#groups = [];
    for (let at = 0; at < flat.length; at += 1 + flat[at]!) this.#groups.push(flat.subarray(at + 1, at + 1 + flat[at]!));
    this.#outlined = null;
  }

  draw(scene: Scene, { scale, left, top }: View): void {
    const { x, y } = scene.coordinates;
    const style = getComputedStyle(this.over);
    const [accent, line] = [style.getPropertyValue("--cl-accent") || "#1976d2", style.color || "#000"];
    const shown = (row: number): boolean => isShown(scene, row);
    const put = (row: number): [number, number] => [x[row]! * scale + left, top - y[row]! * scale];

    const under = begun(this.under);
    if (under !== null) {
      under.strokeStyle = line;
      under.lineWidth = 1;
      for (const { level, lines } of this.contours) {
        under.globalAlpha = 0.14 + 0.22 * level;
        under.beginPath();
        for (let at = 0; at < lines.length; at += 4) {
          under.moveTo(lines[at]! * scale + left, top - lines[at + 1]! * scale);
          under.lineTo(lines[at + 2]! * scale + left, top - lines[at + 3]! * scale);
        }
        under.stroke();
      }
      under.globalAlpha = 0.5;
      under.lineWidth = 10;
      under.lineJoin = under.lineCap = "round";
      under.strokeStyle = accent;
      under.beginPath();
      for (const { corners, low, high } of this.#hullsOf(scene)) {
        const [right, bottom] = [high[0] * scale + left, top - low[1] * scale];
        if (right < 0 || bottom < 0 || low[0] * scale + left > this.under.clientWidth || top - high[1] * scale > this.under.clientHeight) continue;
        corners.forEach(([across, up], at) => under[at === 0 ? "moveTo" : "lineTo"](across * scale + left, top - up * scale));
        under.closePath();
      }
      under.stroke();
    }

    const over = begun(this.over);
    if (over === null) return;
    over.strokeStyle = accent;
    if (this.focus !== null) {
      over.lineWidth = 1.5;
      over.globalAlpha = 0.75;
      over.beginPath();
      for (const row of this.focus.near) {
        over.moveTo(...put(this.focus.row));
        over.lineTo(...put(row));
      }
      over.stroke();
      over.globalAlpha = 1;
      ring(over, put(this.focus.row), 8, 2.5);
      for (const row of this.focus.near) ring(over, put(row), 5, 1.5);
    }
    this.hits.forEach((row, rank) => shown(row) && ring(over, put(row), rank === 0 ? 9 : 6, rank === 0 ? 2.5 : 1.25));
    over.strokeStyle = style.getPropertyValue("--cl-danger") || "#d32f2f";
    for (const row of this.outliers) if (shown(row)) ring(over, put(row), 6, 1.25);
  }

  /** Returns the hulls of the visible points of each group, in map units, so that they do not depend on the view. */
  #hullsOf(scene: Scene): readonly Hull[] {
    const before = this.#outlined;
    if (before?.coordinates !== scene.coordinates || before.codes !== scene.codes || before.palette !== scene.palette) {
      this.#outlined = scene;
      const { x, y } = scene.coordinates;
      const groups = this.#groups.map((group) => Array.from(group).filter((row) => isShown(scene, row)));
      this.#hulls = groups.filter((group) => group.length > 1).map((group) => {
        const corners = hull(group.map((row) => [x[row]!, y[row]!]));
        const [across, up] = [0, 1].map((axis) => corners.map((corner) => corner[axis]!)) as [number[], number[]];
        return { corners, low: [Math.min(...across), Math.min(...up)], high: [Math.max(...across), Math.max(...up)] };
      });
    }
    return this.#hulls;
  }
}

interface Hull {
  corners: [number, number][];
  low: [number, number];
  high: [number, number];
}

function begun(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null {
  const context = canvas.getContext("2d");
  context?.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  context?.clearRect(0, 0, canvas.width, canvas.height);
  return context;
}

function ring(context: CanvasRenderingContext2D, [x, y]: [number, number], radius: number, width: number): void {
  context.lineWidth = width;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
}

/** Computes the convex hull with Andrew's monotone chain algorithm. */
export function hull(points: [number, number][]): [number, number][] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  if (sorted.length < 3) return sorted;
  const half = (order: [number, number][]): [number, number][] => {
    const chain: [number, number][] = [];
    for (const point of order) {
      while (chain.length > 1 && turn(chain.at(-2)!, chain.at(-1)!, point) <= 0) chain.pop();
      chain.push(point);
    }
    return chain.slice(0, -1);
  };
  return [...half(sorted), ...half(sorted.reverse())];
}

function turn(a: [number, number], b: [number, number], c: [number, number]): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}
