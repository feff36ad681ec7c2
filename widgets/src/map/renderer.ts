import { RasterRenderer } from "./raster";
import type { Scene, View } from "./scene";
import { WebglRenderer } from "./webgl";

/** What draws points on a canvas; camera, hover and motion are the stage's. */
export interface MapRenderer {
  readonly kind: "webgl" | "raster";
  /** Draws a scene over all of the canvas, points `size` dots of the page across; false where it no longer can. */
  draw(scene: Scene, view: View, size: number, opacity: number): boolean;
  destroy(): void;
}

/** WebGL where a graphics processor runs it. Software that only acts like one is slower than setting the dots ourselves. */
export function createRenderer(canvas: HTMLCanvasElement): MapRenderer {
  return WebglRenderer.create(canvas) ?? new RasterRenderer(canvas);
}
