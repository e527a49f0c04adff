/** What the API refuses is said in Chinese on a Chinese page: by what it really says. */
import { expect, test } from 'vitest';
import { sayInChinese } from '../../collector/dashboard/messagesZh.js';
import { ADMIN, makeCollector } from '../helpers/collector.js';

test('every refusal that a person can bring about on the dashboard', async () => {
  const { app, site } = await makeCollector();
  const at = `/api/sites/${site.siteKey}`;
  const ask = async (method: string, path: string, body?: unknown, type = 'application/json'): Promise<string> => {
    const response = await app.request(path, {
      method,
      headers: { Authorization: `Bearer ${ADMIN}`, 'Content-Type': type },
      ...(body !== undefined && { body: /csv/i.test(type) ? String(body) : JSON.stringify(body) }),
    });
    const { error } = (await response.json()) as { error?: string };
    expect([method, path, typeof error]).toEqual([method, path, 'string']);
    return error!;
  };
  const said = [
    await ask('GET', `${at}/reports/flow?from=2026-11-02&to=2026-11-01`),
    await ask('GET', `${at}/reports/flow?from=1990-01-01&to=2026-11-01`),
    await ask('GET', `${at}/rules/draft`),
    await ask('GET', `${at}/rules/versions/99`),
    await ask('GET', '/api/sites/st_0000000000000000/reports/stages'),
    await ask('PUT', `${at}/audiences/99`, { name: 'a', when: { stage: ['action'] }, isStatic: false }),
    await ask('DELETE', `${at}/audiences/99`),
    await ask('DELETE', `${at}/annotations/99`),
    await ask('DELETE', `${at}/views/99`),
    await ask('DELETE', `${at}/shares/99`),
    await ask('GET', `${at}/visitors/00000000-0000-7000-8000-000000000000`),
    await ask('DELETE', '/api/users/nobody'),
    await ask('POST', '/api/users', { name: 'admin', role: 'viewer' }),
    await ask('POST', '/api/users', { name: 'somebody', role: 'king' }),
    await ask('POST', `${at}/annotations`, { day: '2026-11-01', text: '' }),
    await ask('POST', `${at}/annotations`, { day: 'today', text: 'a' }),
    await ask('POST', `${at}/views`, { name: '', address: 'flow' }),
    await ask('POST', `${at}/shares`, { address: 'flow', days: 0 }),
    await ask('POST', `${at}/shares`, { address: 'visitors', days: 3 }),
    await ask('POST', '/api/sites', { name: 'a', origins: [] }),
    await ask('POST', '/api/sites', { name: 'a', origins: ['nonsense'] }),
    await ask('POST', '/api/sites', { name: '', origins: ['https://a.example'] }),
    await ask('POST', '/api/sites', { name: 'a', origins: ['https://a.example'], template: 'none' }),
    await ask('POST', '/api/sites', { name: 'a', origins: ['https://a.example'], currency: 'coins' }),
    await ask('PATCH', at, { timeZone: 'Mars/Base' }),
    await ask('PATCH', at, { retentionDays: -1 }),
    await ask('PATCH', at, { internal: ['nowhere'] }),
    await ask('PATCH', at, { channels: 7 }),
    await ask('PATCH', at, { targets: { action: -1 } }),
    await ask('PUT', `${at}/costs`, { costs: [{ day: 'today', channel: 'Email', cost: 1 }] }),
    await ask('PUT', `${at}/costs`, 'day,cost\n2026-11-01,1\n', 'text/csv'),
    await ask('PUT', `${at}/costs`, 'day,channel,cost\n2026-11-01,Email,-1\n', 'text/csv'),
    await ask('PUT', `${at}/costs`, 'day,channel,cost\n2026-11-01,Email,1,234.50\n', 'Text/CSV; charset=utf-8'),
    await ask('PUT', `${at}/costs`, 'day,channel,cost\n2026-11-01,"Email,1\n', 'text/csv'),
    await ask('POST', '/api/session', { token: 'wrong' }),
  ];
  for (const message of said) expect([message, /\p{sc=Han}/u.test(sayInChinese(message))]).toEqual([message, true]);
  expect(sayInChinese('this takes the role owner, and yours is viewer')).toBe(
    '此操作需要“owner”角色，您的角色是“viewer”',
  );
  expect(sayInChinese('something new')).toBe('something new');
});
