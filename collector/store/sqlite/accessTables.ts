/** Who may read and change: users, tokens by their hashes, and the key that tokens for others are signed with. */
import type Database from 'better-sqlite3';
import type { User, Who } from '../store.js';

export function userTable(database: Database.Database) {
  const all = database.prepare<[], User>('SELECT name, role, created_at AS createdAt FROM users ORDER BY name');
  const insert = database.prepare(
    'INSERT OR IGNORE INTO users (name, role, token_hash, created_at) VALUES (?, ?, ?, ?)',
  );
  const endSessions = database.prepare('DELETE FROM tokens WHERE user_id = (SELECT id FROM users WHERE name = ?)');
  const remove = database.prepare('DELETE FROM users WHERE name = ?');
  const byToken = database.prepare<[string], User>(
    'SELECT name, role, created_at AS createdAt FROM users WHERE token_hash = ?',
  );
  return {
    all: (): User[] => all.all(),
    add: ({ name, role, createdAt }: User, hash: string): boolean => !!insert.run(name, role, hash, createdAt).changes,
    remove(name: string): boolean {
      endSessions.run(name);
      return !!remove.run(name).changes;
    },
    byToken: (hash: string): User | undefined => byToken.get(hash),
  };
}

export function tokenTable(database: Database.Database) {
  const insert = database.prepare(
    'INSERT OR REPLACE INTO tokens (hash, kind, expires_at, user_id) VALUES (?, ?, ?, NULL)',
  );
  // Who was removed meanwhile gets no session, and least of all the owner's.
  const insertOf = database.prepare(
    'INSERT OR REPLACE INTO tokens (hash, kind, expires_at, user_id) SELECT ?, ?, ?, id FROM users WHERE name = ?',
  );
  // Whose user was removed has no session any more.
  const who = database.prepare<[string, number], Who>(
    `SELECT users.name, iif(user_id IS NULL, 'owner', users.role) AS role FROM tokens LEFT JOIN users ON users.id = user_id
     WHERE hash = ? AND kind = 'session' AND expires_at > ? AND (user_id IS NULL OR users.id IS NOT NULL)`,
  );
  const take = database.prepare('DELETE FROM tokens WHERE hash = ? AND kind = ? AND expires_at > ?');
  const expire = database.prepare('DELETE FROM tokens WHERE expires_at <= ?');
  return {
    add({ hash, kind, expiresAt, user }: { hash: string; kind: string; expiresAt: number; user?: string }): void {
      if (user === undefined) insert.run(hash, kind, expiresAt);
      else insertOf.run(hash, kind, expiresAt, user);
    },
    who: (hash: string, now: number): Who | undefined => who.get(hash, now),
    take(hash: string, kind: string, now: number): boolean {
      expire.run(now);
      return take.run(hash, kind, now).changes === 1;
    },
  };
}

export function keyTable(database: Database.Database) {
  const get = database
    .prepare<[], string>('SELECT private_jwk FROM signing_keys ORDER BY created_at DESC LIMIT 1')
    .pluck();
  const insert = database.prepare('INSERT INTO signing_keys (id, private_jwk, created_at) VALUES (?, ?, ?)');
  return {
    get: (): string | undefined => get.get(),
    add(jwk: string): string {
      insert.run((JSON.parse(jwk) as { kid: string }).kid, jwk, Date.now());
      return jwk;
    },
  };
}
