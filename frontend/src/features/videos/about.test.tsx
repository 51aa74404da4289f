import { fireEvent, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { About } from "./About";

test("the times of a summary play the moment, but for those behind the video's end and in code", () => {
  const onSeek = vi.fn();
  const summary = "- [0:30] The **alarm [1:01:00]**\n- [9:59:59] never\n- `[0:10]` and [12]";
  const { container } = render(
    <About summary={summary} hasTranscript lengthS={3661} onSeek={onSeek} />,
  );
  const chips = screen.getAllByRole("button");
  expect(chips.map(({ textContent }) => textContent)).toEqual(["0:30", "1:01:00"]);
  expect(container).toHaveTextContent("[9:59:59] never [0:10] and [12]");
  fireEvent.click(screen.getByRole("button", { name: "Play from 1:01:00" }));
  expect(onSeek).toHaveBeenCalledWith(3660);
});

test("where nobody knows how long the video is, every time may be tried", () => {
  render(<About summary="[9:59:59]" hasTranscript onSeek={() => undefined} />);
  expect(screen.getByRole("button", { name: "Play from 9:59:59" })).toBeVisible();
});
