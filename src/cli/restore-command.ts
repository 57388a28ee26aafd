import { listIssues } from '../issues/issue-store.ts';
import { describeRestored } from '../sending/mark/sending-mark.ts';
import { describe } from './issue-commands.ts';
import { openApp } from './open-app.ts';
import { type Context, say, sayJson } from './output.ts';

/**
 * Says what is known about a restored database. With `resume`, takes it as it is for the truth; with `copy`, makes it
 * another installation than the original.
 */
export async function reconcileRestore(
  context: Context,
  options: { resume?: boolean; copy?: boolean; json?: boolean },
): Promise<void> {
  await using app = await openApp(context);
  if (options.copy) {
    await app.mark.becomeCopy();
    say(
      'This database is an installation of its own now, and its issues are paused. Start its processes again.',
    );
    return;
  }
  const found = await app.mark.check();
  const isAccepted = found !== null && options.resume === true;
  const uncertain = isAccepted ? await app.mark.accept() : 0;
  const paused = (await listIssues(app.db, { status: ['paused'] })).filter(
    ({ resumeTo }) => resumeTo !== null,
  );
  if (options.json) {
    return sayJson({
      restored: found,
      accepted: isAccepted,
      uncertain,
      paused: paused.map(({ slug }) => slug),
    });
  }
  if (found === null) {
    say('This database is not older than what was mailed, as far as Redis and DATA_DIR know.');
    return;
  }
  say(describeRestored(found));
  for (const issue of paused) say(describe(issue));
  if (!isAccepted) {
    say();
    say('Look at the provider which of these issues it has mailed. Then:');
    say(
      '  verdict reconcile-restore --resume   takes this database as it is for the truth; issues stay paused',
    );
    say('  verdict cancel --issue SLUG          for an issue that was mailed: nobody gets it again');
    say('  verdict resume --issue SLUG          for an issue that was not mailed, or only in part');
    say('Whoever is mailed by a wrong resume has the issue twice.');
    return;
  }
  say(
    'This database is taken for the truth. Each paused issue still waits for its own `resume` or `cancel`.',
  );
  if (uncertain > 0) {
    say(
      `${uncertain} batches that the lost database may have mailed are uncertain: an event settles them, or \`verdict settle\`.`,
    );
  }
}
