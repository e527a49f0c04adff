/** Tells those who look at a site that something of it was stored. */
export class Changes {
  readonly #heard = new Map<string, Set<(isOver: boolean) => void>>();
  #isOver = false;

  note(siteKey: string): void {
    for (const hear of this.#heard.get(siteKey) ?? []) hear(false);
  }

  /** @param hear called when something was stored, and when nothing will be any more @returns ends it */
  listen(siteKey: string, hear: (isOver: boolean) => void): () => void {
    const all = this.#heard.get(siteKey) ?? new Set();
    this.#heard.set(siteKey, all.add(hear));
    if (this.#isOver) hear(true);
    return () => {
      all.delete(hear);
      if (!all.size) this.#heard.delete(siteKey);
    };
  }

  /** The collector stops: nobody is to wait. */
  end(): void {
    this.#isOver = true;
    for (const all of this.#heard.values()) for (const hear of all) hear(true);
  }
}
