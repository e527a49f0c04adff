import { MessageChannel, type Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { Caller, serve } from '../../collector/threads/rpc.js';

function connect(methods: Record<string, (...args: never[]) => unknown>) {
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => port1.close());
  let messages = 0;
  port1.on('message', () => messages++);
  serve(port2, () => {}, methods);
  return { caller: new Caller(port1 as unknown as Worker), messages: () => messages };
}

test('what is asked for in one go is answered in one message, each call by itself', async () => {
  const { caller, messages } = connect({
    double: (number: number) => number * 2,
    fail: () => {
      throw Object.assign(new Error('no'), { code: 'NO' });
    },
  });
  const calls = [caller.call('double', [1]), caller.call('fail', []), caller.call('double', [3])];
  const settled = await Promise.allSettled(calls);
  expect(settled).toMatchObject([
    { value: 2 },
    { status: 'rejected', reason: { message: 'no', code: 'NO' } },
    { value: 6 },
  ]);
  expect(messages()).toBe(1);
});

test('what cannot travel between threads fails alone, on the way there and on the way back', async () => {
  const { caller } = connect({ echo: (value: unknown) => value, secret: () => () => 1 });
  const there = [caller.call('echo', [1]), caller.call('echo', [() => 1]), caller.call('echo', [2])];
  expect(await Promise.allSettled(there)).toMatchObject([
    { value: 1 },
    { status: 'rejected', reason: { message: expect.stringContaining('could not be cloned') as string } },
    { value: 2 },
  ]);
  const back = [caller.call('echo', [1]), caller.call('secret', []), caller.call('echo', [2])];
  expect(await Promise.allSettled(back)).toMatchObject([
    { value: 1 },
    { status: 'rejected', reason: { message: expect.stringContaining('could not be cloned') as string } },
    { value: 2 },
  ]);
});
