/** The event browser: newest first, narrowed by filters. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { Button } from "@/components/Button";
import { Card } from "@/components/Card";
import { Field } from "@/components/Field";
import { EmptyState } from "@/components/States";
import { cx } from "@/lib/classes";
import { Answered } from "./Answered";
import { EventTable } from "./EventTable";
import { FILTERS, filtersOf, searchOf } from "./filters";
import { eventsQuery } from "./queries";

export function EventsPage() {
  const [search, setSearch] = useSearchParams();
  const events = useInfiniteQuery(eventsQuery(filtersOf(search)));
  return (
    <div className="grid gap-4">
      <Filters key={search.toString()} search={search} onFilter={setSearch} />
      <Answered query={events}>
        {({ pages }) => {
          const found = pages.flatMap((page) => page.events);
          if (!found.length) return <EmptyState icon="history" title="No matching events" />;
          return <EventTable events={found} />;
        }}
      </Answered>
      {events.hasNextPage && (
        <Button
          className="justify-self-center"
          busy={events.isFetchingNextPage}
          onClick={() => void events.fetchNextPage()}
        >
          Older events
        </Button>
      )}
    </div>
  );
}

function Filters({
  search,
  onFilter,
}: {
  search: URLSearchParams;
  onFilter: (search: Record<string, string>) => void;
}) {
  const [open, setOpen] = useState(false);
  return (
    <Card className="p-4 sm:p-4">
      <Button
        look="quiet"
        icon="search"
        className="w-full sm:hidden"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        Filters{search.size > 0 && ` (${search.size})`}
      </Button>
      <form
        role="search"
        aria-label="Filter events"
        className={cx("grid gap-3 sm:grid-cols-2 lg:grid-cols-4", open ? "mt-3" : "max-sm:hidden")}
        onSubmit={(event) => {
          event.preventDefault();
          onFilter(searchOf(new FormData(event.currentTarget)));
        }}
      >
        {FILTERS.map(({ name, label, placeholder }) => (
          <Field
            key={name}
            name={name}
            label={label}
            placeholder={placeholder}
            autoComplete="off"
            spellCheck={false}
            defaultValue={search.get(name) ?? ""}
          />
        ))}
        <div className="flex gap-2 sm:col-span-full sm:justify-end">
          <Button size="sm" look="quiet" onClick={() => onFilter({})}>
            Clear
          </Button>
          <Button size="sm" look="primary" type="submit">
            Filter
          </Button>
        </div>
      </form>
    </Card>
  );
}
