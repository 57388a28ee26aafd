import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { escapeFormula, unescapeFormula } from '../../src/subscribers/import-export/cells.ts';
import { type Columns, hasUnsubscribed, rowReader } from '../../src/subscribers/import-export/formats.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const reader = (header: string, map: Columns = {}) => rowReader(header.split(','), map, NOW);
/** The status of each row of a list, or its fault. */
const statesOf = (header: string, rows: string[], map?: Columns) => {
  const { read } = reader(header, map);
  return rows.map((row) => {
    const person = read(row.split(','));
    return 'fault' in person ? person.fault : person.status;
  });
};

const SUBSCRIBED =
  'Email Address,First Name,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS';
const UNSUBSCRIBED =
  'Email Address,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER,LEID,EUID';
const CLEANED =
  'Email Address,MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE,CLEAN_CAMPAIGN_ID,LEID';
const SUBSTACK = 'email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at';
const BUTTONDOWN = 'id,email_address,notes,metadata,tags,creation_date,type';
const LISTMONK = 'uuid,email,name,attributes,status,created_at,updated_at';

describe('a list', () => {
  test.each([
    ['Mailchimp', SUBSCRIBED],
    ['Mailchimp', UNSUBSCRIBED],
    ['Mailchimp', CLEANED],
    ['Substack', SUBSTACK],
    ['Buttondown', BUTTONDOWN],
    ['Buttondown', 'email,notes,creation_date,subscriber_type'],
    ['listmonk', LISTMONK],
    ['plain', 'email,status,topics,timezone,confirmed_at'],
    ['plain', 'E-Mail;Name'.replace(';', ',')],
  ])('of %s is recognised by its header: %s', (format, header) => {
    expect(reader(header).format).toBe(format);
  });

  test('of Mailchimp gives the time at which its people confirmed, in UTC', () => {
    const row = reader(SUBSCRIBED).read(
      'Ann@example.org,Ann,4,2024-03-01 08:59:00,192.0.2.1,2024-03-01 09:00:00,192.0.2.1,,,,,Europe/Berlin,DE,,,1,a,,"VIP"'.split(
        ',',
      ),
    );
    expect(row).toEqual({
      email: 'Ann@example.org',
      key: 'ann@example.org',
      status: 'active',
      // Tags are the owner's words for people, not topics that they chose.
      topics: [],
      timezone: 'Europe/Berlin',
      confirmedAt: new Date('2024-03-01T09:00:00Z'),
      pausedUntil: null,
      reason: null,
    });
  });

  test('of unsubscribed people of a Mailchimp audience makes nobody active, whatever its cells say', () => {
    const cells = fc.array(fc.oneof(fc.constantFrom('', 'subscribed', '2024-03-01 09:00:00'), fc.string()), {
      minLength: 10,
      maxLength: 10,
    });
    fc.assert(
      fc.property(fc.constantFrom(UNSUBSCRIBED, CLEANED), cells, (header, rest) => {
        const person = reader(header).read(['a@example.org', ...rest]);
        expect('status' in person && hasUnsubscribed(person.status)).toBe(true);
      }),
    );
    expect(statesOf(CLEANED, ['a@example.org,2,,,2024-03-01 09:00:00'])).toEqual(['suppressed']);
    expect(statesOf(UNSUBSCRIBED, ['a@example.org,2,,2024-03-01 09:00:00,'])).toEqual(['unsubscribed']);
  });

  test('of Substack: an unpaid subscription counts as active, disabled mail as unsubscribed', () => {
    expect(
      statesOf(SUBSTACK, [
        'a@example.org,false,,other,false,2025-01-01T00:00:00.000Z,',
        'b@example.org,true,2026-12-01,monthly,false,2025-01-01,2025-01-01',
        'c@example.org,true,,,true,2025-01-01,',
      ]),
    ).toEqual(['active', 'active', 'unsubscribed']);
    expect(reader(SUBSTACK).read(['a@example.org', 'false', '', '', 'false', '2025-01-01'])).toMatchObject({
      confirmedAt: null,
    });
  });

  test.each([
    ['regular', 'active'],
    ['premium', 'active'],
    ['past_due', 'active'],
    ['unactivated', 'pending'],
    ['unsubscribed', 'unsubscribed'],
    ['removed', 'unsubscribed'],
    ['spammy', 'suppressed'],
    ['undeliverable', 'suppressed'],
    ['complained', 'suppressed'],
    ['upcoming', 'status is no word that we know for one'],
    ['constructor', 'status is no word that we know for one'],
  ])('of Buttondown: %s is %s', (word, state) => {
    expect(statesOf(BUTTONDOWN, [`1,a@example.org,,,,2025-01-01T00:00:00Z,${word}`])).toEqual([state]);
  });

  test.each([
    ['enabled', 'active'],
    ['disabled', 'unsubscribed'],
    ['blocklisted', 'suppressed'],
  ])('of listmonk: %s is %s', (word, state) => {
    expect(statesOf(LISTMONK, [`x,a@example.org,A,{},${word},2025-01-01`])).toEqual([state]);
  });

  test('keeps the word for the reason of a suppression', () => {
    expect(reader(LISTMONK).read(['x', 'a@example.org', 'A', '{}', 'Blocklisted'])).toMatchObject({
      reason: 'blocklisted',
    });
  });

  test('of unknown format is read by the columns that a person names', () => {
    const map = { email: 'Mail', status: 'State', topics: 'Likes', confirmed_at: 'Since' };
    const mapped = reader('Mail,State,Likes,Since,Extra', map);
    expect(mapped).toMatchObject({ format: 'mapped', unused: ['extra'] });
    expect(
      mapped.read(['a@example.org', 'SUBSCRIBED', '"Writing", Coding', '2024-03-01 09:00:00', '']),
    ).toMatchObject({
      status: 'active',
      topics: ['Coding', 'Writing'],
      confirmedAt: new Date('2024-03-01T09:00:00Z'),
    });
  });

  test.each([
    [{ email: 'Post' }, /no column called Post/],
    [{ mail: 'Mail' }, /nothing called mail/],
    [{}, /No column.*addresses/],
  ])('with missing columns %j is refused', (map, about) => {
    expect(() => reader('Mail,Name', map as Columns)).toThrow(about);
  });

  test('with a column that may say who unsubscribed is refused until a person maps it', () => {
    for (const name of ['unsubscribed', 'is_subscribed', 'Opted Out', 'opt-in', 'bounced', 'blocked_at']) {
      expect(() => reader(`email,${name}`)).toThrow(/may say who left/);
      expect(() => reader(`Mail,${name}`, { email: 'Mail' })).toThrow(/may say who left/);
    }
    expect(statesOf('email,unsubscribed', ['a@example.org,', 'b@example.org,x'], { left_at: '' })).toEqual([
      'active',
      'active',
    ]);
    expect(
      statesOf('email,unsubscribed', ['a@example.org,', 'b@example.org,yes'], { left_at: 'unsubscribed' }),
    ).toEqual(['active', 'unsubscribed']);
    expect(statesOf('email,unsubscribed_at', ['a@example.org,2024-01-01'])).toEqual(['unsubscribed']);
  });
});

