import { parseArgs } from 'node:util';
import { FAULTS, type FaultName, randomFaults, startResend } from './index.ts';

/** `npm run resend:local`: a Resend on this machine, until it is stopped. */

const USAGE = `A Resend on this machine: nothing leaves it, and it says what it accepted.

  npm run resend:local -- [options]

  --port N            default 4733
  --rate N            requests a second (default 10)
  --daily N           daily quota, in recipients
  --monthly N         monthly quota, in recipients
  --webhook URL       where events go (default http://localhost:3000/webhooks/resend)
  --secret whsec_...  signs them; a fixed one of this program by default
  --faults LIST       comma-separated; a share of the requests meets one of them
  --share N           which share, 0 to 1 (default 0.2)
  --seed N            the same seed draws the same faults (default 1)
  --record FILE       keep what was accepted, and go on with it the next time
  --any-recipient     take example.com and test.com too, which Resend refuses

  faults: ${Object.keys(FAULTS).join(', ')}
`;

const SECRET = `whsec_${Buffer.from('a secret of this machine only').toString('base64')}`;

const options = {
  port: { type: 'string', default: '4733' },
  rate: { type: 'string', default: '10' },
  daily: { type: 'string' },
  monthly: { type: 'string' },
  webhook: { type: 'string', default: 'http://localhost:3000/webhooks/resend' },
  secret: { type: 'string', default: SECRET },
  faults: { type: 'string' },
  share: { type: 'string', default: '0.2' },
  seed: { type: 'string', default: '1' },
  record: { type: 'string' },
  'any-recipient': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function settings() {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}; --help says what is possible\n`);
    return process.exit(2);
  }
}

const values = settings();

if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}

const faults = (values.faults ?? '').split(',').filter((name) => name !== '');
const unknown = faults.find((name) => !(name in FAULTS));
if (unknown !== undefined) {
  process.stderr.write(`error: there is no fault "${unknown}"; --help lists them\n`);
  process.exit(2);
}

const resend = await startResend({
  port: Number(values.port),
  ratePerSecond: Number(values.rate),
  ...(values.daily === undefined ? {} : { dailyQuota: Number(values.daily) }),
  ...(values.monthly === undefined ? {} : { monthlyQuota: Number(values.monthly) }),
  ...(values.record === undefined ? {} : { file: values.record }),
  ...(values['any-recipient'] ? { refusedDomains: [] } : {}),
  webhook: { url: values.webhook, secrets: [values.secret], schedule: [0, 1_000, 5_000, 30_000, 60_000] },
});
if (faults.length > 0)
  resend.planBy(randomFaults(Number(values.seed), Number(values.share), faults as FaultName[]));

process.stdout.write(`Resend on this machine: ${resend.url}

  RESEND_API_KEY=${resend.apiKey}
  RESEND_BASE_URL=${resend.url}
  RESEND_WEBHOOK_SECRET=${values.secret}

What it accepted: ${resend.url}/_oracle. Events go to ${values.webhook}. Ctrl-C ends it.
`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    process.stdout.write(`\naccepted ${resend.total}, in ${resend.requests.length} requests\n`);
    await resend[Symbol.asyncDispose]();
    process.exit(0);
  });
}
