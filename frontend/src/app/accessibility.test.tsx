import { screen } from "@testing-library/react";
import type { ComponentType } from "react";
import { expect, test } from "vitest";
import { AuditPage } from "@/features/audit/AuditPage";
import { EventPage } from "@/features/audit/EventPage";
import { EventsPage } from "@/features/audit/EventsPage";
import { LoginPage } from "@/features/account/LoginPage";
import { SignupPage } from "@/features/account/SignupPage";
import { HelpPage } from "@/features/help/HelpPage";
import { HomePage } from "@/features/home/HomePage";
import { LibraryPage } from "@/features/library/LibraryPage";
import { ProfilePage } from "@/features/profile/ProfilePage";
import { admin } from "@/lib/auth/credentials";
import { problems } from "@/lib/testing/axe";
import { show, signIn } from "@/lib/testing/render";
import { serve } from "@/lib/testing/server";
import { NotFoundPage } from "./NotFoundPage";

const event = {
  position: 7,
  stream: "note:17",
  version: 2,
  topic: "NoteEdited",
  data: { text: "the bang" },
  recorded_at: "2026-11-24T12:00:00Z",
  actor: "user:1",
  correlation_id: "abc",
  causation_id: "event:6",
  request_id: null,
  previous_hash: "aa",
  hash: "bb",
};
const changes = { text: { before: "a bang", after: "the bang" } };
const hit = {
  kind: "note",
  note_id: 1,
  seconds: 5,
  timestamp: "0:05",
  snippet: "bang",
  highlights: [[0, 4]],
};
const found = {
  video_id: "W421vNri5hw",
  title: "Apollo 13",
  metadata: null,
  hits: [hit],
  hit_count: 4,
};
const ANSWERS = {
  "GET /api/library": [200, { videos: [{ ...found, note_count: 2 }], total_pages: 3 }],
  "GET /api/search/all": [200, { query: "bang", total: 1, videos: [found] }],
  "GET /api/user/profile": [
    200,
    {
      name: "Ada",
      email: "ada@example.org",
      ai_notes_enabled: true,
      token_exists: true,
      long_term_token: "abc.def.ghi",
      created_at: "2026-11-24T12:00:00Z",
    },
  ],
  "GET /api/audit/events": [200, { events: [event], next: 5 }],
  "GET /api/audit/events/7": [200, { event, previous: event, next: null, changes }],
} satisfies Parameters<typeof serve>[0];

/** A page, its address, whether for a signed-in person, and a text that shows when it is there. */
const PAGES: [name: string, ComponentType, at: string, forPeople: boolean, text: RegExp][] = [
  ["landing", HomePage, "/", false, /pinned to the second/],
  ["log in", LoginPage, "/login", false, /Welcome back/],
  ["sign up", SignupPage, "/signup", false, /Make it yours/],
  ["help", HelpPage, "/help", false, /When there is no transcript/],
  ["not found", NotFoundPage, "/nowhere", false, /nothing at this address/],
  ["videos", LibraryPage, "/videos", true, /Page 1 of 3/],
  ["search", LibraryPage, "/videos?q=bang", true, /3 more in this video/],
  ["profile", ProfilePage, "/profile", true, /Revoke/],
  ["auditor's gate", AuditPage, "/admin", false, /Admin token/],
  ["events", EventsPage, "/admin", true, /NoteEdited/],
];

test.each(PAGES)("axe finds nothing on the page: %s", async (_, Page, at, forPeople, text) => {
  serve(ANSWERS);
  if (forPeople) signIn();
  show(Page, at);
  await screen.findByText(text);
  expect(await problems()).toEqual([]);
});

test("axe finds nothing on the page of an event", async () => {
  serve(ANSWERS);
  admin.open("root");
  show(EventPage, "/admin/events/7", "/admin/events/:position");
  await screen.findByText("event:6");
  expect(await problems()).toEqual([]);
});
