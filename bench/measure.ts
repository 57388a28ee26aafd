import { freePort } from '../test/helpers/services.ts';
import type { Spent } from './child.ts';
import { AS_DEPLOYED, contend } from './child.ts';
import type { Figures as DatabaseFigures } from './contenders/database.ts';
import type { Figures as EventsFigures } from './contenders/events.ts';
import type { Figures as PacedFigures } from './contenders/paced.ts';
import type { Figures as PiecesFigures } from './contenders/pieces.ts';
import type { Figures as PipelineFigures } from './contenders/pipeline.ts';
import type { Figures as TutorialFigures } from './contenders/tutorial.ts';
import type { Backend, Stage } from './stage.ts';

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
export const pipeline = (
  backend: Backend,
  readers: number,
): Measurement<PipelineFigures & { emails: number }> => ({
  id: `pipeline of ${readers} on ${backend}`,
  async take(stage) {
    await using location = await stage.location(backend, readers);
    const input = { env: location.env, provider: stage.provider };
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

export const tutorial = (
  backend: Backend,
  emails: number,
): Measurement<TutorialFigures & { emails: number }> => ({
  id: `tutorial of ${emails} on ${backend}`,
  async take(stage) {
    await using location = await stage.location(backend, emails);
    const figures = await contend<TutorialFigures>('tutorial', {
      env: location.env,
      provider: stage.provider,
      emails,
    });
    return { ...figures, emails };
  },
});

export const database = (backend: Backend, readers: number): Measurement<DatabaseFigures> => ({
  id: `database of ${readers} on ${backend}`,
  async take(stage) {
    await using location = await stage.location(backend, readers);
    return await contend('database', { env: location.env });
  },
});

export const events = (backend: Backend, readers: number): Measurement<EventsFigures> => ({
  id: `events about ${readers} on ${backend}`,
  async take(stage) {
    await using location = await stage.location(backend, readers);
    return await contend('events', { env: location.env, events: readers * 0.4 });
  },
});

/** Needs a backend that two processes can share. */
export const paced = (readers: number): Measurement<PacedFigures> => ({
  id: `paced, ${readers} readers`,
  async take(stage) {
    await using location = await stage.location('services', readers);
    return await contend('paced', { env: location.env, provider: stage.provider, port: await freePort() });
  },
});
