import { eventsOf } from '../app/app.ts';
import {
  dnsRecords,
  examineClocks,
  examineConsentLog,
  examineDns,
  examineEnvFile,
  examineFiles,
  examineNeighbours,
  examineOutbox,
  examinePooler,
  examineRestored,
  examineRole,
  examineSettings,
  type Finding,
} from '../app/doctor.ts';
import { loadConfig } from '../config/config.ts';
import { powersOf } from '../platform/db/roles.ts';
import { wrongClocks } from '../platform/db/wrong-clock-store.ts';
import { explain } from '../platform/errors.ts';
import { verifyConsentLog } from '../subscribers/consent-log/consent-log-store.ts';
import { openApp } from './open-app.ts';
import { type Context, say, sayJson } from './output.ts';

const MARKS: Record<Finding['level'], string> = { ok: 'ok   ', warn: 'warn ', block: 'BLOCK' };

/**
 * Checks whether this installation is ready to mail people. Changes nothing, except that an older database is
 * migrated, as by every command.
 * @returns the exit code: 1 when a finding blocks.
 */
export async function doctor(context: Context, options: { json?: boolean }): Promise<number> {
  const { config } = loadConfig(context.env);
  const findings = [
    ...examineEnvFile(context.envAmbiguities ?? []),
    ...examineSettings(config, eventsOf(config)),
  ];
  findings.push(...(await examineServices(context)));
  // After the app was opened, because that corrects file modes where it can.
  findings.push(...examineFiles(config, '.env'));
  if (config.mailer === 'resend') findings.push(...(await examineDns(config, dnsRecords())));
  findings.push(...(await examineOutbox(config)));

  if (options.json) sayJson(findings);
  else {
    for (const { level, about, message, help } of findings)
      say(`${MARKS[level]} ${about}: ${message}${help === '' ? '' : ` ${help}`}`);
  }
  return findings.some(({ level }) => level === 'block') ? 1 : 0;
}

async function examineServices(context: Context): Promise<Finding[]> {
  const about = 'DATABASE_URL, REDIS_URL';
  try {
    await using app = await openApp(context);
    await app.queue.waiting('issues');
    const isEmbedded = app.database.backend === 'embedded';
    const home = isEmbedded ? 'The embedded database' : 'PostgreSQL';
    return [
      { level: 'ok', about, message: `${home} and the queue answer.`, help: '' },
      ...examinePooler(app.database.pooler),
      ...(isEmbedded ? [] : [examineRole(await powersOf(app.db))]),
      ...examineRestored(await app.mark.check()),
      ...examineNeighbours(await app.queue.neighbours()),
      ...examineClocks(await app.time.measure(), await wrongClocks(app.db)),
      ...examineConsentLog(await verifyConsentLog(app.db)),
    ];
  } catch (error) {
    return [{ level: 'block', about, message: explain(error), help: '' }];
  }
}
