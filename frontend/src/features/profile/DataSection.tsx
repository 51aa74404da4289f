/** Everything of the person, as files. */

import { useMutation } from "@tanstack/react-query";
import { Button } from "@/components/Button";
import { open } from "@/lib/api/client";
import { messageOf } from "@/lib/api/errors";
import { save } from "@/lib/save";
import { toast } from "@/lib/toasts";
import { Section } from "./Section";

export function DataSection() {
  const download = useMutation({
    mutationFn: async () => {
      const response = await open("get", "/api/user/export");
      save(await response.blob(), "vidwiz-export.zip");
    },
    onSuccess: () => toast("Your export is in your downloads."),
    onError: (error) => toast(messageOf(error), { tone: "danger" }),
  });
  return (
    <Section
      title="Your data"
      lead="Notes, summaries and conversations as Markdown that links into the videos, and as JSON and CSV."
    >
      <Button
        icon="download"
        className="justify-self-start"
        busy={download.isPending}
        onClick={() => download.mutate()}
      >
        Download a ZIP
      </Button>
    </Section>
  );
}
