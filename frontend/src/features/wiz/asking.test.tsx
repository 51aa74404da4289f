import { screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { show } from "@/lib/testing/render";
import { serve } from "@/lib/testing/server";
import { WizPanel } from "./WizPanel";

const nothing = () => undefined;
const OTHERS = {
  title: null,
  summary: null,
  hasTranscript: true,
  onSeek: nothing,
  onNote: nothing,
};
const Page = () => <WizPanel videoId="W421vNri5hw" {...OTHERS} />;

/** A panel whose questions stay on their way until they are let go, to be refused. */
function panel() {
  serve({ "GET /api/wiz/conversations": [200, { conversations: [] }] });
  const answered = globalThis.fetch;
  let letGo: () => void = nothing;
  const gate = new Promise<void>((resolve) => (letGo = resolve));
  const asked = vi.fn();
  vi.stubGlobal("fetch", async (path: string, request: RequestInit) => {
    if (path === "/api/wiz/chat") {
      asked();
      await gate;
    }
    return answered(path, request);
  });
  return { ...show(Page, "/videos/W421vNri5hw"), asked, letGo };
}

test("what is typed while a question is on its way stays, is not asked yet, and both are there after a refusal", async () => {
  const { person, asked, letGo } = panel();
  const field = await screen.findByLabelText("Your question");
  await person.type(field, "Why?{Enter}");
  expect(field).toHaveValue("");
  await person.type(field, "And how?{Enter}");
  expect(field).toHaveValue("And how?");
  expect(asked).toHaveBeenCalledTimes(1);
  letGo();
  await waitFor(() => expect(field).toHaveValue("Why?\nAnd how?"));
});
