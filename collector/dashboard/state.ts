import { computed, signal } from '@preact/signals';

/** Undefined until the collector has said so. */
export const isSignedIn = signal<boolean | undefined>(undefined);

const hash = signal(location.hash);
addEventListener('hashchange', () => {
  hash.value = location.hash;
});

/**
 * What the address bar asks for. After the `#`, since a visitor id is a secret and what stands there is not sent to any server.
 * `#/SITE`, `#/SITE/visitors/ID`, `#/sign-in/link-expired`
 */
export const route = computed(() => {
  const [first = '', second = '', third = ''] = hash.value.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  return first === 'sign-in' ? { problem: second } : { siteKey: first, visitorId: second === 'visitors' ? third : '' };
});

export const linkTo = (siteKey: string, visitorId = ''): string =>
  `#/${encodeURIComponent(siteKey)}${visitorId && `/visitors/${encodeURIComponent(visitorId)}`}`;
