import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { SubscriberStatus } from '../platform/db/schema.ts';
import { AppError, explain } from '../platform/errors.ts';
import { SIGN_IN_LINK_MINUTES } from '../transactional/link-lifetimes.ts';
import type { Context } from './output.ts';
import type { Role } from './serve-command.ts';

/**
 * The commands. Each is loaded when it is used, so that `--help` and usage errors are instant and a worker never
 * loads the pages.
 * @returns the exit code: 0 success, 1 failure with one line on stderr, 2 wrong usage.
 */
export async function run(args: string[], context: Context): Promise<number> {
  let exitCode = 0;
  const program = build(context, (code) => {
    exitCode = code ?? 0;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    process.stderr.write(`error: ${explain(error)}\n`);
    if (!(error instanceof AppError) && context.env.LOG_LEVEL === 'debug')
      process.stderr.write(`${(error as Error).stack}\n`);
    return 1;
  }
}

function build(context: Context, exit: (code: number | undefined) => void): Command {
  const program = new Command('weekly-verdict')
    .description(
      'Turns each week’s new comparisons of AI tools into one email issue, sent to every confirmed subscriber exactly once.',
    )
    .exitOverride()
    .showHelpAfterError('(--help shows what is possible)');

  const json = () => new Option('--json', 'print one JSON document instead of lines');
  const issue = () => new Option('--issue <slug>', 'which issue, by its slug (default: the newest it fits)');

  program
    .command('demo')
    .description('a whole week with sample data: gather, compose, approve, send')
    .option('--subscribers <count>', 'make up readers until there are this many', wholeNumber)
    .addOption(json())
    .action(async (options) => exit(await (await import('./demo-command.ts')).demo(context, options)));

  program
    .command('serve')
    .description('run the site and the workers until stopped')
    .addOption(
      new Option('--role <role>', 'what this process does')
        .choices(['all', 'web', 'worker'] satisfies Role[])
        .default('all'),
    )
    .action(async (options: { role: Role }) =>
      (await import('./serve-command.ts')).serve(context, options.role),
    );

  program
    .command('gather')
    .description('read every source of SOURCES and save what is new')
    .addOption(json())
    .action(async (options) =>
      exit(await (await import('./gather-commands.ts')).gatherCommand(context, options)),
    );

  program
    .command('import-page')
    .argument('<page>', 'a comparison page: its address, or a file of text or HTML')
    .description('read one comparison page, print what was understood, and save it')
    .option('--url <url>', 'where the page of a file lives')
    .option('--dry-run', 'print only')
    .addOption(json())
    .action(async (page, options) =>
      (await import('./gather-commands.ts')).importPage(context, page, options),
    );

  program
    .command('compose')
    .description('compose the next issue from what was gathered')
    .addOption(json())
    .action(async (options) => (await import('./issue-commands.ts')).compose(context, options));

  program
    .command('preview')
    .description('write every variant of an issue to files, with its checks')
    .option('--out <dir>', 'where to (default: DATA_DIR/preview)')
    .addOption(issue())
    .addOption(json())
    .action(async (options) => (await import('./issue-commands.ts')).preview(context, options));

  program
    .command('test-send')
    .description('mail an issue to a few addresses, to try it; nothing of it is in the ledger')
    .requiredOption('--to <addresses>', 'up to 20, separated by commas')
    .addOption(issue())
    .addOption(json())
    .action(async (options) => exit(await (await import('./issue-commands.ts')).testSend(context, options)));

  program
    .command('approve')
    .description('approve an issue for sending at its slot')
    .addOption(issue())
    .addOption(json())
    .action(async (options) => (await import('./issue-commands.ts')).approveCommand(context, options));

  program
    .command('send')
    .description('send an approved issue now, or go on with an interrupted one')
    .addOption(issue())
    .addOption(json())
    .action(async (options) =>
      exit(await (await import('./issue-commands.ts')).sendCommand(context, options)),
    );

  program
    .command('move')
    .description('send one issue at another time than its slot; the next one keeps its own')
    .requiredOption('--to <time>', 'a local time of TIMEZONE, like "2027-01-06 09:00"')
    .addOption(issue())
    .addOption(json())
    .action(async (options) => (await import('./issue-commands.ts')).moveCommand(context, options));

  program
    .command('pause')
    .description('stop an issue; what is submitted stays submitted')
    .option('--reason <text>', 'what the editors should read')
    .addOption(issue())
    .addOption(json())
    .action(async (options) => (await import('./issue-commands.ts')).pauseCommand(context, options));

  program
    .command('resume')
    .description('go on with a paused or failed issue where it stopped')
    .addOption(issue())
    .addOption(json())
    .action(async (options) => (await import('./issue-commands.ts')).resumeCommand(context, options));

  program
    .command('cancel')
    .description('end an issue for good; what is submitted stays submitted')
    .addOption(issue())
    .addOption(json())
    .action(async (options) => (await import('./issue-commands.ts')).cancelCommand(context, options));

  program
    .command('settle')
    .description('say what became of a batch whose answer was lost; alone: list them, with what is known')
    .option('--batch <id>', 'which batch, by its id or the beginning of it')
    .option('--accepted', 'the provider has its messages: nobody is mailed again')
    .option('--not-accepted', 'the provider has none of them: it goes out once more, without those who left')
    .option('--by <name>', 'who decides, as it is written down (default: the name of the system’s user)')
    .addOption(new Option('--issue <slug>', 'list only those of this issue'))
    .addOption(json())
    .action(async (options) => (await import('./settle-command.ts')).settle(context, options));

  program
    .command('retry')
    .argument('<issue>', 'by its slug')
    .description(
      'give readers whom the provider refused another chance; alone: list the reasons, with their numbers',
    )
    .option(
      '--reason <text>',
      'only those of this reason: its text, or a part of it that no other reason has',
    )
    .option('--yes', 'mail them; without it only their number is shown')
    .addOption(json())
    .action(async (slug, options) =>
      (await import('./retry-command.ts')).retryCommand(context, slug, options),
    );

  program
    .command('reconcile-restore')
    .description('after a backup was restored: say what may have been mailed since; nothing goes out before')
    .option(
      '--resume',
      'take this database as it is for the truth; each paused issue waits for its own resume',
    )
    .addOption(
      new Option(
        '--copy',
        'this database is a copy beside the original, as for tests: give it an id of its own, and pause its issues',
      ).conflicts('resume'),
    )
    .addOption(json())
    .action(async (options) => (await import('./restore-command.ts')).reconcileRestore(context, options));

  program
    .command('status')
    .description('where everything stands')
    .addOption(json())
    .action(async (options) => (await import('./status-command.ts')).status(context, options));

  const comparisons = program
    .command('comparisons')
    .description('what was gathered: list it, take it down, show it again');

  comparisons
    .command('list')
    .description('newest first, with what strangers see of each')
    .option('--find <text>', 'only those with this in a name')
    .option('--hidden', 'only those that were taken down')
    .option('--limit <count>', 'how many at most', wholeNumber, 50)
    .addOption(json())
    .action(async (options) => (await import('./comparisons-commands.ts')).comparisonsList(context, options));

  comparisons
    .command('hide')
    .argument('<slug>')
    .description(
      'take one down: its page says it is gone, lists and issues drop it, no source brings it back',
    )
    .requiredOption('--reason <text>', 'why, for the log and the editors')
    .addOption(json())
    .action(async (slug, options) =>
      (await import('./comparisons-commands.ts')).comparisonsHide(context, slug, options),
    );

  comparisons
    .command('show')
    .argument('<slug>')
    .description('show one again that was taken down')
    .addOption(json())
    .action(async (slug, options) =>
      (await import('./comparisons-commands.ts')).comparisonsShow(context, slug, options),
    );

  comparisons
    .command('reprints')
    .description('the same change in many comparisons: list it, or say whether it is news')
    .option('--answer <id>', 'which one, by its id or the beginning of it')
    .option('--not-news', 'this is how the site prints now: nothing is told')
    .option('--news', 'these are real changes: the next issue tells them')
    .addOption(json())
    .action(async (options) =>
      (await import('./comparisons-commands.ts')).comparisonsReprints(context, options),
    );

  const subscribers = program.command('subscribers').description('the people in the database');

  subscribers
    .command('import')
    .argument('<file>', 'CSV of ours, or of Mailchimp, Substack, Buttondown or listmonk; - reads stdin')
    .description('add people who are not known yet; nobody who left comes back')
    .option('--consent <text>', 'what gives the right to mail those who bring no time of confirmation')
    .option('--map <columns>', 'columns by name: email=Mail,status=State,left_at=', columnMap)
    .option('--rejected <file>', 'where bad rows go (default: <file>.rejected.csv)')
    .option('--dry-run', 'only tell what would be done')
    .addOption(json())
    .action(async (file, options) =>
      exit(await (await import('./subscribers-commands.ts')).subscribersImport(context, file, options)),
    );

  subscribers
    .command('export')
    .description('everybody as CSV, with their consent; an import reads it again')
    .option('--out <file>', 'where to (default: stdout)')
    .option(
      '--status <states>',
      'only these, comma-separated: active,pending,unsubscribed,suppressed',
      states,
    )
    .addOption(new Option('--json', 'one JSON document instead of CSV'))
    .action(async (options) =>
      (await import('./subscribers-commands.ts')).subscribersExport(context, options),
    );

  program
    .command('doctor')
    .description('whether this installation is set up to mail people, and what to mend')
    .addOption(json())
    .action(async (options) => exit(await (await import('./doctor-command.ts')).doctor(context, options)));

  subscribers
    .command('add')
    .argument('<address>')
    .description('add one person, who is asked by mail; with --confirmed-at a reader at once')
    .requiredOption('--consent <text>', 'what they agreed to, when and where')
    .option('--topics <topics>', 'comma-separated (default: everything)')
    .option('--confirmed-at <time>', 'when they confirmed, like 2026-11-01T09:00:00Z')
    .addOption(json())
    .action(async (address, options) =>
      (await import('./subscribers-commands.ts')).subscribersAdd(context, address, options),
    );

  subscribers
    .command('restore')
    .argument('<address>')
    .description('mail somebody again whose mail bounced; nothing else can be lifted')
    .requiredOption('--reason <text>', 'why mail will arrive now; it goes on record')
    .addOption(json())
    .action(async (address, options) =>
      (await import('./subscribers-commands.ts')).subscribersRestore(context, address, options),
    );

  subscribers
    .command('forget')
    .argument('<address>')
    .description('erase one person; a salted hash of the address keeps lists from bringing it back')
    .addOption(json())
    .action(async (address, options) =>
      (await import('./subscribers-commands.ts')).subscribersForget(context, address, options),
    );

  program
    .command('sign-in')
    .argument('<address>', 'of somebody in EDITORS')
    .description(
      `print a link that signs an editor in to the desk, once, within ${SIGN_IN_LINK_MINUTES} minutes, in any browser`,
    )
    .option(
      '--reset-passkeys',
      'first remove all their passkeys and end all their sessions, for one who lost them',
    )
    .addOption(json())
    .addHelpText(
      'after',
      '\nOn the embedded default, stop `serve` first and start it afterwards: the link outlives that.',
    )
    .action(async (address, options) =>
      (await import('./sign-in-command.ts')).signInCommand(context, address, options),
    );

  program
    .command('migrate')
    .description('bring the database to the newest schema')
    .action(async () => (await import('./migrate-command.ts')).migrate(context));

  return program;
}

/** Parses "email=Mail,status=State"; the import checks which fields exist. */
function columnMap(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => /^\s*(\w+)\s*=\s*(.*?)\s*$/s.exec(pair) ?? []);
  if (!pairs.every(([, field]) => field)) throw new InvalidArgumentError('Write email=COLUMN,status=COLUMN.');
  return Object.fromEntries(pairs.map(([, field, column]) => [field, column]));
}

function states(text: string): SubscriberStatus[] {
  const known: SubscriberStatus[] = ['active', 'pending', 'unsubscribed', 'suppressed'];
  return text.split(',').map((word) => {
    const state = known.find((each) => each === word.trim());
    if (state === undefined) throw new InvalidArgumentError(`The states are ${known.join(', ')}.`);
    return state;
  });
}

function wholeNumber(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0) throw new InvalidArgumentError('Give a whole number.');
  return count;
}
