import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ago } from "./ago";

beforeEach(() => void vi.useFakeTimers({ now: Date.parse("2026-06-15T12:00:00Z") }));
afterEach(() => void vi.useRealTimers());

test.each([
  ["2026-06-15T12:00:00+00:00", "just now"],
  ["2026-06-15T11:59:01+00:00", "just now"],
  ["2026-06-15T11:59:00+00:00", "1 minute ago"],
  ["2026-06-15T13:57:00+02:00", "3 minutes ago"],
  ["2026-06-15T07:30:00+00:00", "4 hours ago"],
  ["2026-06-13T12:00:00+00:00", "2 days ago"],
  ["2026-03-15T12:00:00+00:00", "3 months ago"],
  ["2024-06-14T12:00:00+00:00", "2 years ago"],
  ["2026-06-15T12:00:30+00:00", "just now"],
  ["2026-06-15T14:00:00+00:00", "in 2 hours"],
])("%s was %s", (iso, text) => expect(ago(iso)).toBe(text));
