import { expect, test } from "vitest";
import { Viewport } from "./viewport";

test("a view of ten million rows is exact at both ends and moves by single rows", () => {
  const view = new Viewport(30);
  view.resize(10_000_000, 300);
  expect(view.body).toBe(6_000_000);
  view.scrollTop = 6_000_000 - 300;
  expect(view.rows).toEqual([9_999_990, 10_000_000]);
  view.top -= 30;
  expect(view.rows).toEqual([9_999_989, 9_999_999]);
  view.reveal(5);
  expect(view.rows).toEqual([5, 15]);
  view.scrollTop = 0;
  expect(view.rows).toEqual([0, 10]);
});

test("a few rows do not fill the view", () => {
  const view = new Viewport(30);
  view.resize(3, 300);
  view.top = 50;
  expect([view.top, view.body, view.rows]).toEqual([0, 90, [0, 3]]);
});
