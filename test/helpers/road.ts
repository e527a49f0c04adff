/** The road between a page and the collector, on which a test puts obstacles; the same for every browser. */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * What happens to a batch: it gets through, late, no answer ever comes, it stops halfway, the line is cut after the commit, or it
 * gets this status.
 */
export type Obstacle = 'none' | 'slow' | 'hang' | 'stall' | 'cut' | 503 | 429;

export interface Road {
  url: string;
  /** What each of the next batches meets; after them there is no obstacle. */
  next: Obstacle[];
  /** What `Retry-After` says with a status. */
  retryAfter: string;
  /** Bodies of the batches that came this far, with their headers. */
  batches: Array<{ text: string; headers: IncomingMessage['headers']; method: string }>;
  /** Everything that came by: addresses, headers and bodies. */
  seen: string[];
  /** Addresses at which there is nothing, as where a blocker stands in the way. */
  missing?: RegExp;
  /** Refuses connections, as where no server runs. */
  close(): Promise<void>;
  open(): Promise<void>;
}

const bodyOf = async (request: IncomingMessage): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
};

/** Stands before a collector until the test ends. @param target gives its address once it is known */
export async function startRoad(target: () => string): Promise<Road> {
  const road = { next: [], batches: [], seen: [], retryAfter: '1' } as unknown as Road;
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    road.seen.push(JSON.stringify([request.url, request.headers, body.toString()]));
    if (road.missing?.test(request.url!)) {
      response.writeHead(404).end();
      return;
    }
    const isBatch = request.method === 'POST';
    const obstacle = (isBatch && road.next.shift()) || 'none';
    if (isBatch) road.batches.push({ text: body.toString(), headers: request.headers, method: request.method! });
    if (obstacle === 'hang') return;
    if (typeof obstacle === 'number') {
      response.writeHead(obstacle, {
        'Retry-After': road.retryAfter,
        'Access-Control-Allow-Origin': request.headers.origin ?? '*',
        'Access-Control-Expose-Headers': 'Retry-After',
      });
      response.end('{"error":"an obstacle"}');
      return;
    }
    const { origin, 'content-type': type, 'if-none-match': tag } = request.headers;
    const answer = await fetch(target() + request.url, {
      method: request.method!,
      headers: {
        ...(origin && { origin }),
        ...(type && { 'content-type': type }),
        ...(tag && { 'if-none-match': tag }),
      },
      ...(isBatch && { body: new Uint8Array(body) }),
    });
    const text = Buffer.from(await answer.arrayBuffer());
    if (obstacle === 'cut') {
      response.destroy();
      return;
    }
    const headers = Object.fromEntries(answer.headers);
    delete headers['content-encoding'];
    delete headers['transfer-encoding'];
    response.writeHead(answer.status, { ...headers, 'content-length': text.length });
    if (obstacle === 'stall') {
      response.write(text.subarray(0, 10));
      return;
    }
    if (obstacle === 'slow') await new Promise((resolve) => setTimeout(resolve, 1000));
    response.end(text);
  };
  let server: http.Server;
  let port = 0;
  road.open = () =>
    new Promise((resolve) => {
      server = http.createServer((request, response) => void pass(request, response).catch(() => response.destroy()));
      server.listen(port, '127.0.0.1', () => {
        ({ port } = server.address() as AddressInfo);
        resolve();
      });
    });
  road.close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  await road.open();
  road.url = `http://localhost:${port}`;
  onTestFinished(() => road.close());
  return road;
}
