import type { MapRenderer } from "./renderer";
import { LIT, type Scene, type View } from "./scene";

const SHADES = 32; // levels of coverage at the edge of a point
const WORK = 2e7; // pixels that can be set per frame, in a sixth of a second

/** Draws every pixel on the CPU, for browsers without a GPU: 100,000 points take a frame or two. */
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
    // The margin holds the parts of points beyond an edge, so that pixels need no bounds check.
    const margin = 2 * Math.ceil((size * LIT.grown * ratio) / 2);
    const [across, down] = [width + 2 * margin, height + 2 * margin];
    if (this.#image?.width !== across || this.#image.height !== down) this.#image = context.createImageData(across, down);
    const sheet = { pixels: new Uint32Array(this.#image.data.buffer), width: across, height: down, margin };
    const scaled = { scale: view.scale * ratio, left: view.left * ratio + margin, top: view.top * ratio + margin };
    sheet.pixels.fill(0);
    paint(sheet, scene, scaled, size * ratio, opacity);
    context.putImageData(this.#image, -margin, -margin);
    return true;
  }

  destroy(): void {
    this.#image = null;
  }
}

export interface Sheet {
  /** One color per pixel, without premultiplied alpha, as in `ImageData`. */
  pixels: Uint32Array;
  width: number;
  height: number;
  /** Hidden pixels on each side: twice the radius of a point. */
  margin: number;
}

/** Draws a scene, with its highlighted points last. */
export function paint(sheet: Sheet, scene: Scene, view: View, size: number, opacity: number): void {
  const { codes, palette, lit, unlit } = scene;
  size = affordable(sheet, scene, view, size);
  if (lit.length === 0) return stamp(sheet, scene, view, new Stamp(size, opacity, sheet.width), codes.length, null, palette);
  const gray = palette.map((color) => (color === 0 ? 0 : unlit));
  stamp(sheet, scene, view, new Stamp(size, opacity, sheet.width), codes.length, null, gray);
  stamp(sheet, scene, view, new Stamp(size * LIT.grown, LIT.opacity, sheet.width), lit.length, lit, palette);
}

/** Returns a size at which all visible points can be drawn in time, as zooming into a dense cluster would be slow. */
function affordable({ width, height }: Sheet, { codes, coordinates: { x, y } }: Scene, { scale, left, top }: View, size: number): number {
  const pixels = (Math.PI / 4) * (size + 1) ** 2;
  if (codes.length * pixels <= WORK) return size;
  let count = 0;
  for (let row = 0; row < codes.length; row += 1) {
    const [across, down] = [x[row]! * scale + left, top - y[row]! * scale];
    if (across >= 0 && down >= 0 && across < width && down < height) count += 1;
  }
  return count * pixels <= WORK ? size : Math.max(1, size * Math.sqrt(WORK / (count * pixels)));
}

/** A round point: the offsets of its pixels from the center, and tables of how much each one covers the background. */
class Stamp {
  readonly offsets: Int32Array;
  readonly shades: Uint16Array;
  /** By shade and previous alpha: the weight of the new color out of 256, and the resulting alpha. */
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
        const after = source + (before / 255) * (1 - source); // the "over" operator of Porter and Duff
        this.share[shade * 256 + before] = Math.round((256 * source) / after);
        this.alpha[shade * 256 + before] = Math.round(255 * after) << 24;
      }
    }
  }
}

/** Stamps `count` points: those of `rows`, or the first ones. */
function stamp(sheet: Sheet, scene: Scene, view: View, { offsets, shades, share, alpha }: Stamp, count: number, rows: Uint32Array | null, palette: Uint32Array): void {
  const { pixels, width, height, margin } = sheet;
  const { codes, coordinates: { x, y } } = scene;
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
      const pixel = middle + offsets[part]!;
      const before = pixels[pixel]!;
      const entry = shades[part]! + (before >>> 24);
      const weight = share[entry]!;
      // Red and blue are mixed in one number: each has eight bits above it for the product.
      const [beforeRedBlue, beforeGreen] = [before & 0xff00ff, before & 0xff00];
      const mixedRedBlue = ((Math.imul(redBlue - beforeRedBlue, weight) >>> 8) + beforeRedBlue) & 0xff00ff;
      const mixedGreen = ((Math.imul(green - beforeGreen, weight) >> 8) + beforeGreen) & 0xff00;
      pixels[pixel] = alpha[entry]! | mixedRedBlue | mixedGreen;
    }
  }
}