describe('a row', () => {
  const HEADER = 'email,status,topics,timezone,confirmed_at,paused_until';

  test.each([
    ['a@example.org,keen', 'status is no word that we know for one'],
    ['a@example.org,active,,Mars/Olympus', 'timezone is no time zone like Europe/Berlin'],
    ['a@example.org,active,,+01:00', 'timezone is no time zone like Europe/Berlin'],
    ['a@example.org,active,,,yesterday', 'confirmed_at is not a date and time like 2026-11-01T09:00:00Z'],
    [
      'a@example.org,active,,,2026-02-30T09:00:00Z',
      'confirmed_at is not a date and time like 2026-11-01T09:00:00Z',
    ],
    ['a@example.org,active,,,2026-11-22T12:00:01Z', 'confirmed_at is later than today'],
    ['a@example.org,active,,,1994-12-31T23:59:59Z', 'confirmed_at is before 1995'],
    ['a@example.org,active,,,,soon', 'paused_until is not a date and time like 2026-11-01T09:00:00Z'],
    ['a@example.org,active,Wri\u0000ting', 'topics contains an invisible character'],
    ['nobody,active', 'email is not of the form name@example.org'],
    ['', 'email is empty'],
  ])('%j is rejected', (row, fault) => {
    expect(statesOf(HEADER, [row])).toEqual([fault]);
  });

  test('with an unsubscribe counts, whatever else is wrong with it', () => {
    expect(
      reader(HEADER).read(['a@example.org', 'unsubscribed', 'x\u0000', 'Mars/Olympus', 'yesterday', 'soon']),
    ).toEqual({
      email: 'a@example.org',
      key: 'a@example.org',
      status: 'unsubscribed',
      topics: [],
      timezone: null,
      confirmedAt: null,
      pausedUntil: null,
      reason: null,
    });
  });

  test('with an unsubscribe never makes anybody active', () => {
    const word = fc.oneof(fc.constantFrom('active', 'subscribed', 'pending', ''), fc.string());
    fc.assert(
      fc.property(word, fc.string({ minLength: 1 }), (status, left) => {
        fc.pre(left.trim() !== '');
        const person = reader('email,status,left_at').read(['a@example.org', status, left]);
        expect('status' in person && !hasUnsubscribed(person.status)).toBe(false);
      }),
    );
  });
});

describe('a cell of an export', () => {
  test('is never a formula, and is read back unchanged', () => {
    const risky = fc.tuple(fc.constantFrom('=', '+', '-', '@', '\t', "'", "'=", '＝', ''), fc.string());
    fc.assert(
      fc.property(risky, ([start, rest]) => {
        const cell = start + rest;
        expect(escapeFormula(cell)).not.toMatch(/^[=+\-@\t\r＝＋－＠]/);
        expect(unescapeFormula(escapeFormula(cell))).toBe(cell);
      }),
    );
    expect(escapeFormula('reader@example.org')).toBe('reader@example.org');
    expect(unescapeFormula("'o'brien@example.org")).toBe("'o'brien@example.org");
  });
});
