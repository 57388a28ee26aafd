import { createElement } from 'react';
import { render } from 'react-email';
import { Resend } from 'resend';
import { Digest } from '../../emails/digest.tsx';
import { openDatabase } from '../../src/platform/db/database.ts';
import { contender, peakMegabytes, type Spent, stopwatch } from '../child.ts';
import { SETTINGS, sampleVariant } from '../issue.ts';

export interface Input {
  env: { DATABASE_URL?: string; DATA_DIR?: string };
  provider: string;
  emails: number;
}

export interface Figures extends Spent {
  peakMegabytes: number;
}

/**
 * The usual way: render the mail for each reader with their own links, pass a hundred to the SDK, insert a row for
 * each. It keeps none of our promises, and sends no text part.
 */
await contender(async ({ env, provider, emails }: Input): Promise<Figures> => {
  await using database = await openDatabase({ databaseUrl: env.DATABASE_URL, dataDir: env.DATA_DIR ?? '' });
  const pool = database.queuePool();
  const { content } = await sampleVariant();
  const resend = new Resend(SETTINGS.RESEND_API_KEY, { baseUrl: provider });
  await pool.query(
    'create table sent (email text not null, provider_id text not null, sent_at timestamptz not null default now())',
  );
  // A server that has run for a while is already warmed up.
  await render(createElement(Digest, content));

  const read = stopwatch();
  for (let from = 0; from < emails; from += 100) {
    const { rows: readers } = await pool.query<{ id: string; email: string }>(
      `select id, email from public.subscribers where status = 'active' order by email limit 100 offset $1`,
      [from],
    );
    const messages = await Promise.all(
      readers.map(async ({ id, email }) => {
        const unsubscribe = `${SETTINGS.PUBLIC_URL}/unsubscribe/${id}`;
        const links = {
          ...content.links,
          unsubscribe,
          preferences: `${SETTINGS.PUBLIC_URL}/preferences/${id}`,
        };
        return {
          from: SETTINGS.MAIL_FROM,
          to: email,
          subject: content.subject,
          html: await render(createElement(Digest, { ...content, links: links as typeof content.links })),
          headers: { 'List-Unsubscribe': `<${unsubscribe}>` },
        };
      }),
    );
    const { data, error } = await resend.batch.send(messages);
    if (error) throw new Error(error.message);
    for (const [index, { id }] of data.data.entries()) {
      await pool.query('insert into sent (email, provider_id) values ($1, $2)', [readers[index]?.email, id]);
    }
  }
  return { ...read(), peakMegabytes: peakMegabytes() };
});
