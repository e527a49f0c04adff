/** Who may read: the admin token, or a session that a sign-in began. Tokens are kept as hashes. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { RemoteStore } from './store/store.js';

const DAY_MS = 86_400_000;
export const SESSION_DAYS = 14;

const hash = (token: string) => createHash('sha256').update(token).digest('hex');

export class Access {
  readonly #adminHash: string | undefined;

  constructor(
    private readonly store: RemoteStore,
    private readonly now: () => number,
    adminToken: string | undefined,
  ) {
    this.#adminHash = adminToken ? hash(adminToken) : undefined;
  }

  isAdmin(token: string): boolean {
    return !!this.#adminHash && timingSafeEqual(Buffer.from(hash(token)), Buffer.from(this.#adminHash));
  }

  hasSession(token: string): Promise<boolean> {
    return this.store.hasToken(hash(token), 'session', this.now());
  }

  /** Begins a session for the admin token or a sign-in link's token, which then is used up. @returns undefined where it is neither */
  async signIn(token: string): Promise<string | undefined> {
    if (!this.isAdmin(token) && !(await this.store.takeToken(hash(token), 'link', this.now()))) return undefined;
    return this.#add('session', SESSION_DAYS);
  }

  async signOut(session: string): Promise<void> {
    await this.store.takeToken(hash(session), 'session', this.now());
  }

  /** Makes a token that signs in once, within a day. */
  addLink(): Promise<string> {
    return this.#add('link', 1);
  }

  async #add(kind: 'link' | 'session', days: number): Promise<string> {
    const token = randomBytes(24).toString('base64url');
    await this.store.addToken({ hash: hash(token), kind, expiresAt: this.now() + days * DAY_MS });
    return token;
  }
}
