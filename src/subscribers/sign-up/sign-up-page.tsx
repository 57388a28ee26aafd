import type { FormHTMLAttributes, ReactNode } from 'react';
import { TURNSTILE_ORIGIN } from '../../platform/http/challenge.ts';
import { ADDRESS_INPUT } from '../../platform/http/pages/address-field.tsx';
import { Page, ReplyTo, render } from '../../platform/http/pages/layout.tsx';
import type { FieldError } from '../../platform/http/problems.ts';
import type { Site } from '../../platform/site.ts';

/** The data of a form, on any page. */
export interface SignUpForm {
  /** The name of this form. */
  source: string;
  /** All topics. */
  topics: string[];
  /** The consent text. */
  consent: string;
  privacyUrl: string | undefined;
  /** Site key of the puzzle; null without a puzzle. */
  siteKey: string | null;
  token: string;
}

/** What was typed, and its errors. */
export interface Attempt {
  email: string;
  topics: string[];
  errors: FieldError[];
}

/** The promise, and the form below it. Stands at the end of every page that may win a subscriber. */
export const SignUp = ({ site, form, children }: { site: Site; form: SignUpForm; children?: ReactNode }) => (
  <section className="sign-up">
    <p className="overline">{site.newsletterName}</p>
    <h2>Get the next comparison in your inbox</h2>
    <p>New AI tools ship daily. We compare them before you waste an afternoon.</p>
    <SignUpFields form={form} />
    {children}
  </section>
);

type FieldsProps = FormHTMLAttributes<HTMLFormElement> & { form: SignUpForm; attempt?: Attempt };

/** @param attributes of the `<form>` element, on pages that need their own. */
export const SignUpFields = ({ form, attempt, ...attributes }: FieldsProps) => {
  const fault = attempt?.errors.find(({ field }) => field === 'email');
  const chosen = new Set(attempt?.topics);
  return (
    <form method="post" action="/subscribe" {...attributes}>
      <label className="field">
        Email address
        <input
          {...ADDRESS_INPUT}
          defaultValue={attempt?.email}
          aria-describedby={fault ? 'email-fault consent' : 'consent'}
          {...(fault ? { 'aria-invalid': true } : {})}
        />
      </label>
      {fault !== undefined && (
        <p className="fault" id="email-fault">
          {fault.message}
        </p>
      )}
      {/* The honeypot: people do not see it, so only a machine fills it in. */}
      <input
        type="text"
        name="website"
        className="elsewhere"
        tabIndex={-1}
        autoComplete="off"
        aria-hidden="true"
      />
      <input type="hidden" name="stamp" value={form.token} />
      <input type="hidden" name="source" value={form.source} />
      {form.topics.length > 1 && (
        <details open={chosen.size > 0}>
          <summary>Only some topics?</summary>
          <fieldset>
            <legend>With nothing ticked you get everything</legend>
            {form.topics.map((topic) => (
              <label className="tick" key={topic}>
                <input type="checkbox" name="topics" value={topic} defaultChecked={chosen.has(topic)} />
                {topic}
              </label>
            ))}
          </fieldset>
        </details>
      )}
      {form.siteKey !== null && (
        <>
          <div className="cf-turnstile puzzle" data-sitekey={form.siteKey} />
          <script src={`${TURNSTILE_ORIGIN}/turnstile/v0/api.js`} async defer />
        </>
      )}
      <button type="submit">Subscribe</button>
      <p className="meta after" id="consent">
        {form.consent}
        {form.privacyUrl !== undefined && (
          <>
            {' '}
            <a href={form.privacyUrl}>How we treat your data</a>
          </>
        )}
      </p>
    </form>
  );
};

/** The form on a page of its own; after an error, with the typed values and the error. */
export function signUpPage(site: Site, form: SignUpForm, attempt?: Attempt): string {
  return render(
    <Page site={site} title={attempt ? 'Please look again' : 'Subscribe'}>
      {attempt !== undefined && (
        // biome-ignore lint/a11y/noAutofocus: a page that says what is wrong begins with that
        <div className="notice" role="alert" tabIndex={-1} autoFocus>
          <p>
            <strong>Nothing was sent.</strong>
          </p>
          <ul>
            {attempt.errors.map(({ field, message }) => (
              <li key={message}>{field === 'email' ? <a href="#email">{message}</a> : message}</li>
            ))}
          </ul>
        </div>
      )}
      <div className="stack">
        <h1>Get {site.newsletterName}</h1>
        <p>
          New AI tools ship daily. We compare them before you waste an afternoon, and send you the verdicts
          once a week.
        </p>
      </div>
      <SignUpFields form={form} {...(attempt ? { attempt } : {})} />
    </Page>,
  );
}

/**
 * Everybody who signs up gets the same page, whatever status they have.
 * @param meant the domain that was probably meant, when the typed one looks like a typing error.
 */
export function checkInboxPage(site: Site, meant: string | undefined): string {
  return render(
    <Page site={site} title="Look in your inbox">
      {meant !== undefined && (
        <p className="notice" role="status">
          Did you mean an address at <strong>{meant}</strong>? If so,{' '}
          <a href="/subscribe">type it once more</a>.
        </p>
      )}
      <div className="stack">
        <h1>Look in your inbox</h1>
        <p className="lede">
          A mail is on its way. Open it and press its button: only then does your subscription begin.
        </p>
        <p>
          It takes a minute or two. Nothing there? Look among the spam, and see whether the address was
          spelled right. To be asked again, wait ten minutes and <a href="/subscribe">sign up once more</a>.
        </p>
        <p>
          Still nothing? Write to <ReplyTo site={site} />.
        </p>
      </div>
    </Page>,
  );
}
