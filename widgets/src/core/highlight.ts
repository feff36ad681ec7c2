import { element } from "./dom";

/** English words that would mark half of every text; so would any of one or two plain letters. */
const COMMON = /^([a-z]{1,2}|and|are|but|does|for|from|how|its|not|that|the|this|was|were|what|when|where|which|who|why|with)$/;

/** The words of a query that are worth marking in a text. */
export function queryTerms(query: string): string[] {
  const words = query.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return [...new Set(words)].filter((word) => !COMMON.test(word)).sort((a, b) => b.length - a.length);
}

/** Splits `text` into text and <mark> nodes around the terms (lower case, longest first) that begin a word in it. */
export function highlight(text: string, terms: readonly string[]): (Node | string)[] {
  const lower = text.toLowerCase();
  // Lower-casing can lengthen a text ("İ" becomes two units): positions would no longer agree, so match as written.
  const haystack = lower.length === text.length ? lower : text;
  const parts: (Node | string)[] = [];
  let from = 0;
  for (;;) {
    let start = -1;
    let length = 0;
    for (const term of terms) {
      const at = wordStart(haystack, term, from);
      if (at >= 0 && (start < 0 || at < start)) [start, length] = [at, term.length];
    }
    if (start < 0) break;
    parts.push(text.slice(from, start), element("mark", {}, text.slice(start, start + length)));
    from = start + length;
  }
  return [...parts, text.slice(from)];
}

/** Where `term` first begins a word at or after `from`, or -1. Scripts without spaces have no inner words to avoid. */
function wordStart(haystack: string, term: string, from: number): number {
  let at = haystack.indexOf(term, from);
  while (at > 0 && /[a-z0-9]/.test(haystack.charAt(at - 1))) at = haystack.indexOf(term, at + 1);
  return at;
}
