import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseUrl } from '../../src/platform/url.ts';

describe('parseUrl', () => {
  it('gives the same result however many URLs were parsed earlier', () => {
    const first = parseUrl('https://plåceholder.example/ä?ö#ü')?.href;
    // On Node 20 and 22, URL.canParse refuses it after some thousand calls, once it is compiled.
    const all = new Set(
      Array.from({ length: 20_000 }, () => parseUrl('https://plåceholder.example/ä?ö#ü')?.href),
    );
    expect(first).toBe('https://xn--plceholder-25a.example/%C3%A4?%C3%B6#%C3%BC');
    expect([...all]).toEqual([first]);
  });

  it('is null for an invalid URL', () => {
    for (const text of ['', 'x', '//x', 'https://', 'https://a b/', 'https://[::1'])
      expect([text, parseUrl(text)]).toEqual([text, null]);
    expect(parseUrl('../x', 'https://site.example/a/b')?.href).toBe('https://site.example/x');
  });

  it('is used instead of URL.canParse, whose result changes while a process runs', () => {
    const files = ['src', 'jobs', 'emails'].flatMap((folder) =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => `${entry.parentPath}/${entry.name}`),
    );
    expect(files.filter((file) => /\bcanParse\(/.test(readFileSync(file, 'utf8')))).toEqual([]);
  });
});
