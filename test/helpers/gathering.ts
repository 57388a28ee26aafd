import { pino } from 'pino';
import { afterAll } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { loadConfig } from '../../src/config/config.ts';
import type { Connection } from '../../src/platform/db/database.ts';
import { parseSource } from '../../src/sources/gather.ts';
import { databaseForAll, embeddedLocation } from './locations.ts';
import { openSiteServer, type SiteServer } from './site-server.ts';

/** A web site in this process, and an installation that gathers from it. */
export interface Gatherer {
  readonly site: SiteServer;
  readonly db: Connection;
  /** The part of an App that gathering and composing need, with these sources; without log, and on the real clock. */
  app(sources: readonly string[], parts?: Partial<Pick<App, 'db' | 'logger' | 'clock'>>): App;
}

/**
 * One for all tests of the file: opened before the first, removed after the last.
 * @param use gets it when it is open.
 */
export function gatheringForAll(use: (opened: Gatherer) => void): void {
  let site: SiteServer | undefined;
  databaseForAll(embeddedLocation, async ({ kysely: db }, { dataDir }) => {
    site = await openSiteServer();
    const { config } = loadConfig({
      DATA_DIR: dataDir,
      // The site is on this machine.
      ALLOW_PRIVATE_SOURCES: '1',
      POSTAL_ADDRESS: '1 Ballot Lane',
    });
    const rest = { db, logger: pino({ level: 'silent' }), clock: () => new Date() };
    use({
      site,
      db,
      app: (sources, parts) =>
        ({ config: { ...config, sources: sources.map(parseSource) }, ...rest, ...parts }) as unknown as App,
    });
  });
  afterAll(() => site?.[Symbol.asyncDispose]());
}
