import { RasterRenderer } from "./raster";
import type { Scene, View } from "./scene";
import { WebglRenderer } from "./webgl";

/** What draws points on a canvas; camera, hover and motion are the stage's. */
export interface MapRenderer {
  readonly kind: "webgl" | "raster";
  /** Draws a scene on the whole canvas with points of `size` CSS pixels; returns false once it no longer can. */
  draw(scene: Scene, view: View, size: number, opacity: number): boolean;
  destroy(): void;
}

/** Uses WebGL if a GPU runs it; a software implementation is slower than setting the pixels ourselves. */
export function createRenderer(canvas: HTMLCanvasElement): MapRenderer {
  return WebglRenderer.create(canvas) ?? new RasterRenderer(canvas);
}
