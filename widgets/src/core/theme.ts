import type { Listeners } from "./listeners";

export type Theme = "light" | "dark";

/** The background color of the page, in hosts that define it: JupyterLab and Notebook, VS Code, Colab. */
const BACKGROUNDS = ["--jp-layout-color0", "--vscode-editor-background", "--colab-primary-surface-color"];

/** Returns whether the page around `root` is light or dark. */
export function themeOf(root: HTMLElement): Theme {
  const isLight = document.body.dataset.jpThemeLight;
  if (isLight !== undefined) return isLight === "false" ? "dark" : "light";
  const style = getComputedStyle(root);
  for (const name of BACKGROUNDS) {
    const luminance = luminanceOf(style.getPropertyValue(name).trim(), root);
    if (luminance !== undefined) return luminance < 0.5 ? "dark" : "light";
  }
  if (document.documentElement.getAttribute("theme") === "dark") return "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Keeps `root.dataset.theme` up to date, and calls `onChange` after each change of the page's theme. */
export function watchTheme(root: HTMLElement, listeners: Listeners, onChange: (theme: Theme) => void): void {
  const look = (): void => {
    const theme = themeOf(root);
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    onChange(theme);
  };
  const observer = new MutationObserver(look);
  const attributeFilter = ["class", "style", "theme", "data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind"];
  observer.observe(document.body, { attributes: true, attributeFilter });
  observer.observe(document.documentElement, { attributes: true, attributeFilter });
  listeners.add(() => observer.disconnect());
  listeners.onTarget(matchMedia("(prefers-color-scheme: dark)"), "change", look);
  look();
}

/** Returns whether the user prefers reduced motion. */
export function reducedMotion(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** Returns the relative luminance of a CSS color, from 0 to 1; undefined if it is missing or transparent. */
function luminanceOf(color: string, root: HTMLElement): number | undefined {
  if (color === "") return undefined;
  const probe = document.createElement("span");
  probe.style.color = color;
  if (probe.style.color === "") return undefined;
  root.append(probe);
  const parts = getComputedStyle(probe).color.match(/[\d.]+/g)?.map(Number) ?? [];
  probe.remove();
  const [red, green, blue, alpha = 1] = parts;
  if (red === undefined || green === undefined || blue === undefined || alpha === 0) return undefined;
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
}
