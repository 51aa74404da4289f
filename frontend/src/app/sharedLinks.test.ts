import { expect, test } from "vitest";
import { sharedLink } from "@/features/share/sharedLink";
import { videoLinkOf } from "@/lib/youtube";
import cases from "../../../tests/cases/youtube_links.json";

test.each(["url", "text", "title"])("what is shared as %s is read as what is pasted", (name) => {
  for (const { given, id, start } of cases.filter(({ id }) => id !== null)) {
    const found = videoLinkOf(sharedLink(new URLSearchParams({ [name]: given })));
    expect([given, found]).toEqual([given, { videoId: id, start }]);
  }
});
