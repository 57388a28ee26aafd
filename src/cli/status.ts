import { issueProgress, uncertainBatches } from '../delivery/index.ts';
import { listIssues, nextSlot } from '../issues/index.ts';
import { lastGather, listFaults, openNotices, quarantined, sourceHealth } from '../sources/index.ts';
import { countSubscribers } from '../subscribers/index.ts';
import { describe, summary } from './issue.ts';
import { type Context, say, sayJson, withReasons } from './output.ts';
import { openApp } from './session.ts';

/** Where everything stands, from the books alone. */
export async function status(context: Context, options: { json?: boolean }): Promise<void> {
  await using app = await openApp(context);
  const { db, config } = app;
  const next = nextSlot(config.schedule, app.clock());
  const [subscribers, gathered, quarantine, health, notices, uncertain, found] = await Promise.all([
    countSubscribers(db),
    lastGather(db),
    quarantined(db, { limit: options.json ? 1_000 : 20 }),
    sourceHealth(db),
    openNotices(db),
    uncertainBatches(db),
    listIssues(db, { limit: 10 }),
  ]);
  const issues = [];
  for (const issue of found) issues.push({ issue, progress: await issueProgress(db, issue.id) });

  if (options.json) {
    return sayJson({
      nextSlot: { label: next.label, dueAt: next.dueAt },
      subscribers,
      lastGather: gathered ?? null,
      quarantine,
      sources: health,
      notices,
      issues: issues.map(({ issue, progress }) => ({ ...summary(issue), progress })),
      uncertain: uncertain.map(({ issue, number, reason, deliveryIds }) => ({
        issue,
        batch: number,
        reason,
        deliveries: deliveryIds.length,
      })),
    });
  }
  say(`Next slot ${next.label}`);
  say(
    `Subscribers: ${Object.entries(subscribers)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ')}`,
  );
  if (gathered) {
    say(
      `Gathered ${gathered.at.toISOString()}: ${gathered.added} new, ${gathered.changed} changed, ${gathered.unchanged} unchanged`,
    );
    for (const { source, fault } of gathered.sources) if (fault) say(`  ${source}: ${fault}`);
    for (const { name, reason } of gathered.rejected) say(`  skipped ${name}: ${reason}`);
  }
  for (const { source, failures, isFailing, reason } of health) {
    if (failures > 0)
      say(`${isFailing ? 'Failing' : 'Failed'}: ${source}, ${failures} in a row: ${reason ?? ''}`);
  }
  for (const { at, message } of notices) say(`Notice of ${at.toISOString()}: ${message}`);
  if (quarantine.total > 0) {
    say(`Quarantine: ${quarantine.total}, each read again when it changes`);
    for (const { source, url, faults, firstSeenAt } of quarantine.entries)
      say(`  ${url} (${source}, since ${firstSeenAt.toISOString()}): ${listFaults(faults)}`);
    if (quarantine.total > quarantine.entries.length) say('  ... and more; --json lists up to 1,000');
  }
  for (const { issue, progress } of issues) {
    say(describe(issue));
    if (progress.audience > 0) {
      say(
        `  audience ${progress.audience}, submitted ${progress.submitted}, to go ${progress.prepared}, excluded ${withReasons(progress.excluded)}, failed ${withReasons(progress.failed)}, uncertain ${progress.uncertain}`,
      );
    }
  }
  for (const batch of uncertain)
    say(
      `Uncertain: issue ${batch.issue}, batch ${batch.number}, ${batch.deliveryIds.length} readers: ${batch.reason}`,
    );
}
