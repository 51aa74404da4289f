import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { expect, test } from "vitest";
import { Dialog } from "./Dialog";
import { Menu } from "./Menu";
import { Tabs } from "./Tabs";

test("a menu moves by arrows and first letters, and gives the focus back on Escape", async () => {
  const person = userEvent.setup();
  const items = ["Copy", "Delete", "Edit"].map((label) => ({ label, onSelect: () => undefined }));
  render(
    <Menu label="Note" items={items}>
      More
    </Menu>,
  );
  const button = screen.getByRole("button", { name: "Note" });
  await person.click(button);
  expect(screen.getByRole("menuitem", { name: "Copy" })).toHaveFocus();
  await person.keyboard("{ArrowUp}");
  expect(screen.getByRole("menuitem", { name: "Edit" })).toHaveFocus();
  await person.keyboard("d");
  expect(screen.getByRole("menuitem", { name: "Delete" })).toHaveFocus();
  await person.keyboard("{Escape}");
  expect(screen.queryByRole("menu")).toBeNull();
  expect(button).toHaveFocus();
});

test("the arrows choose the next tab, and only the chosen one is a tab stop", async () => {
  const person = userEvent.setup();
  const tabs = [
    { id: "a", label: "A" },
    { id: "b", label: "B" },
  ] as const;
  function Page() {
    const [chosen, setChosen] = useState<"a" | "b">("a");
    return (
      <Tabs label="Letters" tabs={[...tabs]} chosen={chosen} onChoose={setChosen}>
        panel {chosen}
      </Tabs>
    );
  }
  render(<Page />);
  await person.tab();
  await person.keyboard("{ArrowRight}");
  expect(screen.getByRole("tab", { name: "B" })).toHaveFocus();
  expect(screen.getByRole("tabpanel", { name: "B" })).toHaveTextContent("panel b");
  expect(screen.getByRole("tab", { name: "A" })).toHaveAttribute("tabindex", "-1");
});

test("a dialog that closes gives the focus back", async () => {
  const person = userEvent.setup();
  function Page() {
    const [open, setOpen] = useState(false);
    return (
      <>
        <button onClick={() => setOpen(true)}>Open</button>
        {open && (
          <Dialog title="Sure?" onClose={() => setOpen(false)}>
            text
          </Dialog>
        )}
      </>
    );
  }
  render(<Page />);
  await person.click(screen.getByRole("button", { name: "Open" }));
  expect(screen.getByRole("dialog", { name: "Sure?" })).toBeVisible();
  await person.click(screen.getByRole("button", { name: "Close" }));
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(screen.getByRole("button", { name: "Open" })).toHaveFocus();
});
