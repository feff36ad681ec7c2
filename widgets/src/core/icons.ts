const SVG = "http://www.w3.org/2000/svg";

const THUMB = "M2 10h4v11H2zM8 20V10l4-8c1.7 0 3 1.3 3 3l-1 4h6c1.2 0 2.1 1 2 2.2l-1 7.5c-.1 1.3-1.2 2.3-2.5 2.3H10c-1 0-2-.4-2-1z";

/** Creates a thumbs-up or thumbs-down icon in the current text color. The button around it needs a label. */
export function thumb(up: boolean): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [name, value] of [["viewBox", "0 0 24 24"], ["width", "16"], ["height", "16"], ["aria-hidden", "true"], ["focusable", "false"]] as const) {
    svg.setAttribute(name, value);
  }
  path.setAttribute("d", THUMB);
  path.setAttribute("fill", "currentColor");
  if (!up) path.setAttribute("transform", "rotate(180 12 12)");
  svg.append(path);
  return svg;
}
