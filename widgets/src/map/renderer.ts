import { CanvasRenderer } from "./canvas";
import { WebglRenderer } from "./webgl";

export interface Places {
  x: Float32Array;
  y: Float32Array;
}

/** From places on the map to dots of the stage: left is `x * scale + left`, top is `top - y * scale`. */
export interface View {
  scale: number;
  left: number;
  top: number;
}

/** What a renderer tells. */
export interface Told {
  view(): void;
  hover(row: number): void;
}

/** All that the map asks of what draws its points; positions, codes and palette are sent apart. */
export interface MapRenderer {
  readonly kind: "webgl" | "canvas";
  /** Draws points anew; `animate` moves those that are there to their new places. */
  draw(places: Places, codes: Uint8Array, animate: boolean): Promise<void>;
  /** Colours the points that are there by other codes. */
  recode(codes: Uint8Array): Promise<void>;
  /** The colour of each code, and of points that are not lit while others are. */
  paint(palette: readonly string[], unlit: string): void;
  /** Lights some points up, so that the others stand back; none for all alike. */
  light(rows: ArrayLike<number>): void;
  /** Shows these points only; null for all. */
  show(rows: number[] | null): void;
  view(): View;
  /** Puts a place in the middle, with so much of the map above and below it. */
  lookAt(x: number, y: number, half: number): void;
  resize(width: number, height: number): void;
  destroy(): void;
}

/** Dots across for so many points, and how far they let through what is below. */
export function pointStyle(count: number): { size: number; opacity: number } {
  if (count <= 2_000) return { size: 7, opacity: 0.9 };
  if (count <= 20_000) return { size: 4.5, opacity: 0.8 };
  if (count <= 200_000) return { size: 2.6, opacity: 0.65 };
  return { size: 1.6, opacity: 0.45 };
}

/** WebGL where the browser has it, else the plain canvas, with the same gestures. */
export function createRenderer(canvas: HTMLCanvasElement, told: Told): MapRenderer {
  return WebglRenderer.create(canvas, told) ?? new CanvasRenderer(canvas, told);
}
