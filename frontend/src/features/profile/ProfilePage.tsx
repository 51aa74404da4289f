/** The account: name, AI notes, API key, export, deletion. */

import { useQuery } from "@tanstack/react-query";
import { Loading, Skeleton } from "@/components/Spinner";
import { ErrorState } from "@/components/States";
import { profileQuery } from "@/lib/api/queries";
import { useTitle } from "@/lib/title";
import { AiNotes } from "./AiNotes";
import { DataSection } from "./DataSection";
import { DeleteAccount } from "./DeleteAccount";
import { NameForm } from "./NameForm";
import { SecuritySection } from "./SecuritySection";
import { TokenSection } from "./TokenSection";

export function ProfilePage() {
  useTitle("Profile");
  return (
    <div className="mx-auto grid max-w-2xl gap-6">
      <h1 className="text-2xl">Profile</h1>
      <Sections />
    </div>
  );
}

function Sections() {
  const profile = useQuery(profileQuery);
  if (profile.isPending) return <LoadingSections />;
  if (profile.isError)
    return <ErrorState error={profile.error} onRetry={() => void profile.refetch()} />;
  return (
    <>
      <NameForm profile={profile.data} />
      <AiNotes profile={profile.data} />
      <TokenSection profile={profile.data} />
      <SecuritySection />
      <DataSection />
      <DeleteAccount />
    </>
  );
}

function LoadingSections() {
  return (
    <Loading label="Your profile is loading">
      <div className="grid gap-6">
        <Skeleton className="h-60" />
        <Skeleton className="h-28" />
        <Skeleton className="h-44" />
      </div>
    </Loading>
  );
}
