/** Browser storage; where it is off or full, what is written lasts as long as the page. */

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
        return refused.get(key) ?? storage().getItem(key);
      } catch {
        return null; // storage is off
      }
    },
    write(key, value) {
      refused.delete(key);
      try {
        if (value === null) storage().removeItem(key);
        else storage().setItem(key, value);
      } catch {
        if (value !== null) refused.set(key, value);
      }
    },
    keys() {
      try {
        return [...refused.keys(), ...Object.keys(storage())];
      } catch {
        return [...refused.keys()]; // storage is off
      }
    },
  };
}

export const lasting = box(() => localStorage);
export const ofThisTab = box(() => sessionStorage);
