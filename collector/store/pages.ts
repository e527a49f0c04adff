/** Rows of one page of a long reading. */
export const PAGE = 500;

/** Reads page by page, and lets others have their turn between. @param read gives the page behind a row, or the first */
export async function* pages<T>(read: (last: T | undefined) => Promise<T[]>): AsyncGenerator<T> {
  for (let last: T | undefined; ;) {
    const page = await read(last);
    yield* page;
    if (page.length < PAGE) return;
    last = page.at(-1);
    await new Promise(setImmediate);
  }
}
