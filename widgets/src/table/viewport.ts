/** Browsers limit elements to a height of 16 to 33 million pixels, and a million rows take 30 million. */
const TALLEST = 6_000_000;

/**
 * The part of the rows that is in view. `top` is exact, in pixels of the rows; the scrollbar represents it in a body that is
 * never taller than a browser allows.
 */
export class Viewport {
  readonly rowHeight: number;
  #total = 0;
  #height = 0;
  #top = 0;

  constructor(rowHeight: number) {
    this.rowHeight = rowHeight;
  }

  /** Sets the number of rows and the height available for them. */
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

  /** The height of the body. */
  get body(): number {
    return Math.min(this.#whole, TALLEST);
  }

  get height(): number {
    return this.#height;
  }

  /** Whether one pixel of the scrollbar represents more than one pixel of the rows. */
  get compressed(): boolean {
    return this.#whole > TALLEST;
  }

  get scrollTop(): number {
    return this.#top / this.#ratio;
  }

  set scrollTop(scrollTop: number) {
    this.top = scrollTop * this.#ratio;
  }

  /** The first row that is at least partly in view, and the one after the last. */
  get rows(): [first: number, end: number] {
    const first = Math.floor(this.#top / this.rowHeight);
    return [first, Math.min(this.#total, Math.ceil((this.#top + this.#height) / this.rowHeight))];
  }

  /** The number of rows that are fully in view. */
  get page(): number {
    return Math.max(1, Math.floor(this.#height / this.rowHeight));
  }

  /** Returns the offset of a row from the top of the view. */
  offset(at: number): number {
    return at * this.rowHeight - this.#top;
  }

  /** Scrolls as little as necessary to bring the whole row into view. */
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
