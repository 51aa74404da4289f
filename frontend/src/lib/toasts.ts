/** Short messages that come and go; any module may say one, the shell shows them. */

export interface Toast {
  id: number;
  text: string;
  tone: "info" | "danger";
  action?: { label: string; run: () => void };
}

const LIFE_MS = 6000;
let toasts: Toast[] = [];
let last = 0;
const listeners = new Set<() => void>();

function put(next: Toast[]): void {
  toasts = next;
  listeners.forEach((listener) => listener());
}

export const toastStore = {
  read: (): Toast[] => toasts,
  subscribe: (listener: () => void): (() => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

/** Says it, and takes it away after a while; one with an action stays twice as long. */
export function toast(text: string, options: Partial<Pick<Toast, "tone" | "action">> = {}): void {
  const id = ++last;
  put([...toasts.slice(-2), { id, text, tone: "info", ...options }]);
  setTimeout(() => dismiss(id), options.action ? 2 * LIFE_MS : LIFE_MS);
}

export function dismiss(id: number): void {
  put(toasts.filter((one) => one.id !== id));
}
