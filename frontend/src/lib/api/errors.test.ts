import { expect, test } from "vitest";
import { ApiError, errorOf, messageOf } from "./errors";

const refused = (status: number, body: string) => errorOf(new Response(body, { status }));
const envelope = (code: string, message: string, details?: unknown) =>
  JSON.stringify({ error: { code, message, details } });

test("a sentence of the server is kept, and ends like one", async () => {
  const error = await refused(409, envelope("CONFLICT", "Email already exists"));
  expect(error.message).toBe("Email already exists.");
  expect(error.code).toBe("CONFLICT");
});

test("a validation's problems are told by field, in words", async () => {
  const details = [
    { field: "email", message: "Value error, Invalid email format", type: "value_error" },
    { field: "name", message: "Field required", type: "missing" },
  ];
  const error = await refused(
    422,
    envelope("VALIDATION_ERROR", "Request validation failed", details),
  );
  expect(error.fields).toEqual({ email: "Invalid email format.", name: "Please fill this in." });
  expect(error.message).toBe("Invalid email format.");
});

test("a proxy's page becomes a sentence too", async () => {
  const error = await refused(502, "<html>Bad gateway</html>");
  expect(error.message).toBe("Something went wrong on our side. Please try again.");
});

test("details that are no list are no fields", () => {
  const error = new ApiError(429, "RATE_LIMIT_EXCEEDED", "", { reset_in_seconds: 5 });
  expect(error.fields).toEqual({});
});

test("what is not ours says nothing technical", () => {
  expect(messageOf(new TypeError("x is not a function"))).not.toContain("function");
});
