/** Fields that the forms of rules share. */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { inLanguage, language, t } from './texts.js';

export type Put<T> = (next: T) => void;

/** A fold whose inside is made when it is opened first: hundreds of them are more than a page carries. */
export function Fold({
  title,
  note,
  isOpen,
  children,
}: {
  title: string;
  note: string | number;
  isOpen?: boolean | undefined;
  children: ComponentChildren;
}): JSX.Element {
  const [isSeen, see] = useState(!!isOpen);
  return (
    <details class="rule" open={isOpen} onToggle={({ currentTarget }) => currentTarget.open && see(true)}>
      <summary>
        <strong>{title}</strong> <span class="soft">{note}</span>
      </summary>
      {isSeen && children}
    </details>
  );
}

export function NameField({
  name,
  taken,
  onRename,
}: {
  name: string;
  taken: object;
  onRename: (to: string) => void;
}): JSX.Element {
  return (
    <label>
      {t('name')}
      <input
        value={name}
        onChange={({ currentTarget }) => {
          const to = currentTarget.value.trim();
          // A name that is taken, or none, would swallow another rule; one of digits alone would go before all others.
          if (to && to !== name && !Object.hasOwn(taken, to) && !/^\d+$/.test(to)) onRename(to);
          else currentTarget.value = name;
        }}
      />
    </label>
  );
}

/** What people call something, in the language of the page. */
export function LabelField({
  label,
  onChange,
}: {
  label: string | Record<string, string> | undefined;
  onChange: Put<string | Record<string, string> | undefined>;
}): JSX.Element {
  const own = language.value;
  return (
    <label>
      {t('shownAs')}
      <input
        value={inLanguage(label as never) ?? ''}
        onChange={({ currentTarget }) => {
          const text = currentTarget.value.trim();
          const { [own]: _, ...others } = typeof label === 'object' ? label : {};
          const all = text ? { ...others, [own]: text } : others;
          onChange(typeof label !== 'object' ? text || undefined : Object.keys(all).length ? all : undefined);
        }}
      />
    </label>
  );
}

export function NumberField({
  label,
  value,
  onChange,
}: {
  label: string;
  value: number | undefined;
  onChange: Put<number | undefined>;
}): JSX.Element {
  return (
    <label>
      {label}
      <input
        type="number"
        step="any"
        value={value ?? ''}
        onChange={({ currentTarget }) => onChange(currentTarget.value === '' ? undefined : Number(currentTarget.value))}
      />
    </label>
  );
}
