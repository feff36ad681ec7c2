import { element } from "../core/dom";
import type { Label } from "./model";
import type { View } from "./scene";

const GAP = 6; // pixels between two labels

/** The zoom at which labels of narrow areas appear among those of wide ones, and at which they replace them. */
const NEARER = 1.25;
const NEAR = 2;

/** Labels on the map. Larger areas take precedence, and zooming in makes room for more. */
export class Labels {
  readonly element = element("div", { class: "cl-labels", "aria-hidden": "true" });
  #labels: { label: Label; span: HTMLElement; width: number; height: number }[] = [];

  set(labels: readonly Label[]): void {
    this.#labels = labels.map((label) => {
      const span = element("span", { class: label.wide ? "cl-wide" : "cl-off" }, label.text);
      return { label, span, width: 0, height: 0 };
    });
    this.element.replaceChildren(...this.#labels.map(({ span }) => span));
  }

  /** Places the labels; `zoom` is 1 when the whole map is visible. */
  draw({ scale, left, top }: View, zoom: number): void {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === 0) return; // not on the page yet, so text has no size
    const taken: [left: number, top: number, right: number, bottom: number][] = [];
    const some = this.#labels.some(({ label }) => label.wide);
    for (const each of this.#labels) {
      const { label, span } = each;
      if (each.width === 0) [each.width, each.height] = [span.offsetWidth, span.offsetHeight];
      const [across, down] = [label.x * scale + left, top - label.y * scale];
      const outside = across < 0 || down < 0 || across > clientWidth || down > clientHeight;
      const early = label.wide ? zoom > NEAR : some && zoom < NEARER;
      const x = Math.max(GAP, Math.min(clientWidth - each.width - GAP, across - each.width / 2)); // near an edge, it moves inward
      const free = (y: number): boolean =>
        y > 0 && y + each.height < clientHeight &&
        !taken.some((other) => x - GAP < other[2] && other[0] < x + each.width + GAP && y - GAP < other[3] && other[1] < y + each.height + GAP);
      const middle = down - each.height / 2;
      const y = outside || early ? undefined : [middle, middle - each.height, middle + each.height].find(free);
      span.classList.toggle("cl-off", y === undefined);
      if (y === undefined) continue;
      taken.push([x, y, x + each.width, y + each.height]);
      span.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    }
  }
}
