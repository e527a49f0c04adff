/** The channels that a site's owner gave to sources. What is stored stays as it is: taken back, all is as it was. */
import type { Site } from '../store/store.js';

type Named = { source: string | null; channel: string | null };

/** The channel that the owner gave to a source, or else its own. */
export const channelOf = ({ channels }: Pick<Site, 'channels'>, { source, channel }: Named): string | null =>
  (source !== null && Object.hasOwn(channels, source.toLowerCase()) && channels[source.toLowerCase()]) || channel;
