import { listIssues } from '../issues/issue-store.ts';
import { nextSlot } from '../issues/slot.ts';
import { kindOf, type NoticeKind } from '../notices/notice-kinds.ts';
import { openNotices } from '../notices/notice-store.ts';
import { FAULT_KINDS } from '../platform/faults.ts';
import { openCircuit } from '../providers/circuit/circuit-store.ts';
import { type IssueCounters, issueCounters } from '../sending/counters/counter-store.ts';
import { describeRestored, WHAT_TO_DO } from '../sending/mark/sending-mark.ts';
import { issueProgress } from '../sending/progress.ts';
import { unsettledBatches } from '../sending/settlements/settlement-store.ts';
import { listFaults } from '../sources/faults.ts';
import { lastGather, quarantined, sourceHealth } from '../sources/source-store.ts';
import { countSubscribers } from '../subscribers/subscriber-store.ts';
import { describe, summary } from './issue-commands.ts';
import { openApp } from './open-app.ts';
import { type Context, say, sayJson, withReasons } from './output.ts';
import { evidence } from './settle-command.ts';

/** Notices whose message names only what happened. */
const NEEDS_ADVICE: ReadonlySet<NoticeKind> = new Set([...FAULT_KINDS, 'job-failed'] as const);

/** Prints the state of the installation, from the database alone. */
export async function status(context: Context, options: { json?: boolean }): Promise<void> {
  await using app = await openApp(context);
  const { db, config } = app;
  const next = nextSlot(config.schedule, app.clock());
  const [subscribers, gathered, quarantine, health, notices, uncertain, circuit, found] = await Promise.all([
    countSubscribers(db),
    lastGather(db),
    quarantined(db, { limit: options.json ? 1_000 : 20 }),
    sourceHealth(db),
    openNotices(db),
    unsettledBatches(db),
    openCircuit(db),
    listIssues(db, { limit: 10 }),
  ]);
  const issues = [];
  for (const issue of found) {
    const [progress, counters] = await Promise.all([
      issueProgress(db, issue.id),
      issueCounters(db, issue.id),
    ]);
    issues.push({ issue, progress, counters });
  }

  const faults = await app.faults.probe();

  if (options.json) {
    return sayJson({
      faults: faults.map((fault) => ({ ...fault, whatToDo: kindOf(fault.kind).whatToDo })),
      restored: await app.mark.restored(),
      nextSlot: { label: next.label, dueAt: next.dueAt },
      mail: { destination: app.mailer.destination, silent: circuit ?? null },
      subscribers,
      lastGather: gathered ?? null,
      quarantine,
      sources: health,
      notices,
      events: app.events,
      issues: issues.map(({ issue, progress, counters }) => ({
        ...summary(issue),
        progress,
        figures: counters,
      })),
      uncertain: uncertain.map(({ number, ...rest }) => ({ batch: number, ...rest })),
    });
  }
  const restored = await app.mark.restored();
  if (restored !== null) say(`${describeRestored(restored)} ${WHAT_TO_DO}`);
  for (const { kind, message } of faults)
    say(`Now: ${message} What stands still: ${kindOf(kind).standsStill} ${kindOf(kind).whatToDo}`);
  say(`Next slot ${next.label}`);
  say(`Mail goes to ${app.mailer.destination}`);
  if (circuit) {
    say(
      `  which has not answered since ${circuit.since?.toISOString()} (${circuit.reason}); it is asked again at ${circuit.until.toISOString()}`,
    );
  }
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
  for (const { kind, at, message } of notices) {
    say(`Notice of ${at.toISOString()}: ${message}`);
    if (NEEDS_ADVICE.has(kind)) say(`  ${kindOf(kind).standsStill} ${kindOf(kind).whatToDo}`);
  }
  if (quarantine.total > 0) {
    say(`Quarantine: ${quarantine.total}, each read again when it changes`);
    for (const { source, url, faults, firstSeenAt } of quarantine.entries)
      say(`  ${url} (${source}, since ${firstSeenAt.toISOString()}): ${listFaults(faults)}`);
    if (quarantine.total > quarantine.entries.length) say('  ... and more; --json lists up to 1,000');
  }
  if (app.events === 'unseen')
    say('No events are taken: bounces and complaints are not seen. Set RESEND_WEBHOOK_SECRET.');
  for (const { issue, progress, counters } of issues) {
    say(describe(issue));
    if (progress.audience > 0) {
      say(
        `  audience ${progress.audience}, submitted ${progress.submitted}, to go ${progress.prepared}, excluded ${withReasons(progress.excluded)}, failed ${withReasons(progress.failed)}, uncertain ${progress.uncertain}`,
      );
      if (app.events !== 'none' || Object.values(counters).some((count) => count > 0))
        say(`  ${describeEvents(counters)}`);
    }
  }
  for (const batch of uncertain) for (const line of evidence(batch)) say(line);
}

/** Describes the events that the provider reported for an issue. */
function describeEvents(counters: IssueCounters): string {
  const { bouncedHard: hard, bouncedSoft: soft, clickedByMachines } = counters;
  const machines = clickedByMachines > 0 ? ` (and ${clickedByMachines} likely by machines)` : '';
  const failed = counters.failed > 0 ? `, dropped by the provider ${counters.failed}` : '';
  return `delivered ${counters.delivered}, bounced ${withReasons({ hard, soft })}, complained ${counters.complained}${failed}, opened ${counters.opened}, clicked ${counters.clicked}${machines}, left ${counters.left}`;
}
