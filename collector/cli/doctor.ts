import { lookup } from 'node:dns/promises';
import { compileExclusions, compileRules, compileScores, lintRules, STAGES } from '../../sdk/core/index.js';
import { inspectFolder } from '../store/sqlite/inspect.js';
import type { Site, Store } from '../store/store.js';
import { dataCommand, withStore, type DataFlags } from './command.js';
import type { Command } from 'commander';

/** One thing that was looked at. A warning can wait, a failure cannot. */
interface Finding {
  check: string;
  result: 'ok' | 'warning' | 'failure';
  /** What was found, and where it is not well, what to do. */
  text: string;
}

const MIN_FREE = 1e9;
/** With less nothing is stored any more, or soon will not be. */
const LEAST_FREE = 50e6;
const MAX_SKEW_MS = 60_000;
const TIMEOUT_MS = 5000;

const isLocal = (host: string) => /^(localhost|127\.|\[::1\])/.test(host);
const finding = (check: string, isWell: boolean, text: string, otherwise: Finding['result'] = 'failure'): Finding => ({
  check,
  result: isWell ? 'ok' : otherwise,
  text,
});

export function doctorCommand(): Command {
  return dataCommand('doctor')
    .description(
      'look over the data, the disk, the clock, the sites and their rules, and what pages reach; changes nothing',
    )
    .option('--url <address>', "the collector's address as pages reach it, mount included")
    .action(async ({ data, url, json }: DataFlags & { url?: string }) => {
      const findings = checkFolder(data);
      // An older schema is not brought up to date by a look at it.
      const isReadable = findings.every(({ check, result }) =>
        check === 'schema' ? result === 'ok' : result !== 'failure',
      );
      await (isReadable &&
        withStore(data, async (store) => {
          const sites = await store.sites();
          findings.push(...(await checkSites(store, sites)));
          if (url) findings.push(...(await checkAddress(url.replace(/\/+$/, ''), sites)));
        }));
      const isFailed = findings.some(({ result }) => result === 'failure');
      const lines = findings.map(({ check, result, text }) => `${result.padEnd(7)}  ${check}: ${text}`);
      process.stdout.write(`${json ? JSON.stringify({ ok: !isFailed, findings }) : lines.join('\n')}\n`);
      if (isFailed) process.exitCode = 1;
    });
}

function checkFolder(data: string): Finding[] {
  const found = inspectFolder(data);
  if (!found)
    return [finding('data', false, `there is no database in ${data}; check --data, or start the collector once`)];
  const { bytes, free, isWritable, integrity, schema, isServing } = found;
  const size = (number: number) =>
    number < 1e9 ? `${(number / 1e6).toFixed(1)} MB` : `${(number / 1e9).toFixed(1)} GB`;
  // Where nothing can be written it may not be readable, and sound all the same.
  const database =
    isWritable || integrity === 'ok'
      ? [
          finding('database', integrity === 'ok', integrity === 'ok' ? size(bytes) : `${integrity}; restore a backup`),
          finding(
            'schema',
            schema[0] === schema[1],
            `${schema[0]}, this Stagetag ${schema[0] < schema[1] ? 'brings it up to' : 'knows'} ${schema[1]}`,
            schema[0] < schema[1] ? 'warning' : 'failure',
          ),
        ]
      : [];
  return [
    finding('data', isWritable, isWritable ? data : `${data} cannot be written; give this user write access`),
    ...database,
    finding(
      'disk',
      free > Math.max(MIN_FREE, bytes),
      `${size(free)} free; a backup or an update needs ${size(bytes)}`,
      free > LEAST_FREE ? 'warning' : 'failure',
    ),
    finding(
      'collector',
      isServing,
      isServing ? 'one is running on this folder' : 'none is running on this folder',
      'warning',
    ),
  ];
}

async function checkSites(store: Store, sites: Site[]): Promise<Finding[]> {
  if (!sites.length) return [finding('sites', false, 'there is none; add one with `site add`', 'warning')];
  const findings: Finding[] = [];
  for (const { siteKey, name, origins } of sites) {
    const plain = origins.filter((origin) => origin.startsWith('http:') && !isLocal(new URL(origin).host));
    findings.push(
      finding(
        `origins of ${name}`,
        !plain.length,
        plain.length
          ? `${plain.join(', ')} is not encrypted: browsers keep less there, and anyone can listen`
          : origins.join(', '),
        'warning',
      ),
    );
    for (const origin of origins) {
      const { hostname } = new URL(origin);
      const isKnown = await lookup(hostname).then(
        () => true,
        () => false,
      );
      if (!isKnown)
        findings.push(
          finding(`origins of ${name}`, false, `no address is known for ${hostname}; is it spelt so?`, 'warning'),
        );
    }
    const [latest] = await store.visitors(siteKey, { limit: 1 });
    const isAhead = !!latest && latest.lastSeen > Date.now() + MAX_SKEW_MS;
    if (isAhead)
      findings.push(
        finding(
          `clock of ${name}`,
          false,
          `somebody was seen at ${new Date(latest.lastSeen).toISOString()}, which is yet to come: the clock was ahead; where it is right now, run \`recompute\``,
          'warning',
        ),
      );
    const { rules } = (await store.rules(siteKey)).at(-1)!;
    const missing = STAGES.filter((stage) => !rules.stages[stage]);
    const text = missing.length
      ? `no visitor can reach ${missing.join(', ')}: these stages have no rule`
      : `version ${rules.version}`;
    findings.push(finding(`rules of ${name}`, !missing.length, text, 'warning'));
    for (const { path, message } of lintRules(compileRules(rules), compileExclusions(rules), compileScores(rules).fit))
      findings.push(finding(`rules of ${name}`, false, `${path}: ${message}`, 'warning'));
  }
  return findings;
}

/** What pages reach from outside: the collector, its clock, and each site's tag. */
async function checkAddress(url: string, sites: Site[]): Promise<Finding[]> {
  const get = (path: string) => fetch(`${url}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  try {
    const health = await get('/healthz');
    const skew = Math.abs(Date.parse(health.headers.get('Date') ?? '') - Date.now());
    const findings = [
      finding('address', health.ok, health.ok ? url : `${url}/healthz answered ${health.status}; is the mount right?`),
      finding('clock', !(skew > MAX_SKEW_MS), `${Math.round(skew / 1000)} s apart from here`, 'warning'),
    ];
    for (const { siteKey, name } of sites) {
      const tag = await get(`/t/${siteKey}.js`);
      findings.push(
        finding(`tag of ${name}`, tag.ok, tag.ok ? 'is served' : `${url}/t/${siteKey}.js answered ${tag.status}`),
      );
    }
    return findings;
  } catch (error) {
    const { cause, message } = error as Error & { cause?: Error };
    return [finding('address', false, `${url} cannot be reached: ${cause?.message ?? message}`)];
  }
}
