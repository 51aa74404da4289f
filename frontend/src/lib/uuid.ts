/** A random UUID; ``crypto.randomUUID`` exists only on https and localhost. */

export function uuid(): string {
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte, index) =>
    ((index === 6 ? (byte & 15) | 64 : index === 8 ? (byte & 63) | 128 : byte) + 256)
      .toString(16)
      .slice(1),
  );
  return hex.join("").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
