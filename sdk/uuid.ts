let last = 0;

/**
 * Makes a UUIDv7 (RFC 9562). Ids made one after the other on a page are in order: within a millisecond the next one's is taken.
 * `crypto.randomUUID` is of version 4 and needs a secure page.
 */
export function uuidV7(time: number): string {
  last = Math.max(time, last + 1);
  const random = Array.from(crypto.getRandomValues(new Uint8Array(18)), (byte) => (byte % 16).toString(16)).join('');
  const hex = `${last.toString(16).padStart(12, '0')}7${random.slice(0, 3)}8${random.slice(3)}`;
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
