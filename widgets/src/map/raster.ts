import type { MapRenderer } from "./renderer";
import { LIT, type Scene, type View } from "./scene";

const SHADES = 32; // steps of coverage at the edge of a point
const WORK = 2e7; // dots that are set in a frame, in a sixth of a second

/** Sets every dot itself, for browsers without a graphics processor: 100,000 points in a frame or two. */
export class RasterRenderer implements MapRenderer {
  readonly kind = "raster";
  readonly #canvas: HTMLCanvasElement;
  #image: ImageData | null = null;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
  }

  draw(scene: Scene, view: View, size: number, opacity: number): boolean {
    const context = this.#canvas.getContext("2d");
    const { width, height } = this.#canvas;
    if (context === null) return false;
    const ratio = devicePixelRatio;
    // A margin takes the parts of points that are over an edge, so that no dot needs to be tested.
    const margin = 2 * Math.ceil((size * LIT.grown * ratio) / 2);
    const [across, down] = [width + 2 * margin, height + 2 * margin];
    if (this.#image?.width !== across || this.#image.height !== down) this.#image = context.createImageData(across, down);
    const sheet = { dots: new Uint32Array(this.#image.data.buffer), width: across, height: down, margin };
    const scaled = { scale: view.scale * ratio, left: view.left * ratio + margin, top: view.top * ratio + margin };
    sheet.dots.fill(0);
    paint(sheet, scene, scaled, size * ratio, opacity);
    context.putImageData(this.#image, -margin, -margin);
    return true;
  }

  destroy(): void {
    this.#image = null;
  }
}

export interface Sheet {
  /** A colour a dot, not multiplied by its alpha, as `ImageData` has them. */
  dots: Uint32Array;
  width: number;
  height: number;
  /** Dots at each side that are not shown: twice what a point reaches from its middle. */
  margin: number;
}

/** Draws a scene, its lit points last. */
export function paint(sheet: Sheet, scene: Scene, view: View, size: number, opacity: number): void {
  const { codes, palette, lit, unlit } = scene;
  size = affordable(sheet, scene, view, size);
  if (lit.length === 0) return stamp(sheet, scene, view, new Stamp(size, opacity, sheet.width), codes.length, null, palette);
  const grey = palette.map((color) => (color === 0 ? 0 : unlit));
  stamp(sheet, scene, view, new Stamp(size, opacity, sheet.width), codes.length, null, grey);
  stamp(sheet, scene, view, new Stamp(size * LIT.grown, LIT.opacity, sheet.width), lit.length, lit, palette);
}

/** A size at which all points in sight can be drawn in time: who looks at a heap from near would wait for each frame. */
function affordable({ width, height }: Sheet, { codes, places: { x, y } }: Scene, { scale, left, top }: View, size: number): number {
  const dots = (Math.PI / 4) * (size + 1) ** 2;
  if (codes.length * dots <= WORK) return size;
  let count = 0;
  for (let row = 0; row < codes.length; row += 1) {
    const [across, down] = [x[row]! * scale + left, top - y[row]! * scale];
    if (across >= 0 && down >= 0 && across < width && down < height) count += 1;
  }
  return count * dots <= WORK ? size : Math.max(1, size * Math.sqrt(WORK / (count * dots)));
}

/** A round point: where its dots lie from its middle, and by tables how much each covers what is there. */
class Stamp {
  readonly offsets: Int32Array;
  readonly shades: Uint16Array;
  /** By shade and the alpha of before: the new colour's share of 256, and the new alpha in its place. */
  readonly share = new Uint16Array((SHADES + 1) * 256);
  readonly alpha = new Uint32Array((SHADES + 1) * 256);

  constructor(size: number, opacity: number, width: number) {
    const [offsets, shades]: [number[], number[]] = [[], []];
    const reach = Math.ceil(size / 2);
    for (let down = -reach; down <= reach; down += 1) {
      for (let across = -reach; across <= reach; across += 1) {
        const covered = Math.max(0, Math.min(1, size / 2 + 0.5 - Math.hypot(across, down)));
        const shade = Math.round(covered * opacity * SHADES);
        if (shade > 0) {
          offsets.push(down * width + across);
          shades.push(shade * 256);
        }
      }
    }
    this.offsets = Int32Array.from(offsets);
    this.shades = Uint16Array.from(shades);
    for (let shade = 1; shade <= SHADES; shade += 1) {
      const source = shade / SHADES;
      for (let before = 0; before < 256; before += 1) {
        const after = source + (before / 255) * (1 - source); // "over" by Porter and Duff
        this.share[shade * 256 + before] = Math.round((256 * source) / after);
        this.alpha[shade * 256 + before] = Math.round(255 * after) << 24;
      }
    }
  }
}

/** Stamps `count` points, those of `rows` or the first ones. */
function stamp(sheet: Sheet, scene: Scene, view: View, { offsets, shades, share, alpha }: Stamp, count: number, rows: Uint32Array | null, palette: Uint32Array): void {
  const { dots, width, height, margin } = sheet;
  const { codes, places: { x, y } } = scene;
  const { scale, left, top } = view;
  const reach = margin / 2;
  const [right, bottom] = [width - reach, height - reach];
  for (let at = 0; at < count; at += 1) {
    const row = rows === null ? at : rows[at]!;
    const color = palette[codes[row]!]!;
    if (color === 0) continue;
    const across = Math.round(x[row]! * scale + left);
    const down = Math.round(top - y[row]! * scale);
    if (!(across >= reach && down >= reach && across < right && down < bottom)) continue;
    const middle = down * width + across;
    const [redBlue, green] = [color & 0xff00ff, color & 0xff00];
    for (let part = 0; part < offsets.length; part += 1) {
      const dot = middle + offsets[part]!;
      const before = dots[dot]!;
      const entry = shades[part]! + (before >>> 24);
      const weight = share[entry]!;
      // Red and blue are mixed in one number: each has eight bits above it for what comes out of the product.
      const [beforeRedBlue, beforeGreen] = [before & 0xff00ff, before & 0xff00];
      const mixedRedBlue = ((Math.imul(redBlue - beforeRedBlue, weight) >>> 8) + beforeRedBlue) & 0xff00ff;
      const mixedGreen = ((Math.imul(green - beforeGreen, weight) >> 8) + beforeGreen) & 0xff00;
      dots[dot] = alpha[entry]! | mixedRedBlue | mixedGreen;
    }
  }
}
