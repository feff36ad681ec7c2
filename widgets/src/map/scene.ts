/** The coordinates of points; x points right, y points up. */
export interface Coordinates {
  x: Float32Array;
  y: Float32Array;
}

/** Converts map coordinates to pixels of the stage: from the left `x * scale + left`, from the top `top - y * scale`. */
export interface View {
  scale: number;
  left: number;
  top: number;
}

/** Everything that determines how points are drawn. Its parts are replaced, never modified, as renderers compare identity. */
export interface Scene {
  coordinates: Coordinates;
  codes: Uint8Array;
  /** The color of each of 256 codes, from `rgba`; 0 if the legend hides its points. */
  palette: Uint32Array;
  /** The highlighted rows, which are drawn last; empty if no points are highlighted. */
  lit: Uint32Array;
  /** The color of all other points while some are highlighted. */
  unlit: number;
}

/** Returns the diameter in pixels and the opacity of points, which depend on their number. */
export function pointStyle(count: number): { size: number; opacity: number } {
  if (count <= 2_000) return { size: 7, opacity: 0.9 };
  if (count <= 20_000) return { size: 4.5, opacity: 0.8 };
  if (count <= 200_000) return { size: 2.6, opacity: 0.65 };
  return { size: 1.6, opacity: 0.45 };
}

export const LIT = { grown: 1.25, opacity: 1 } as const;

/** Converts `#rrggbb` to the bytes of a pixel, red lowest; anything else becomes gray. */
export function rgba(color: string): number {
  const [, red, green, blue] = /^#(..)(..)(..)$/.exec(color)?.map((part) => parseInt(part, 16)) ?? [];
  const known = [red, green, blue].every((part) => part !== undefined && !Number.isNaN(part));
  return known ? ((255 << 24) | (blue! << 16) | (green! << 8) | red!) >>> 0 : 0xff888888;
}

/** Interpolates between two sets of coordinates of the same points. */
export function between(from: Coordinates, to: Coordinates, share: number): Coordinates {
  const mix = (a: Float32Array, b: Float32Array): Float32Array => b.map((value, row) => a[row]! + (value - a[row]!) * share);
  return { x: mix(from.x, to.x), y: mix(from.y, to.y) };
}

/** Returns whether the legend shows a point. */
export function isShown({ codes, palette }: Scene, row: number): boolean {
  return palette[codes[row]!] !== 0;
}

/** Returns the row of the nearest visible point within `reach`, or -1. */
export function nearest({ coordinates: { x, y }, codes, palette }: Scene, across: number, up: number, reach: number): number {
  let [found, least] = [-1, reach * reach];
  for (let row = 0; row < codes.length; row += 1) {
    const far = (x[row]! - across) ** 2 + (y[row]! - up) ** 2;
    if (far < least && palette[codes[row]!] !== 0) [found, least] = [row, far];
  }
  return found;
}
