import { parseEnv } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readEnvFile } from '../../src/config/env-file.ts';

const one = (line: string) => readEnvFile(line).values.NAME;

describe('B35: a value in .env', () => {
  it.each([
    ['NAME=Unit #5, 12 Example Street', 'Unit #5, 12 Example Street'],
    ['NAME=C# Weekly', 'C# Weekly'],
    ['NAME=#1 Verdicts', '#1 Verdicts'],
    ['NAME=a#b#c', 'a#b#c'],
    ['NAME=https://site.example/#top', 'https://site.example/#top'],
    ['NAME="Unit # 5"', 'Unit # 5'],
    ["NAME='Unit # 5'", 'Unit # 5'],
    ['NAME=`it\'s "5" # 6`', 'it\'s "5" # 6'],
    ['NAME="1 Street\\n12345 Town"', '1 Street\n12345 Town'],
    ['NAME="1 Street\n12345 Town # east"', '1 Street\n12345 Town # east'],
    ['  export NAME = spaced out  \r\n', 'spaced out'],
    ['NAME=a=b=c', 'a=b=c'],
    ['NAME=', ''],
    ['\uFEFFNAME=first', 'first'],
    ['NAME=old\nNAME=new', 'new'],
  ])('%j keeps all that was written', (line, value) => {
    expect(one(line)).toBe(value);
  });

  it.each([
    ['NAME=3000 # the port', '3000'],
    ['NAME=# nothing yet', ''],
    ['NAME=3000 #', '3000'],
    ['NAME="3000" # the port', '3000'],
    ['# NAME=3000', undefined],
    ['  # NAME=3000', undefined],
  ])('%j has a comment, which is none of it', (line, value) => {
    expect(one(line)).toBe(value);
  });

  it.each([
    ['NAME=Unit # 5', /taken for a comment.*quotes/],
    ['NAME=Unit #5', /Docker Compose would end it there.*quotes/],
    ['NAME="Unit', /never closed/],
    ["NAME='it's five'", /more follows/],
  ])('%j may have been meant otherwise, which is said without the value', (line, message) => {
    const { ambiguities } = readEnvFile(line);
    expect(ambiguities.map(({ name }) => name)).toEqual(['NAME']);
    expect(ambiguities[0]?.message).toMatch(message);
    expect(ambiguities[0]?.message).not.toMatch(/Unit|five/);
  });

  it.each(['NAME=C# Weekly', 'NAME="Unit #5" # ours', 'NAME=plain', '# NAME=a # b'])(
    '%j is plain',
    (line) => {
      expect(readEnvFile(line).ambiguities).toEqual([]);
    },
  );

  it('without a # or a quotation mark is the same as in Node, whatever the file contains', () => {
    const name = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/);
    const value = fc.stringMatching(/^[ -!%&(-_a-~äß]{0,20}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 6 }), (pairs) => {
        const text = pairs.map(([left, right]) => `${left}=${right.replaceAll('"', '')}`).join('\n');
        expect(readEnvFile(text).values).toEqual({ ...parseEnv(text) });
      }),
    );
  });
});
