/** Browsers cut elements off at 16 to 33 million pixels: a million rows are 30 million. */
const TALLEST = 6_000_000;

/**
 * Which part of the rows is in view. `top` is exact in pixels of the rows; the scrollbar stands for it in a body that is
 * never taller than a browser can hold.
 */
export class Viewport {
  readonly rowHeight: number;
  #total = 0;
  #height = 0;
  #top = 0;

  constructor(rowHeight: number) {
    this.rowHeight = rowHeight;
  }

  /** The number of rows, and the height that is free for them. */
  resize(total: number, height: number): void {
    this.#total = total;
    this.#height = Math.max(0, height);
    this.top = this.#top;
  }

  get top(): number {
    return this.#top;
  }

  set top(top: number) {
    this.#top = Math.max(0, Math.min(top, this.#whole - this.#height));
  }

  /** How tall the body is. */
  get body(): number {
    return Math.min(this.#whole, TALLEST);
  }

  get height(): number {
    return this.#height;
  }

  /** Whether a pixel of the scrollbar is more than a pixel of the rows. */
  get compressed(): boolean {
    return this.#whole > TALLEST;
  }

  get scrollTop(): number {
    return this.#top / this.#ratio;
  }

  set scrollTop(scrollTop: number) {
    this.top = scrollTop * this.#ratio;
  }

  /** The first row in view, perhaps in part, and the one after the last. */
  get rows(): [first: number, end: number] {
    const first = Math.floor(this.#top / this.rowHeight);
    return [first, Math.min(this.#total, Math.ceil((this.#top + this.#height) / this.rowHeight))];
  }

  /** How many whole rows are in view. */
  get page(): number {
    return Math.max(1, Math.floor(this.#height / this.rowHeight));
  }

  /** Where a row is drawn, below the top of the view. */
  place(at: number): number {
    return at * this.rowHeight - this.#top;
  }

  /** Scrolls as little as it takes to have the whole row in view. */
  reveal(at: number): void {
    const start = at * this.rowHeight;
    if (start < this.#top) this.top = start;
    else if (start + this.rowHeight > this.#top + this.#height) this.top = start + this.rowHeight - this.#height;
  }

  get #whole(): number {
    return this.#total * this.rowHeight;
  }

  get #ratio(): number {
    const range = this.body - this.#height;
    return this.compressed && range > 0 ? (this.#whole - this.#height) / range : 1;
  }
}
