/** Google's own button, where the server knows its client id; nothing elsewhere. */

import { useQuery } from "@tanstack/react-query";
import { useEffect, useEffectEvent, useRef, useState } from "react";
import { configQuery } from "@/lib/api/queries";
import { loadGoogle } from "@/lib/google";

/** ``onCredential`` gets the ID token of who signed in. */
export function GoogleButton(props: { onCredential: (credential: string) => void }) {
  const { data: config } = useQuery(configQuery);
  return config?.google_client_id ? <Button clientId={config.google_client_id} {...props} /> : null;
}

function Button({
  clientId,
  onCredential,
}: {
  clientId: string;
  onCredential: (credential: string) => void;
}) {
  const place = useRef<HTMLDivElement>(null);
  const [blocked, setBlocked] = useState(false);
  const onAnswer = useEffectEvent(onCredential);
  useEffect(() => {
    loadGoogle()
      .then((google) => {
        if (!place.current) return;
        google.initialize({
          client_id: clientId,
          callback: ({ credential }) => onAnswer(credential),
        });
        google.renderButton(place.current, { theme: "outline", size: "large", width: 320 });
      })
      .catch(() => setBlocked(true));
  }, [clientId]);
  if (blocked) return <p className="text-sm text-soft">Google’s sign-in could not be loaded.</p>;
  return <div ref={place} className="flex min-h-11 justify-center" />;
}
