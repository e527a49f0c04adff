/** Who is no visitor: told by what it says of itself, before its address is forgotten. */
import { isbot } from 'isbot';

/** Why an event counts as a bot's. */
export type BotReason = 'ai_assistant' | 'crawler' | 'headless' | 'script';

/** What a request tells of who sent it. None of it is stored. */
export interface Client {
  userAgent: string | undefined;
  /** The header `Sec-CH-UA`. */
  brands: string | undefined;
  /** The address as far as it is believed, in memory alone. */
  address: string | undefined;
  /** Whether it comes from this very machine, past no proxy: whoever develops the site, and no crawler. */
  isLocal: boolean;
}

/**
 * Fetches that an assistant makes for its user or its maker trains on, by the names their makers publish.
 * @see https://platform.openai.com/docs/bots https://docs.perplexity.ai/guides/bots
 */
const ASSISTANTS =
  /chatgpt|gptbot|oai-searchbot|claude|anthropic|perplexity|google-extended|gemini|bytespider|ccbot|cohere|meta-external|duckassist|mistralai|kimi|deepseek|doubao|youbot|amazonbot/i;
const HEADLESS = /headless|phantomjs/i;
/** Names that a crawler gives itself, wherever it comes from. */
const NAMED = /bot|crawl|spider|slurp/i;

/** Says why what comes from there counts as a bot's, or null. */
export function botReason({ userAgent = '', brands = '', isLocal }: Client): BotReason | null {
  if (ASSISTANTS.test(userAgent)) return 'ai_assistant';
  if (isLocal) return NAMED.test(userAgent) ? 'crawler' : null;
  if (HEADLESS.test(userAgent + brands)) return 'headless';
  // Every browser says that it is one; what does not is a program.
  if (!userAgent.startsWith('Mozilla/')) return isbot(userAgent) && NAMED.test(userAgent) ? 'crawler' : 'script';
  return isbot(userAgent) ? 'crawler' : null;
}
