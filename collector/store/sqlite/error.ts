/** A reason not to go on that the owner can act on: printed as one line. */
export class StoreError extends Error {}

/** What the owner can do, by the code of an error of the file system or of SQLite. */
const HINTS: Record<string, string> = {
  EACCES: 'it cannot be written; give this user write access or choose another with --data',
  EROFS: 'it is on a read-only disk; choose another with --data',
  ENOTDIR: 'a part of this path is a file; choose another with --data',
  EEXIST: 'a file is in its place; choose another',
  ENOENT: 'it is not there, or cannot be made there',
  EISDIR: 'it is a folder; expected a file',
  ENOSPC: 'the disk is full',
  SQLITE_READONLY: 'stagetag.sqlite in it cannot be written; give this user write access',
  SQLITE_CANTOPEN: 'a database in it cannot be opened; check the permissions, or choose another with --data',
  SQLITE_NOTADB: 'stagetag.sqlite in it is not a database; restore a backup',
  SQLITE_CORRUPT: 'stagetag.sqlite in it is damaged; restore a backup',
  SQLITE_BUSY: 'another process is writing to it; try again later',
  SQLITE_FULL: 'the disk is full',
};

/** Makes one line of an error of the file system or of SQLite; undefined where it is neither, but a mistake of ours. */
export function explainError(error: unknown): string | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || !/^(SQLITE_|E[A-Z]+$)/.test(code)) return undefined;
  return `${HINTS[code] ?? message.split('\n')[0]} (${code})`;
}
