import { createContext, type JSX } from 'preact';
import { useContext } from 'preact/hooks';
import { partsOf, sayPart, type Reason } from '../../sdk/core/index.js';
import type { RulesNames } from './api.js';
import { inLanguage, language } from './texts.js';

/** The rules whose words are used for signals. */
export const Words = createContext<RulesNames | undefined>(undefined);

/** A condition as a tree: what was asked, what there is, and until when it holds. */
export function Why({ reason }: { reason: Reason }): JSX.Element {
  const words = useContext(Words);
  const called = (signal: string) => inLanguage(words?.signals?.[signal]?.label) ?? signal;
  const [, parts = []] = partsOf(reason) ?? [];
  return (
    <li>
      <span class={reason.met ? 'met' : 'missing'}>{reason.met ? '✓' : '○'}</span>{' '}
      {sayPart(reason, language.value, called)}
      {!!parts.length && (
        <ul class="why">
          {parts.map((part, index) => (
            <Why key={index} reason={part} />
          ))}
        </ul>
      )}
    </li>
  );
}
