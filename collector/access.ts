/** Who may read and change: the admin token, a user's token, or a session that a sign-in began. Tokens are kept as hashes. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { ROLES, type RemoteStore, type Role, type Who } from './store/store.js';

const DAY_MS = 86_400_000;
export const SESSION_DAYS = 14;

const hash = (token: string) => createHash('sha256').update(token).digest('hex');

/** A new token, and by what it is known again. */
export function makeToken(): { token: string; tokenHash: string } {
  const token = randomBytes(24).toString('base64url');
  return { token, tokenHash: hash(token) };
}

/** Names that mean somebody else, or nothing in an address. */
const RESERVED = /^(admin|\.\.?)$/i;
const MAX_NAME = 200;

/** What is expected of a user's name, where it is none. */
export const wrongName = (name: unknown): string | undefined =>
  typeof name !== 'string' || !name.trim() || name.length > MAX_NAME || RESERVED.test(name.trim())
    ? `name: expected a text of 1 to ${MAX_NAME} characters that is not admin`
    : undefined;

/** Whether a role may do what takes another. */
export const mayAct = (role: Role, needed: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(needed);

export class Access {
  readonly #adminHash: string | undefined;

  constructor(
    private readonly store: RemoteStore,
    private readonly now: () => number,
    adminToken: string | undefined,
  ) {
    this.#adminHash = adminToken ? hash(adminToken) : undefined;
  }

  /** Whose token it is; undefined where it is none. */
  async whoHas(token: string): Promise<Who | undefined> {
    return this.#isAdmin(token) ? { name: null, role: 'owner' } : this.store.userOf(hash(token));
  }

  /** Whose session it is; undefined where it is none, or has ended. */
  async whoIsIn(session: string): Promise<Who | undefined> {
    const owner = await this.store.sessionUser(this.#ownersHash(session), this.now());
    if (owner) return owner;
    const user = await this.store.sessionUser(hash(session), this.now());
    return user?.name ? user : this.#guestOf(session);
  }

  /** What is kept of a session of the owner's own: with another admin token it is none any more. */
  #ownersHash(session: string): string {
    return hash(session + (this.#adminHash ?? ''));
  }

  /** Whoever has the token of a link that shows a site is its guest for as long as the link works. */
  async #guestOf(token: string): Promise<Who | undefined> {
    const siteKey = await this.store.siteOfShare(hash(token), this.now());
    return siteKey === undefined ? undefined : { name: null, role: 'guest', siteKey };
  }

  /**
   * Begins a session for a token, or for a sign-in link's, which then is used up.
   * @param byLink whether it came in an address, which anybody can write into a page: then no user's is taken
   * @returns undefined where it is neither
   */
  async signIn(token: string, byLink?: boolean): Promise<string | undefined> {
    const user = byLink || this.#isAdmin(token) ? undefined : await this.store.userOf(hash(token));
    const isKnown = user || this.#isAdmin(token) || (await this.store.takeToken(hash(token), 'link', this.now()));
    return isKnown ? this.#add('session', SESSION_DAYS, user?.name) : undefined;
  }

  async signOut(session: string): Promise<void> {
    for (const each of [hash(session), this.#ownersHash(session)])
      await this.store.takeToken(each, 'session', this.now());
  }

  /** Makes a token that signs the owner in once, within a day. */
  addLink(): Promise<string> {
    return this.#add('link', 1);
  }

  #isAdmin(token: string): boolean {
    return !!this.#adminHash && timingSafeEqual(Buffer.from(hash(token)), Buffer.from(this.#adminHash));
  }

  async #add(kind: 'link' | 'session', days: number, user?: string): Promise<string> {
    const { token, tokenHash } = makeToken();
    const kept = kind === 'session' && !user ? this.#ownersHash(token) : tokenHash;
    await this.store.addToken({ hash: kept, kind, expiresAt: this.now() + days * DAY_MS, user });
    return token;
  }
}
