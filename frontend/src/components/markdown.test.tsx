import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { problems } from "@/lib/testing/axe";
import { Markdown } from "./Markdown";

function drawn(text: string) {
  const { container } = render(<Markdown text={text} />);
  const links = [...container.querySelectorAll("a")].map((link) => link.getAttribute("href"));
  return { container, links, text: container.textContent };
}

const EVIL = "https://evil.example/login";

test.each([
  ["inline", `[Sign in again](${EVIL})`, "Sign in again (evil.example)"],
  ["reference", `[Sign in][1]\n\n[1]: ${EVIL} "YouTube"`, "Sign in (evil.example)"],
  ["collapsed reference", `[Sign in][]\n\n[sign in]: ${EVIL}`, "Sign in (evil.example)"],
  ["shortcut reference", `[Sign in]\n\n[Sign in]: ${EVIL}`, "Sign in (evil.example)"],
  ["autolink", `<${EVIL}>`, EVIL],
  ["its own address", `[${EVIL}](${EVIL})`, EVIL],
  ["another address", `[https://youtube.com/](${EVIL})`, "https://youtube.com/ (evil.example)"],
  ["emphasis", `[**Sign** \`in\`](${EVIL})`, "Sign in (evil.example)"],
  ["no words", `[](${EVIL})`, " (evil.example)"],
  ["only blanks", `[\u00a0](${EVIL})`, "\u00a0 (evil.example)"],
  ["a picture", `[![Play](https://evil.example/p.png)](${EVIL})`, "Play (evil.example)"],
  ["words that turn round", `[\u202eelpmaxe](${EVIL})`, "\u202eelpmaxe (evil.example)"],
  [
    "words that name another host",
    `[in (youtube.com)](${EVIL})`,
    "in (youtube.com) (evil.example)",
  ],
])("a link says where it leads: %s", (_, markdown, text) => {
  const its = drawn(markdown);
  expect(its.links).toEqual([EVIL]);
  expect(its.text).toBe(text);
  expect(its.container.querySelector("img")).toBeNull();
});

test.each([
  ["a foreign script, as the browser would ask for it", "https://аррӏе.com/", "xn--80ak6aa92e.com"],
  ["a foreign script in its own address", "<https://аррӏе.com/>", "xn--80ak6aa92e.com"],
  ["full width", "https://ｅｖｉｌ.example/", "evil.example"],
  ["a port", "https://youtube.com.evil.example:8443/x", "youtube.com.evil.example:8443"],
  ["a number", "http://2130706433/", "127.0.0.1"],
  ["upper case", "HTTPS://EVIL.example/", "evil.example"],
  ["a tab within the host", "<https://ev\til.example/>", null],
])("the host is the one that is asked: %s", (_, href, host) => {
  const its = drawn(href.startsWith("<") ? href : `[x](${href})`);
  if (host === null) expect(its.links).toEqual([]);
  else expect(its.text).toMatch(new RegExp(`\\(${host.replaceAll(".", "\\.")}\\)$`));
});

test.each([
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert(1))",
  "[x](<java\tscript:alert(1)>)",
  "[x](java&#9;script:alert(1))",
  "[x](&#106;avascript:alert(1))",
  "[x](<ht\ttps://evil.example>)",
  "[x](data:text/html,<script>x</script>)",
  "[x](vbscript:x)",
  "[x](file:///etc/passwd)",
  "[x](mailto:a@evil.example)",
  "[x](tel:1)",
  "[x](intent://evil.example#Intent;end)",
  "[x](//evil.example)",
  "[x](\\\\evil.example)",
  "[x](/profile)",
  "[x](?q=1)",
  "[x](https:evil.example)",
  "[x](https:/evil.example)",
  "[x](https:///evil.example)",
  "[x](http://)",
  "[x](https://youtube.com@evil.example/)",
  String.raw`[x](https://evil.example\\@youtube.com/)`,
  "[x](https://youtube.com:443@evil.example/)",
  "[x][1]\n\n[1]: javascript:alert(1)",
  "<javascript:alert(1)>",
  "<a@evil.example>",
])("what leads elsewhere than to the web is only its words: %j", (markdown) => {
  expect(drawn(markdown).links).toEqual([]);
});

test.each([
  "https://evil.example/login",
  "www.evil.example",
  "see http://evil.example.",
  "a@evil.example",
  "https:\u2060//evil.example",
  "`https://evil.example`",
  "    https://evil.example",
  "\\[x\\](https://evil.example)",
  "[x] (https://evil.example)",
])("what merely looks like an address is none: %j", (markdown) => {
  expect(drawn(markdown).links).toEqual([]);
});

test.each([
  '<a href="https://evil.example">x</a>',
  "<img src=https://evil.example/p.png onerror=x()>",
  "<script>x()</script>",
  '<iframe src="https://evil.example"></iframe>',
  "<svg/onload=x()>",
  '<style>@import "https://evil.example"</style>',
  "![p](https://evil.example/p.png)",
  "![p][1]\n\n[1]: https://evil.example/p.png",
  "<b>bold</b> <!-- x -->",
])("no HTML and no picture is drawn or asked for: %j", (markdown) => {
  const { container } = drawn(markdown);
  expect(container.querySelectorAll("a, img, script, iframe, svg, style, b, link")).toHaveLength(0);
});

test("a picture is its words", () => {
  expect(drawn("A ![rocket](https://evil.example/p.png) rises").text).toBe("A rocket rises");
});

test("a link leads out in a new tab, gives nothing away, and is named by where it leads", async () => {
  drawn(`[Sign in](${EVIL})`);
  const link = screen.getByRole("link", { name: "Sign in (evil.example)" });
  expect(link).toHaveAttribute("rel", "noopener noreferrer nofollow");
  expect(link).toHaveAttribute("target", "_blank");
  expect(link).toHaveAttribute("title", EVIL);
  expect(link.querySelectorAll("bdi")).toHaveLength(2);
  expect(await problems()).toEqual([]);
});

test("quoted words are drawn, and so copied, without the joiners that keep them from being links", () => {
  const { text } = drawn(
    "he said https:\u2060//evil.example and `me@\u2060evil.example` 👩\u200d🚀",
  );
  expect(text).toBe("he said https://evil.example and me@evil.example 👩\u200d🚀");
});
