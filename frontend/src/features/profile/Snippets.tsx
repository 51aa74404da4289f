/** The token put to use, by device. */

import { useState } from "react";
import { CopyButton } from "@/components/CopyButton";
import { Tabs } from "@/components/Tabs";
import { addressOf } from "@/lib/basePath";
import { type Device, snippetsFor } from "./snippets";

export function Snippets({ token }: { token: string }) {
  const [device, setDevice] = useState<Device>("curl");
  const snippets = snippetsFor(location.origin + addressOf("/api"), token);
  const tabs = (Object.keys(snippets) as Device[]).map((id) => ({ id, label: snippets[id].title }));
  const { steps, code } = snippets[device];
  return (
    <Tabs label="Use the API key" tabs={tabs} chosen={device} onChoose={setDevice}>
      <div className="grid grid-cols-1 gap-3 pt-4">
        <ol className="ml-5 grid list-decimal gap-1 text-sm text-soft">
          {steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        {/* A region that scrolls must be reachable by keyboard. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
        <pre tabIndex={0} className="overflow-x-auto rounded-md bg-sunken p-3 font-mono text-xs">
          {code.replaceAll(token, "YOUR_API_KEY")}
        </pre>
        <div className="flex justify-end">
          <CopyButton text={code} label="Copy with the API key" />
        </div>
      </div>
    </Tabs>
  );
}
