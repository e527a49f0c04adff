let last = 0;

/**
 * Makes a UUIDv7 (RFC 9562). Ids made one after the other on a page are in order: within a millisecond the next one's is taken.
 * `crypto.randomUUID` is of version 4 and needs a secure page.
 */
export function uuidV7(time: number): string {
  // A page may have made the clock tell fractions.
  last = Math.floor(Math.max(time, last + 1));
  const head = last.toString(16).padStart(12, '0').replace(/.{8}/, '$&-');
  const random = crypto.getRandomValues(new Uint8Array(36));
  return `${head}-7xxx-8xxx-xxxxxxxxxxxx`.replace(/x/g, (_, at: number) => (random[at]! % 16).toString(16));
}
