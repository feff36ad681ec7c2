import { element } from "./dom";

/** English words that would highlight half of every text, as would any word of one or two plain letters. */
const COMMON = /^([a-z]{1,2}|and|are|but|does|for|from|how|its|not|that|the|this|was|were|what|when|where|which|who|why|with)$/;

/** Returns the words of a query that are worth highlighting in a text. */
export function queryTerms(query: string): string[] {
  const words = query.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  return [...new Set(words)].filter((word) => !COMMON.test(word)).sort((a, b) => b.length - a.length);
}

/** Splits `text` into text and <mark> nodes, which contain the terms (lowercase, longest first) that start a word. */
export function highlight(text: string, terms: readonly string[]): (Node | string)[] {
  const lower = text.toLowerCase();
  // Lowercasing can lengthen a text ("İ" becomes two code units) and shift positions; in that case, match it as written.
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

/** Finds where `term` first starts a word at or after `from`, or -1. Scripts without spaces have no word starts to check. */
function wordStart(haystack: string, term: string, from: number): number {
  let at = haystack.indexOf(term, from);
  while (at > 0 && /[a-z0-9]/.test(haystack.charAt(at - 1))) at = haystack.indexOf(term, at + 1);
  return at;
}
