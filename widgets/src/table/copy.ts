import { element } from "../core/dom";

/** Copies a text, or shows it in a box, marked, where the browser does not allow that. */
export function copy(root: HTMLElement, text: string, told: (done: boolean) => void): void {
  const show = (): void => {
    root.querySelector(".cl-copy")?.remove();
    const box = element("textarea", { class: "cl-copy", readonly: "", rows: "3", "aria-label": "To copy" });
    box.value = text;
    root.append(box);
    box.select();
    told(false);
  };
  // Not there on a page without TLS, unless it is on this machine.
  if (navigator.clipboard === undefined) show();
  else navigator.clipboard.writeText(text).then(() => told(true), show);
}
