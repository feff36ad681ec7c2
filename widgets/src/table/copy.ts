import { element } from "../core/dom";

/** Copies a text, or shows it selected in a box if the browser does not allow copying. */
export function copy(root: HTMLElement, text: string, onDone: (copied: boolean) => void): void {
  const show = (): void => {
    root.querySelector(".cl-copy")?.remove();
    const box = element("textarea", { class: "cl-copy", readonly: "", rows: "3", "aria-label": "Text to copy" });
    box.value = text;
    root.append(box);
    box.select();
    onDone(false);
  };
  // Not available on a page without TLS, unless it is served from localhost.
  if (navigator.clipboard === undefined) show();
  else navigator.clipboard.writeText(text).then(() => onDone(true), show);
}
