import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ComponentType, createElement } from 'react';
import { expect, it } from 'vitest';
import type { TransactionalEmail } from '../../emails/parts/transactional-email.tsx';
import { renderReactMail } from '../../src/render/react.ts';
import { renderTransactional } from '../../src/render/render-variant.ts';
import { MAIL_KINDS } from '../../src/transactional/mail-kinds.ts';

const emails = resolve(import.meta.dirname, '../../emails');
const fileOf = (kind: string) => `transactional/${kind.replaceAll('_', '-')}.tsx`;
const TEMPLATES = MAIL_KINDS.filter((kind) => kind !== 'test').map(fileOf);

// The rule by which React Email's command line recognises emails.
const isEmail = (file: string) => /\bexport\s+default\b/u.test(readFileSync(join(emails, file), 'utf8'));

it('React Email recognises the digest and the file of each kind as emails, and no other file', () => {
  const files = readdirSync(emails, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.(?:tsx|jsx|js)$/u.test(file),
  );
  expect(files.filter(isEmail).sort()).toEqual(['digest.tsx', ...TEMPLATES].sort());
});

it.each(['digest.tsx', ...TEMPLATES])(
  "%s has a preview, and its export shows the preview's data",
  async (file) => {
    const { default: email } = (await import(join(emails, file))) as {
      default: ComponentType & { PreviewProps: object };
    };
    const preview = await renderReactMail(createElement(email, email.PreviewProps));
    expect(preview).toContain('<h1');
    expect(await renderReactMail(createElement(email))).toBe(preview);
  },
);

it.each(TEMPLATES)('%s is mailed as its preview shows it', async (file) => {
  const { default: email } = (await import(join(emails, file))) as { default: TransactionalEmail<object> };
  const { html, text } = await renderTransactional(email.content(email.PreviewProps));
  expect(html).toBe(await renderReactMail(createElement(email, email.PreviewProps)));
  const { subject, preheader, why } = email.content(email.PreviewProps);
  expect(html).toContain(`<title>${subject}</title>`);
  expect(text.replace(/\s+/gu, ' ')).toContain(why);
  expect([...preheader].length).toBeGreaterThanOrEqual(40);
  expect([...preheader].length).toBeLessThanOrEqual(90);
});
