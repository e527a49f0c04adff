/** The door in Node's own HTTP server: most requests are batches, and half of what one costs would be the way through a framework. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CollectorOptions } from '../app.js';
import type { Door, Knock, Unread } from './door.js';

/**
 * Answers what knocks at the door.
 * @returns whether it was for the door; if not, nothing was done
 */
export function nodeDoor(door: Door, path: string, log: CollectorOptions['log']) {
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const { method, url = '' } = request;
    if (method !== 'POST' && method !== 'OPTIONS') return false;
    if (url !== path && url.split('?')[0]!.replace(/\/$/, '') !== path) return false;
    const start = log && performance.now();
    const knock = {
      method,
      header: (name: string) => request.headers[name] as string | undefined,
      remote: request.socket.remoteAddress,
      text: (maxBytes: number, take: (bytes: number) => boolean) => readText(request, maxBytes, take),
    } as const;
    door(knock).then(
      ({ status, headers, body }) => {
        // What is left of a body that is too large is not waited for.
        if (!request.complete && method === 'POST') headers.Connection = 'close';
        response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
        if (!log) return;
        const ms = Math.round((performance.now() - start!) * 10) / 10;
        log.info({ method, route: path, status, ms }, 'request');
      },
      // Who knocked has gone away in the middle of it, or nothing can be asked just now.
      () =>
        request.complete && !response.headersSent
          ? response.writeHead(503, { 'Retry-After': '5' }).end()
          : response.destroy(),
    );
    return true;
  };
}

/** So much of a body that is too large is let by: who is answered in the middle of sending often does not see the answer. */
const LET_BY = 32 * 1024 * 1024;

function readText(
  request: IncomingMessage,
  maxBytes: number,
  take: (bytes: number) => boolean,
): ReturnType<Knock['text']> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const stop = (refused: Unread) => {
      request.removeAllListeners('data').pause();
      resolve({ refused });
    };
    if (Number(request.headers['content-length']) > maxBytes + LET_BY) return stop('too_large');
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes + LET_BY) stop('too_large');
      else if (bytes > maxBytes) chunks.length = 0;
      else if (take(chunk.length)) chunks.push(chunk);
      else stop('busy');
    });
    request.on('end', () => {
      if (bytes > maxBytes) return resolve({ refused: 'too_large' });
      const text = (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString();
      resolve({ text: text.replace(/^\uFEFF/, '') });
    });
    request.on('error', reject);
    // Errors are dear to make: one for each request would be a twentieth of this thread's time.
    request.on('close', () => request.complete || reject(new Error('the request was given up')));
  });
}
