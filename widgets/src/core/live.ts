import { element } from "./dom";

/** A line that screen readers announce when it changes; if `spoken`, it is visible only to them. */
export class LiveRegion {
  readonly element: HTMLElement;

  constructor(spoken = false) {
    this.element = element("p", { class: spoken ? "cl-spoken" : "cl-status", role: "status", "aria-live": "polite" });
  }

  announce(text: string, failed = false): void {
    this.element.textContent = text;
    this.element.classList.toggle("cl-failed", failed);
  }
}
