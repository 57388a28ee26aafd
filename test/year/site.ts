import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { slugFor } from '../../src/comparisons/names.ts';
import { random } from './random.ts';

/**
 * The site of comparisons that the program reads: its pages follow from a seed. A tool is in several comparisons, as on
 * a real site, so one changed price changes several pages. The pages are served over HTTP, with a sitemap, and written
 * into a folder; the source is one or the other.
 */
export interface SiteOptions {
  seed: number;
  kind: 'folder' | 'site';
  folder: string;
}

interface Tool {
  name: string;
  category: string;
  tagline: string;
  description: string;
  quotes: string[];
  /** How many of four reviewers would ship it. */
  ships: number;
  community: number | null;
  /** Euros a month. */
  price: number;
}

/** What a reader would call a change of a comparison: verdict figures and prices, whatever their print. */
export interface PageState {
  panel: readonly [number, number];
  price: readonly [number, number];
  community: readonly [number | null, number | null];
  /** The print of the prices. */
  printed: readonly [string, string];
}

export interface Page {
  slug: string;
  title: string;
  tools: readonly [Tool, Tool];
  publishedAt: Date;
  changedAt: Date;
  deletedAt: Date | null;
  /** What the program read last; null until it read the page. */
  read: PageState | null;
  readAt: Date | null;
  /** Times in a row that the program read the site without this page. */
  missed: number;
  etag: string;
}

const CATEGORIES = [
  'Developer Tools',
  'Meetings',
  'Writing',
  'Voice & Audio',
  'Images',
  'Video',
  'Search',
  'Automation',
  'Support',
  'Data',
];
const FIRST =
  'Amber Bolt Cinder Dapper Ember Fable Gravel Harbor Indigo Juniper Kestrel Lumen Maple Nimbus Onyx';
const FIRST_NAMES =
  `${FIRST} Pebble Quartz River Saffron Tundra Umber Velvet Willow Xenon Yarrow Zephyr Birch Copper Dune Falcon`.split(
    ' ',
  );
const LAST_NAMES =
  'Agent Board Cast Desk Engine Forge Graph Hub Inbox Kit Lab Mind Note Owl Pilot Quill Relay Scribe Tutor Vault'.split(
    ' ',
  );
const WORDS =
  'the a it we our team week build test page works fails slow fast cheap costs again never twice plain honest answer question draft code call note price month user panel agrees doubts finds keeps loses opens closes reads writes asks waits ships skips and but because when after before without'.split(
    ' ',
  );
const LENSES = ['builder', 'skeptic', 'founder', 'futurist'];

/** Prices as the site prints them; a reprint changes the print of all but the free ones. */
const PRINTS: readonly ((price: number) => string)[] = [
  (price) => (price === 0 ? 'Free' : `$${price}/mo`),
  (price) => (price === 0 ? 'Free' : `From $${price} per seat and month`),
];

