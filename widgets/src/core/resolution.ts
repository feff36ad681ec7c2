import type { Listeners } from "./listeners";

/** Calls `changed` when the number of device pixels per CSS pixel changes, by zooming or moving to another screen. */
export function watchResolution(listeners: Listeners, changed: () => void): void {
  let media: MediaQueryList | undefined;
  const look = (): void => {
    media?.removeEventListener("change", again);
    media = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    media.addEventListener("change", again);
  };
  const again = (): void => {
    look();
    changed();
  };
  look();
  listeners.add(() => media?.removeEventListener("change", again));
}
