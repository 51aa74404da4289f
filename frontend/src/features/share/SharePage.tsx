/** Where the phone's share sheet leads: opens the video that was shared. */

import { useEffect, useRef } from "react";
import { useSearchParams } from "react-router";
import { OpenVideo } from "@/components/OpenVideo";
import { Loading, Spinner } from "@/components/Spinner";
import { EmptyState } from "@/components/States";
import { messageOf } from "@/lib/api/errors";
import { useOpenVideo } from "@/lib/api/useOpenVideo";
import { useTitle } from "@/lib/title";
import { sharedLink } from "./sharedLink";

export function SharePage() {
  useTitle("Opening");
  const [search] = useSearchParams();
  const { mutate, isError, error } = useOpenVideo();
  const begun = useRef(false);
  useEffect(() => {
    if (begun.current) return;
    begun.current = true;
    mutate(sharedLink(search));
  }, [mutate, search]);
  if (isError) {
    return (
      <EmptyState as="h1" icon="link" title="That could not be opened">
        <p role="alert" className="mb-6">
          {messageOf(error)}
        </p>
        <OpenVideo action="Open" />
      </EmptyState>
    );
  }
  return (
    <div className="grid place-items-center py-24 text-2xl text-accent">
      <Spinner />
      <Loading label="Opening the video" />
    </div>
  );
}
