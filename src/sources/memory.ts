import { createHash } from 'node:crypto';
import type { Fault } from '../platform/errors.ts';

/** The last read state of a URL. */
export interface PageRecord {
  url: string;
  source: string;
  kind: 'robots' | 'sitemap' | 'feed' | 'page';
  status: number;
  etag: string | null;
  lastModified: string | null;
  bodyHash: string;
  reader: number;
  lastmod: string | null;
  /** `pairKey` of the page's comparison when it was last valid. */
  pairKey: string | null;
  listing: unknown;
  fetchedAt: Date;
}

/** An invalid page or file that is not read again until it changes. */
export interface Quarantined {
  source: string;
  url: string;
  faults: Fault[];
  /** null when nothing could be read: then every gathering tries again. */
  bodyHash: string | null;
}

/** The state after earlier gatherings. */
export interface Known {
  pages: PageRecord[];
  quarantine: Quarantined[];
}

/** What a gathering must store; all empty when nothing changed. */
export interface MemoryChanges {
  remember: PageRecord[];
  forget: string[];
  quarantine: Quarantined[];
  release: Pick<Quarantined, 'source' | 'url'>[];
}

/**
 * Raise it when the parsing of pages changes: pages read or rejected by an older version are requested unconditionally
 * and parsed again.
 */
export const READER = 1;

export function bodyHash(body: string | Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

/** The state of all pages during one gathering, and its changes. */
export class Memory {
  readonly now: Date;
  readonly #pages: Map<string, PageRecord>;
  readonly #quarantine: Map<string, Quarantined>;
  readonly #remember = new Map<string, PageRecord>();
  readonly #wrong = new Map<string, Quarantined>();
  /** URLs that still belong to a source. */
  readonly #seen = new Set<string>();
  /** Sources that were not read completely: none of their pages are deleted. */
  readonly #partial = new Set<string>();

  constructor(known: Known, now: Date) {
    this.now = now;
    this.#pages = new Map(known.pages.map((page) => [page.url, page]));
    this.#quarantine = new Map(known.quarantine.map((each) => [keyOf(each.source, each.url), each]));
  }

  /** The record of a URL, unless an older parser made it. */
  page(url: string): PageRecord | undefined {
    const page = this.#pages.get(url);
    return page?.reader === READER ? page : undefined;
  }

  quarantined(source: string, url: string): Quarantined | undefined {
    return this.#quarantine.get(keyOf(source, url));
  }

  see(url: string): void {
    this.#seen.add(url);
  }

  remember(page: Omit<PageRecord, 'reader' | 'fetchedAt'>): void {
    this.see(page.url);
    this.#remember.set(page.url, { ...page, reader: READER, fetchedAt: this.now });
  }

  /** Records that it was read and is invalid. */
  quarantine(source: string, url: string, faults: Fault[], hash: string | null): void {
    this.#wrong.set(keyOf(source, url), { source, url, faults, bodyHash: hash });
  }

  /** Records that it could not be read: its earlier state stays. */
  leave(source: string, url: string): void {
    const known = this.quarantined(source, url);
    if (known) this.#wrong.set(keyOf(source, url), known);
  }

  /** Records that a part of this source could not be listed, so a missing page is not deleted. */
  isPartial(source: string): void {
    this.#partial.add(source);
  }

  /** Whether everything that this source lists was listed. */
  isComplete(source: string): boolean {
    return !this.#partial.has(source);
  }

  changes(): MemoryChanges {
    const stays = (source: string) => this.#partial.has(source);
    const forget = [...this.#pages.values()].filter(
      ({ url, source }) => !this.#seen.has(url) && !stays(source),
    );
    const quarantine = [...this.#wrong.entries()]
      .filter(([key, now]) => !isSame(this.#quarantine.get(key), now))
      .map(([, now]) => now);
    const release = [...this.#quarantine.entries()].filter(
      ([key, { source, url }]) => !this.#wrong.has(key) && (this.#seen.has(url) || !stays(source)),
    );
    return {
      remember: [...this.#remember.values()],
      forget: forget.map(({ url }) => url),
      quarantine,
      release: release.map(([, { source, url }]) => ({ source, url })),
    };
  }
}

function keyOf(source: string, url: string): string {
  return `${source}\n${url}`;
}

function isSame(was: Quarantined | undefined, is: Quarantined): boolean {
  return was?.bodyHash === is.bodyHash && JSON.stringify(was.faults) === JSON.stringify(is.faults);
}

/** Hashes a body while it arrives. */
export function hashing() {
  const hash = createHash('sha256');
  return {
    async *through(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of body) {
        hash.update(chunk);
        yield chunk;
      }
    },
    digest: () => hash.digest('hex'),
  };
}
