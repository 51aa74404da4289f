import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { Answer } from "./Answer";
import type { Citation } from "./citations";

const cite = (marker: string, at: number, more: Partial<Citation> = {}): Citation => ({
  marker,
  at,
  at_utf16: null,
  start: 62,
  end: 70,
  quote: "The master alarm rang.",
  ...more,
});

function answer(content: string, ...citations: Citation[]) {
  const onSeek = vi.fn();
  const { container } = render(<Answer content={content} citations={citations} onSeek={onSeek} />);
  return { container, onSeek };
}

const chips = () => screen.getAllByRole("button").map(({ textContent }) => textContent);

test("citations stand as chips where their markers stood, in whatever order they came", () => {
  const { container } = answer("First [1:02], then [3:04].", cite("[3:04]", 19), cite("[1:02]", 6));
  expect(chips()).toEqual(["1:02", "3:04"]);
  expect(container.textContent).toBe("First 1:02, then 3:04.");
});

test("several times in one pair of brackets are several chips", () => {
  answer("See [1:02, 3:04]", cite("1:02", 5), cite("3:04", 11));
  expect(chips()).toEqual(["1:02", "3:04"]);
});

test("a time that is cited twice has a chip at each place, within emphasis too", () => {
  const content = "🚀 **a [1:02]** and [1:02]";
  answer(content, cite("[1:02]", 6), cite("[1:02]", 19));
  expect(chips()).toEqual(["1:02", "1:02"]);
});

test("the place may be told as JavaScript counts", () => {
  answer("🚀 up [1:02]", cite("[1:02]", 0, { at_utf16: 6 }));
  expect(chips()).toEqual(["1:02"]);
});

test("a time in code, or one that nobody cites, stays text", () => {
  answer("`[1:02]` and [9:99]", cite("[1:02]", 1));
  expect(screen.queryByRole("button")).toBeNull();
});

test("a press seeks, and the focus shows what is said there until Escape", () => {
  const { onSeek } = answer("Then [1:02].", cite("[1:02]", 5));
  const chip = screen.getByRole("button", { name: "Play from 1:02" });
  fireEvent.focus(chip);
  expect(screen.getByRole("tooltip")).toHaveTextContent("The master alarm rang.");
  expect(chip).toHaveAccessibleDescription(/master alarm/);
  fireEvent.keyDown(chip, { key: "Escape" });
  expect(screen.queryByRole("tooltip")).toBeNull();
  fireEvent.click(chip);
  expect(onSeek).toHaveBeenCalledWith(62);
});

test("no HTML, no pictures, and no address but the web's come out of a model", () => {
  const { container } = answer(
    'A <b onclick="x()">b</b> <script>x()</script> ![p](https://e.example/p.png) [j](javascript:x()) [d](data:text/html,x) [m](mailto:a@b.example)',
  );
  expect(container.querySelectorAll("b, script, img, a, [onclick]")).toHaveLength(0);
});

test("a time within a link's words stays part of them", () => {
  const { container } = answer("[at [1:02]][1]\n\n[1]: https://e.example/", cite("[1:02]", 4));
  expect(screen.queryByRole("button")).toBeNull();
  expect(container.querySelectorAll("a a, a button")).toHaveLength(0);
});

test("links lead out in a new tab, and give nothing away", () => {
  answer("[NASA](https://nasa.example/)");
  const link = screen.getByRole("link", { name: "NASA (nasa.example)" });
  expect(link).toHaveAttribute("rel", "noopener noreferrer nofollow");
  expect(link).toHaveAttribute("target", "_blank");
});

test("an answer that is still arriving is drawn as far as it goes", () => {
  const { container } = answer("**So [1:0");
  expect(container.textContent).toBe("**So [1:0");
});
