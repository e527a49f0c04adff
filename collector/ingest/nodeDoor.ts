/** The door in Node's own HTTP server: most requests are batches, and half of what one costs would be the way through a framework. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CollectorOptions } from '../app.js';
import type { Door } from './door.js';

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
      text: (maxBytes: number) => readText(request, maxBytes),
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

function readText(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  if (Number(request.headers['content-length']) > maxBytes) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        request.removeAllListeners('data').pause();
        resolve(undefined);
      } else chunks.push(chunk);
    });
    request.on('end', () => {
      const text = (chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString();
      resolve(text.replace(/^\uFEFF/, ''));
    });
    request.on('error', reject);
    // Errors are dear to make: one for each request would be a twentieth of this thread's time.
    request.on('close', () => request.complete || reject(new Error('the request was given up')));
  });
}
