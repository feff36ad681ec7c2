/** Where points lie; both grow to the right and up. */
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

/** All that is drawn of the points. What changes is replaced, never written into: renderers look at the identity. */
export interface Scene {
  places: Places;
  codes: Uint8Array;
  /** A colour for each of 256 codes, by `rgba`; 0 where the legend hides its points. */
  palette: Uint32Array;
  /** The rows that are lit, drawn last; none where all are alike. */
  lit: Uint32Array;
  /** The colour of all others while some are lit. */
  unlit: number;
}

/** Dots across for so many points, and how far they let through what is below. */
export function pointStyle(count: number): { size: number; opacity: number } {
  if (count <= 2_000) return { size: 7, opacity: 0.9 };
  if (count <= 20_000) return { size: 4.5, opacity: 0.8 };
  if (count <= 200_000) return { size: 2.6, opacity: 0.65 };
  return { size: 1.6, opacity: 0.45 };
}

export const LIT = { grown: 1.25, opacity: 1 } as const;

/** A colour as the bytes of a picture, red in the lowest: from `#rrggbb`; grey for anything else. */
export function rgba(color: string): number {
  const [, red, green, blue] = /^#(..)(..)(..)$/.exec(color)?.map((part) => parseInt(part, 16)) ?? [];
  const known = [red, green, blue].every((part) => part !== undefined && !Number.isNaN(part));
  return known ? ((255 << 24) | (blue! << 16) | (green! << 8) | red!) >>> 0 : 0xff888888;
}

/** Places on the way from some to others; both are of the same points. */
export function between(from: Places, to: Places, share: number): Places {
  const mix = (a: Float32Array, b: Float32Array): Float32Array => b.map((value, row) => a[row]! + (value - a[row]!) * share);
  return { x: mix(from.x, to.x), y: mix(from.y, to.y) };
}

/** Whether the legend shows a point. */
export function isShown({ codes, palette }: Scene, row: number): boolean {
  return palette[codes[row]!] !== 0;
}

/** The row of the nearest point within `reach`, of those that are not hidden; -1 for none. */
export function nearest({ places: { x, y }, codes, palette }: Scene, across: number, up: number, reach: number): number {
  let [found, least] = [-1, reach * reach];
  for (let row = 0; row < codes.length; row += 1) {
    const far = (x[row]! - across) ** 2 + (y[row]! - up) ** 2;
    if (far < least && palette[codes[row]!] !== 0) [found, least] = [row, far];
  }
  return found;
}
