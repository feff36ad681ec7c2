import type { Listeners } from "./listeners";

/** Key handlers by `event.key`, with letters in lowercase. A handler that returns false leaves the key to the notebook. */
export type Keys = Readonly<Record<string, (event: KeyboardEvent) => boolean | void>>;

/**
 * Handles keys inside `root`. Plain keys never reach the notebook, whose command mode would treat them as shortcuts.
 * In a text box, keys only type, except for Escape and Enter.
 */
export function onKeys(root: HTMLElement, listeners: Listeners, keys: Keys): void {
  listeners.onElement(root, "keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = isTyping(event.target);
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const handler = !event.isComposing && (!typing || key === "Escape" || key === "Enter") ? keys[key] : undefined;
    if (handler?.(event) === false) return;
    if (handler !== undefined) event.preventDefault();
    if (key !== "Tab") event.stopPropagation();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input:not([type=checkbox],[type=radio],[type=range]), textarea, select, [contenteditable]");
}
