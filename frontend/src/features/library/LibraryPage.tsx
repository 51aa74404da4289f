/** The dashboard: a person's videos, and the search in them. */

import { useState } from "react";
import { useSearchParams } from "react-router";
import { OpenVideo } from "@/components/OpenVideo";
import { useTitle } from "@/lib/title";
import { SearchField } from "./SearchField";
import { SearchResults } from "./SearchResults";
import { VideoList } from "./VideoList";

export function LibraryPage() {
  useTitle("Videos");
  const [search, setSearch] = useSearchParams();
  const [typed, setTyped] = useState(search.get("q") ?? "");
  const query = (search.get("q") ?? "").trim();
  const find = (q: string) =>
    setSearch(q ? { q } : {}, { replace: true, preventScrollReset: true });
  return (
    <div className="grid gap-6">
      <div className="grid items-start gap-x-8 gap-y-4 lg:grid-cols-[1fr_26rem]">
        <h1 className="text-2xl lg:leading-11">Your videos</h1>
        <OpenVideo action="Add video" />
      </div>
      <SearchField typed={typed} onType={setTyped} onSettle={find} />
      {query ? <SearchResults query={query} /> : <VideoList page={pageOf(search)} />}
    </div>
  );
}

function pageOf(search: URLSearchParams): number {
  const page = Number(search.get("page"));
  return Number.isInteger(page) && page > 0 ? page : 1;
}
