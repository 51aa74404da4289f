/** Browser storage under names of this VidWiz alone; where it is off or full, what is written lasts as long as the page. */

import { ownName } from "./basePath";

export interface Box {
  read(key: string): string | null;
  write(key: string, value: string | null): void;
  keys(): string[];
}

function box(storage: () => Storage): Box {
  const refused = new Map<string, string>();
  return {
    read(key) {
      try {
        return refused.get(key) ?? storage().getItem(ownName(key));
      } catch {
        return null; // storage is off
      }
    },
    write(key, value) {
      refused.delete(key);
      try {
        if (value === null) storage().removeItem(ownName(key));
        else storage().setItem(ownName(key), value);
      } catch {
        if (value !== null) refused.set(key, value);
      }
    },
    keys() {
      try {
        return [...refused.keys(), ...ownKeys(storage())];
      } catch {
        return [...refused.keys()]; // storage is off
      }
    },
  };
}

function ownKeys(storage: Storage): string[] {
  const prefix = ownName("");
  return Object.keys(storage)
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
}

export const lasting = box(() => localStorage);
export const ofThisTab = box(() => sessionStorage);
