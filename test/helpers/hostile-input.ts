/** Inputs that blocked a process for minutes or hours when they were parsed in the main thread (F8). */

/** Invalid as a page, a feed and a sitemap: no parser finishes it by itself. */
export const HOSTILE: Record<string, { text: string; reason: RegExp }> = {
  'a million characters of nested tables': {
    text: '<table><tr><td>'.repeat(66_666),
    reason: /more than 20,000 elements/u,
  },
  '30 kB of nested tables': {
    text: '<table><tr><td>'.repeat(2_000),
    reason: /nested more than 200 deep/u,
  },
  '200,000 unclosed elements': { text: '<div>'.repeat(190_000), reason: /more than 20,000 elements/u },
  'formatting that comes again in every paragraph': {
    text: `<p>${Array.from({ length: 190 }, (_, id) => `<b id=${id}>`).join('')}</p>${'<p>x</p>'.repeat(19_000)}`,
    reason: /more than 20,000 elements/u,
  },
  'a tag with 120,000 attributes': {
    text: `<p ${Array.from({ length: 120_000 }, (_, id) => `a${id}`).join(' ')}>`,
    reason: /more than 500 attributes/u,
  },
};

/** Within all limits, and still too much: every word of it may be a part of a name. */
export const ENDLESS = `${`<h1>${'a '.repeat(20)}vs${' b'.repeat(20)}</h1>`.repeat(9_000)}${'<p>75% Panel ship</p>'.repeat(12)}`;

/** 475 kB of rules, each of which needs time quadratic in the URL's length when matched with backtracking. */
export const RULES = `User-agent: *\n${'Disallow: /*a*b*c$\n'.repeat(25_000)}`;
