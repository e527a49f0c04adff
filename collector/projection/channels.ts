/** The channels that a site's owner gave to sources. What is stored stays as it is: taken back, all is as it was. */
import type { Site } from '../store/store.js';

type Named = { source: string | null; channel: string | null };

/** What a source is called by whom it has to be given a channel: one with labels that name none too, as GA4 calls it. */
export const nameOf = ({ source, channel }: Named): string | null =>
  source ?? (channel === 'Unassigned' ? '(not set)' : null);

/** The channel that the owner gave to a source, or else its own. */
export function channelOf({ channels }: Pick<Site, 'channels'>, of: Named): string | null {
  const name = nameOf(of)?.toLowerCase();
  return name !== undefined && Object.hasOwn(channels, name) ? channels[name]! : of.channel;
}
