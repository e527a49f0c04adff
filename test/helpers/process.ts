import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { onTestFinished } from 'vitest';

const MAIN = 'dist/collector/main.js';

/** Runs a command of the built product to its end. */
export function runCommand(
  args: string[],
  env: Record<string, string> = {},
): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });
}

export interface ServeProcess {
  url: string;
  child: ChildProcess;
  /** What it wrote for people, and to the log. */
  output: { stderr: string; stdout: string };
  /** Resolves with the exit code and the signal. */
  ended: Promise<[code: number | null, signal: string | null]>;
}

/** Starts `stagetag serve` on a free port and waits until it listens. It ends with the test at the latest. */
export async function startServe(
  data: string,
  args: string[] = [],
  env: Record<string, string> = {},
  maxFileKiB?: number,
  stdout?: number,
): Promise<ServeProcess> {
  const command = [process.execPath, MAIN, 'serve', '--port', '0', '--data', data, ...args];
  // A file that may not grow is as good as a disk that is full.
  const limited = ['bash', '-c', `ulimit -f ${maxFileKiB}; exec "$@"`, 'bash', ...command];
  const [program, ...rest] = maxFileKiB ? limited : command;
  const child = spawn(program!, rest, { env: { ...process.env, ...env }, stdio: ['ignore', stdout ?? 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = { stderr: '', stdout: '' };
  child.stdout?.on('data', (text) => (output.stdout += text));
  const ended = new Promise<[number | null, string | null]>((resolve) => {
    child.on('exit', (code, signal) => resolve([code, signal]));
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr!.on('data', (text) => {
      output.stderr += text;
      const listening = /listening on (\S+)/.exec(output.stderr);
      if (listening && output.stderr.includes('sign in once')) resolve(listening[1]!);
    });
    void ended.then(([code]) => reject(new Error(`ended with ${code}: ${output.stderr}`)));
  });
  return { url, child, output, ended };
}
