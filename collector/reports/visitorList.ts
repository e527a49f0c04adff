/** Visitors by where they stand and where they came from: found among all in memory, then read from the store. */
import type { Stage } from '../../sdk/core/index.js';
import type { View } from '../projection/view.js';
import type { VisitorRecord } from '../store/store.js';
import { choosePeople, isOfPeople, type PeopleFilter } from './choosePeople.js';

export interface VisitorFilter extends PeopleFilter {
  stage?: Stage | 'none';
  tag?: string;
  /** Of the first touch. */
  channel?: string;
  /** The id of a user, of whom it lists the visitors. */
  user?: string;
  /** How the id of a user begins, or a part of the id of a visitor, four characters at least. */
  find?: string;
  limit: number;
  /** The version of the rules under which everybody is looked at; the one in force where absent. */
  rules?: number;
  /** Epoch ms, as of the last one that was read. */
  seenBefore?: number;
  /** The last one that was read: of those seen in the same moment it goes on after this one. */
  after?: string | undefined;
}

export interface VisitorList {
  /** Latest seen first. */
  visitors: VisitorRecord[];
  /** How many there are in all, those seen later included. */
  count: number;
}

/**
 * Lists visitors, also those who do not count; who is proven to be a person's stands where the person does. Where people are asked for, as a
 * report counts them, each stands there once, however many visitors they are.
 * @returns a text that says what is wrong with what was asked
 */
export async function listVisitors(view: View, filter: VisitorFilter, now: number): Promise<VisitorList | string> {
  const { stage, tag, channel, user, find, limit, seenBefore = Infinity, after = '' } = filter;
  const people = isOfPeople(filter) ? await choosePeople(view, filter, now) : undefined;
  if (typeof people === 'string') return people;
  const ofUser = user === undefined ? undefined : new Set(await view.store.visitorsOfUser(view.site.siteKey, user));
  const isFound = find === undefined ? undefined : await finder(view, find);
  const fits = [...view.eachVisitor()].filter(
    ([visitor, owner]) =>
      (!stage || (view.stage(owner) ?? 'none') === stage) &&
      (!tag || view.hasTag(owner, tag)) &&
      (!channel || view.firstChannel(people ? owner : visitor) === channel) &&
      (!ofUser || ofUser.has(view.idOf(visitor))) &&
      (!isFound || isFound(view.idOf(visitor))) &&
      (!people || people.has(owner)),
  );
  const later = ([a]: [number, number], [b]: [number, number]) =>
    view.lastSeen(b) - view.lastSeen(a) || (view.idOf(a) < view.idOf(b) ? 1 : -1);
  // Of a person's visitors the one that was seen last stands for it.
  const listed = people ? [...new Map(fits.sort((a, b) => later(b, a)).map((each) => [each[1], each])).values()] : fits;
  const latest = listed
    .filter(([visitor]) => {
      const seen = view.lastSeen(visitor);
      return seen < seenBefore || (seen === seenBefore && view.idOf(visitor) < after);
    })
    .sort(later)
    .slice(0, limit);
  const read = (number: number) => view.store.visitor(view.site.siteKey, view.idOf(number));
  const visitors: VisitorRecord[] = [];
  for (const [visitor, owner] of latest) {
    const [own, person] = [await read(visitor), await read(owner)];
    if (!own || !person) continue; // Erased since.
    const { stage: current, peak, tags, score, bot } = person;
    visitors.push({ ...own, stage: current, peak, tags, score, bot: own.bot ?? bot });
  }
  return { visitors, count: listed.length };
}

const LEAST_OF_ID = 4;

/** Says whether a visitor is meant by what was typed. */
async function finder(view: View, text: string): Promise<(visitorId: string) => boolean> {
  const ofUsers = new Set(await view.store.visitorsOfUsers(view.site.siteKey, text));
  const part = text.length >= LEAST_OF_ID ? text.toLowerCase() : undefined;
  return (visitorId) => ofUsers.has(visitorId) || (part !== undefined && visitorId.includes(part));
}