export class Site implements AsyncDisposable {
  readonly pages: Page[] = [];
  readonly #tools: Tool[] = [];
  readonly #names = new Set<string>();
  readonly #random;
  readonly #options: SiteOptions;
  readonly #server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    if (this.isDown) return response.writeHead(503).end();
    if (pathname === '/sitemap.xml') {
      return response.writeHead(200, { 'content-type': 'application/xml' }).end(this.#sitemap());
    }
    const page = this.#bySlug.get(pathname.slice('/compare/'.length));
    if (page === undefined || !pathname.startsWith('/compare/')) return response.writeHead(404).end();
    if (page.deletedAt !== null) return response.writeHead(410).end();
    if (request.headers['if-none-match'] === page.etag)
      return response.writeHead(304, { etag: page.etag }).end();
    return response
      .writeHead(200, { 'content-type': 'application/json', etag: page.etag })
      .end(JSON.stringify(this.#content(page)));
  });
  readonly #bySlug = new Map<string, Page>();
  #print = 0;
  #origin = '';
  /** Answers nothing, and the folder is away. */
  #isDown = false;

  private constructor(options: SiteOptions) {
    this.#options = options;
    this.#random = random(options.seed, 'site');
  }

  static async open(options: SiteOptions): Promise<Site> {
    const site = new Site(options);
    mkdirSync(site.#folder);
    await new Promise<void>((resolve) => site.#server.listen(0, '127.0.0.1', resolve));
    site.#origin = `http://127.0.0.1:${(site.#server.address() as AddressInfo).port}`;
    return site;
  }

  /** The entry of SOURCES. */
  get source(): string {
    return this.#options.kind === 'folder'
      ? `folder:${path.join(this.#options.folder, 'site')}`
      : `site:${this.#origin}/compare/`;
  }

  get alive(): Page[] {
    return this.pages.filter(({ deletedAt }) => deletedAt === null);
  }

  get isDown(): boolean {
    return this.#isDown;
  }

  set isDown(down: boolean) {
    if (down === this.#isDown) return;
    const [there, away] = [path.join(this.#options.folder, 'site'), path.join(this.#options.folder, 'away')];
    renameSync(down ? there : away, down ? away : there);
    this.#isDown = down;
  }

  page(slug: string): Page | undefined {
    return this.#bySlug.get(slug);
  }

  publish(now: Date): Page {
    for (;;) {
      const category = this.#random.pick(CATEGORIES);
      const known = this.#tools.filter((tool) => tool.category === category);
      const tools = [this.#oneOf(known, category), this.#oneOf(known, category)] as const;
      const slug = slugFor(tools[0].name, tools[1].name);
      const isTaken =
        tools[0] === tools[1] ||
        this.#bySlug.has(slug) ||
        this.#bySlug.has(slugFor(tools[1].name, tools[0].name));
      if (isTaken) continue;
      const page: Page = {
        slug,
        title: `${tools[0].name} vs ${tools[1].name}`,
        tools,
        publishedAt: now,
        changedAt: now,
        deletedAt: null,
        read: null,
        readAt: null,
        missed: 0,
        etag: '',
      };
      this.pages.push(page);
      this.#bySlug.set(slug, page);
      this.#write(page);
      return page;
    }
  }

  /** Changes panels and prices until about this share of the pages is visibly changed; and wording elsewhere. */
  change(share: number): void {
    const pages = this.alive;
    const wanted = Math.round(pages.length * share);
    const changed = new Set<Page>();
    const of = (tool: Tool) => pages.filter(({ tools }) => tools.includes(tool));
    while (changed.size < wanted) {
      const tool = this.#random.pick(this.#random.pick(pages).tools);
      if (this.#random.chance(0.5)) tool.price = this.#otherPrice(tool.price);
      else tool.ships = (tool.ships + this.#random.between(1, 4)) % 5;
      for (const page of of(tool)) changed.add(page);
    }
    const quietly = new Set<Page>();
    for (const { tools } of this.#random.sample(pages, Math.round(pages.length * share))) {
      const tool = this.#random.pick(tools);
      if (this.#random.chance(0.5)) tool.description = this.#sentences(3);
      else tool.community = this.#random.between(0, 100);
      for (const page of of(tool)) quietly.add(page);
    }
    for (const page of new Set([...changed, ...quietly])) this.#write(page);
  }

  /** Prints all prices in another way. */
  reprint(): void {
    this.#print = 1 - this.#print;
    for (const page of this.alive) this.#write(page);
  }

  delete(page: Page, now: Date): void {
    page.deletedAt = now;
    rmSync(path.join(this.#folder, `${page.slug}.json`), { force: true });
  }

  /** Call it when the program has read the whole site. */
  wasRead(now: Date): void {
    for (const page of this.pages) {
      if (page.deletedAt !== null) page.missed += 1;
      else {
        const state = this.#state(page);
        // The same object while nothing changed: thousands of them are remembered.
        if (JSON.stringify(state) !== JSON.stringify(page.read)) page.read = state;
        page.readAt = now;
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }

  #oneOf(known: readonly Tool[], category: string): Tool {
    if (known.length > 1 && this.#random.chance(0.45)) return this.#random.pick(known);
    const tool: Tool = {
      name: this.#name(),
      category,
      tagline: this.#sentence(7),
      description: this.#sentences(3),
      quotes: LENSES.map(() => this.#sentences(2)),
      ships: this.#random.between(0, 4),
      community: this.#random.chance(0.4) ? null : this.#random.between(0, 100),
      price: this.#random.pick([0, 9, 12, 20, 29, 49]),
    };
    this.#tools.push(tool);
    return tool;
  }

  #name(): string {
    for (;;) {
      const name = `${this.#random.pick(FIRST_NAMES)} ${this.#random.pick(LAST_NAMES)}`;
      const numbered = this.#names.size < 300 ? name : `${name} ${this.#random.between(2, 99)}`;
      if (this.#names.has(numbered)) continue;
      this.#names.add(numbered);
      return numbered;
    }
  }

  #otherPrice(price: number): number {
    return this.#random.pick([0, 5, 9, 12, 15, 20, 25, 29, 39, 49].filter((each) => each !== price));
  }

  #sentence(words: number): string {
    const text = Array.from({ length: words }, () => this.#random.pick(WORDS)).join(' ');
    return text.charAt(0).toUpperCase() + text.slice(1);
  }

  #sentences(count: number): string {
    return Array.from({ length: count }, () => `${this.#sentence(this.#random.between(8, 18))}.`).join(' ');
  }

  #state({ tools: [a, b] }: Page): PageState {
    const print = PRINTS[this.#print] ?? String;
    return {
      panel: [a.ships * 25, b.ships * 25],
      price: [a.price, b.price],
      community: [a.community, b.community],
      printed: [print(a.price), print(b.price)],
    };
  }

  /** As docs/sources.md describes it. */
  #content(page: Page): object {
    const { panel, printed } = this.#state(page);
    return {
      slug: page.slug,
      url: `${this.#origin}/compare/${page.slug}`,
      publishedAt: page.publishedAt.toISOString(),
      tools: page.tools.map(({ name, category, tagline, description, community, ships, quotes }, side) => ({
        name,
        category,
        tagline,
        description,
        panelShip: panel[side as 0 | 1],
        communityShip: community,
        entryPrice: printed[side as 0 | 1],
        reviews: LENSES.map((lens, at) => ({ lens, call: at < ships ? 'ship' : 'skip', quote: quotes[at] })),
      })),
    };
  }

  #write(page: Page): void {
    const body = JSON.stringify(this.#content(page));
    page.etag = `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"`;
    page.changedAt = new Date();
    if (this.#options.kind === 'folder') writeFileSync(path.join(this.#folder, `${page.slug}.json`), body);
  }

  get #folder(): string {
    return path.join(this.#options.folder, this.#isDown ? 'away' : 'site');
  }

  #sitemap(): string {
    const entries = this.alive.map(
      ({ slug, changedAt }) =>
        `<url><loc>${this.#origin}/compare/${slug}</loc><lastmod>${changedAt.toISOString()}</lastmod></url>`,
    );
    return `<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">${entries.join('')}</urlset>`;
  }
}
