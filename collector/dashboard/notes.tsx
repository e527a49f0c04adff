import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { change, type Notes, type Site } from './api.js';
import { useOnceEach, useRead, type Read } from './live.js';
import { Alert, todayOf } from './parts.js';
import { may } from './state.js';
import { t } from './texts.js';

/** Something that a day is remembered by: what somebody wrote, or that rules were published. */
export interface Mark {
  day: string;
  text: string;
  /** Of what somebody wrote: its number. */
  id?: number;
}

export const useNotes = (site: Site): Read<Notes> => useRead<Notes>(`sites/${site.siteKey}/annotations`);

/** A note to a version; that of one which was put in force again in the page's language. */
export const sayNote = (note: string): string => {
  const again = /^version (\d+) again$/.exec(note);
  return again ? t('versionAgain', { version: again[1] }) : note;
};

/** What belongs on an axis of these days, the first at first. */
export const marksOf = ({ annotations, published }: Notes, days: string[]): Mark[] =>
  [
    ...annotations,
    ...published.map(({ version, note, day }) => ({
      day,
      text: t('publishedVersion', { version }) + (note ? `: ${sayNote(note)}` : ''),
    })),
  ]
    .filter(({ day }) => day >= days[0]! && day <= days.at(-1)!)
    .sort((a, b) => (a.day < b.day ? -1 : 1));

/** The marks of a chart by their numbers there, and a way to leave one. */
export function NoteList({ site, marks, again }: { site: Site; marks: Mark[]; again: () => void }): JSX.Element {
  const [problem, setProblem] = useState('');
  const [saved, setSaved] = useState<string>();
  const once = useOnceEach();
  const attempt = async (run: () => Promise<unknown>) => {
    try {
      await run();
      setProblem('');
      again();
    } catch (error) {
      setProblem(t('notSaved', { message: (error as Error).message }));
    }
  };
  const add = (event: SubmitEvent) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const { day, text } = Object.fromEntries(new FormData(form));
    void once({ day, text }, () =>
      attempt(async () => {
        await change('POST', `sites/${site.siteKey}/annotations`, { day, text });
        form.reset();
        setSaved(day as string);
      }),
    );
  };
  const remove = ({ id, text }: Mark) =>
    confirm(t('confirmNoteGone', { text })) &&
    void attempt(() => change('DELETE', `sites/${site.siteKey}/annotations/${id}`));
  return (
    <>
      {!!marks.length && (
        <ol class="notes">
          {marks.map((mark) => (
            <li key={`${mark.day} ${mark.id ?? mark.text}`}>
              <span class="soft">{mark.day}</span> {mark.text}{' '}
              {mark.id !== undefined && may('editor') && (
                <button type="button" class="plain small" onClick={() => remove(mark)}>
                  {t('remove')}
                </button>
              )}
            </li>
          ))}
        </ol>
      )}
      {may('editor') && (
        <form class="filters note" onSubmit={add}>
          <input
            type="date"
            name="day"
            aria-label={t('day')}
            defaultValue={todayOf(site)}
            max={todayOf(site)}
            required
          />
          <input name="text" aria-label={t('noteText')} placeholder={t('noteText')} maxLength={500} required />
          <button class="plain">{t('addNote')}</button>
        </form>
      )}
      {saved && !marks.some(({ day, id }) => day === saved && id !== undefined) && (
        <p class="soft" role="status">
          {t('notedElsewhere', { day: saved })}
        </p>
      )}
      {problem && <Alert>{problem}</Alert>}
    </>
  );
}
