/** The documented API, as the dashboard reads it. */
import type { Explanation, Reason, Stage } from '../../sdk/core/index.js';

export interface Site {
  siteKey: string;
  name: string;
  timeZone: string;
  snippet: string;
}

export type PerStage = Record<Stage, number>;

export interface StagesReport {
  asOf: number;
  from: string;
  to: string;
  stages: Array<{ stage: Stage; current: number; peak: number; entered: number; left: number }>;
  funnel: Array<{ stage: Stage; visitors: number; fromPrevious: number | null }>;
  days: Array<{ day: string; current: PerStage; entered: PerStage }>;
}

export interface FlowReport {
  from: string;
  to: string;
  moves: Array<{ from: Stage | null; to: Stage | null; visitors: number; share: number }>;
  stays: Array<{ stage: Stage; medianDays: number | null }>;
  steps: Array<{
    from: Stage;
    to: Stage;
    reached: number;
    wentOn: number;
    lost: number;
    share: number | null;
    interval: [number, number] | null;
  }>;
  leak: { from: Stage; to: Stage; lost: number; share: number } | null;
}

/** What of rules is shown: what people call a tag. */
export interface RulesNames {
  tags?: Record<string, { label?: string | { en?: string; zh?: string } }>;
}

export interface Touch {
  channel: string;
  source: string | null;
  campaign: string | null;
  referrer: string | null;
  at: number;
}

export interface VisitorSummary {
  visitorId: string;
  userId?: string;
  stage: Stage | null;
  peak: Stage | null;
  tags: string[];
  score: number;
  firstSeen: number;
  lastSeen: number;
  eventCount: number;
  firstTouch: Touch | null;
  lastTouch: Touch | null;
}

export interface Transition {
  from: Stage | null;
  to: Stage | null;
  at: number;
  cause: {
    kind: 'event' | 'expiry' | 'rules' | 'link';
    /** Absent where a visitor went into a user. */
    rule?: Stage;
    rules?: number;
    event?: string;
    eventName?: string;
    because?: Reason;
  };
}

export interface SentEvent {
  id: string;
  name: string;
  time: number;
  url?: string;
  title?: string;
  props?: Record<string, unknown>;
}

export interface Visitor extends VisitorSummary {
  why: Explanation;
  transitions: Transition[];
  events: SentEvent[];
}

/** The session has ended or never began. */
export class SignedOut extends Error {}

/**
 * Reads from the API.
 * @throws SignedOut where there is no session, Error with what the collector says otherwise
 */
export async function get<T>(path: string): Promise<T> {
  return request<T>(path, {});
}

export async function hasSession(): Promise<boolean> {
  return (await get<{ signedIn: boolean }>('session')).signedIn;
}

/** Signs in with a token. @throws Error with what the collector says */
export async function signIn(token: string): Promise<void> {
  await request('session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ token }),
  });
}

export async function signOut(): Promise<void> {
  await request('session', { method: 'DELETE' });
}

async function request<T>(path: string, init: RequestInit): Promise<T> {
  // Relative to the page, which may stand under a mount.
  const response = await fetch(`api/${path}`, init);
  const body = (await response.json().catch(() => ({}))) as T & { error?: string };
  if (response.status === 401 && !init.method) throw new SignedOut();
  if (!response.ok) throw new Error(body.error ?? `${response.status} ${response.statusText}`);
  return body;
}
