import { freePort } from '../test/helpers/services.ts';
import type { Spent } from './child.ts';
import { AS_DEPLOYED, contend } from './child.ts';
import type { Figures as BooksFigures } from './contenders/database.ts';
import type { Figures as EventsFigures } from './contenders/events.ts';
import type { Figures as PacedFigures } from './contenders/paced.ts';
import type { Figures as PiecesFigures } from './contenders/pieces.ts';
import type { Figures as PipelineFigures } from './contenders/pipeline.ts';
import type { Figures as TutorialFigures } from './contenders/tutorial.ts';
import type { Home, Stage } from './stage.ts';

/** One contender with one input. It is measured once a round, for all rows that need it. */
export interface Measurement<Figures = unknown> {
  id: string;
  take(stage: Stage): Promise<Figures>;
}

export const pieces: Measurement<PiecesFigures> = {
  id: 'pieces',
  take: () => contend('pieces', {}),
};

/** A complete send. */
export const pipeline = (home: Home, readers: number): Measurement<PipelineFigures & { emails: number }> => ({
  id: `pipeline of ${readers} on ${home}`,
  async take(stage) {
    await using place = await stage.place(home, readers);
    const input = { env: place.env, provider: stage.provider };
    const figures = await contend<PipelineFigures>('pipeline', input, AS_DEPLOYED);
    return { ...figures, emails: readers };
  },
});

export const bare = (emails: number): Measurement<Spent & { emails: number }> => ({
  id: `bare loop of ${emails}`,
  async take({ provider }) {
    return { ...(await contend<Spent>('bare', { provider, emails })), emails };
  },
});

/** Our adapter alone. */
export const wire = (emails: number): Measurement<Spent & { emails: number }> => ({
  id: `wire of ${emails}`,
  async take({ provider }) {
    return { ...(await contend<Spent>('wire', { provider, emails })), emails };
  },
});

export const tutorial = (home: Home, emails: number): Measurement<TutorialFigures & { emails: number }> => ({
  id: `tutorial of ${emails} on ${home}`,
  async take(stage) {
    await using place = await stage.place(home, emails);
    const figures = await contend<TutorialFigures>('tutorial', {
      env: place.env,
      provider: stage.provider,
      emails,
    });
    return { ...figures, emails };
  },
});

export const database = (home: Home, readers: number): Measurement<BooksFigures> => ({
  id: `database of ${readers} on ${home}`,
  async take(stage) {
    await using place = await stage.place(home, readers);
    return await contend('books', { env: place.env });
  },
});

export const events = (home: Home, readers: number): Measurement<EventsFigures> => ({
  id: `events about ${readers} on ${home}`,
  async take(stage) {
    await using place = await stage.place(home, readers);
    return await contend('events', { env: place.env, events: readers * 0.4 });
  },
});

/** Needs a backend that two processes can share. */
export const paced = (readers: number): Measurement<PacedFigures> => ({
  id: `paced, ${readers} readers`,
  async take(stage) {
    await using place = await stage.place('services', readers);
    return await contend('paced', { env: place.env, provider: stage.provider, port: await freePort() });
  },
});
