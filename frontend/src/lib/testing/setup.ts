/** What jsdom lacks of a browser. */

import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";
import { admin, session } from "@/lib/auth/credentials";

configure({ asyncUtilTimeout: 10_000 }); // a busy machine is no failure

HTMLDialogElement.prototype.showModal = function () {
  this.open = true;
};
HTMLDialogElement.prototype.close = function () {
  this.open = false;
  this.dispatchEvent(new Event("close"));
};

Element.prototype.scrollIntoView = () => undefined;
Element.prototype.checkVisibility = () => true; // jsdom draws nothing
window.matchMedia = (media) => Object.assign(new EventTarget(), { media, matches: false }) as never;

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  session.close();
  admin.close();
  localStorage.clear();
  sessionStorage.clear();
});
