/** Copies a text, and says that it did. */

import { useState } from "react";
import { toast } from "@/lib/toasts";
import { Button } from "./Button";

const SAID_MS = 2000;

export function CopyButton({ text, label = "Copy" }: { text: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      setTimeout(() => setCopied(false), SAID_MS);
    } catch {
      toast("The browser did not allow copying. Select the text and copy it.", { tone: "danger" });
    }
  };
  return (
    <Button size="sm" icon={copied ? "check" : "copy"} onClick={copy}>
      <span aria-live="polite">{copied ? "Copied" : label}</span>
    </Button>
  );
}
