// @vitest-environment jsdom
import { expect, test } from "vitest";
import { highlight, queryTerms } from "./highlight";

const marked = (text: string, query: string) =>
  highlight(text, queryTerms(query)).map((part) => (typeof part === "string" ? part : `[${part.textContent}]`)).join("");

test.each([
  ["Moons of the moon", "MOON a of", "[Moon]s of the [moon]"],
  ["other lathe", "the", "other lathe"],
  ["the theatre", "the art", "the theatre"],
  ["smart art", "art", "smart [art]"],
  ["c++ (draft).*", "draft .*", "c++ ([draft]).*"],
  ["photosynthesis", "photo photosynthesis", "[photosynthesis]"],
  ["İstanbul moon", "moon", "İstanbul [moon]"],
  ["月と猫", "猫", "月と[猫]"],
  ["", "moon", ""],
])("highlight(%j, %j) is %j", (text, query, expected) => {
  expect(marked(text, query)).toBe(expected);
});
