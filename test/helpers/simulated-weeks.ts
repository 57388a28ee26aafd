import type { Comparison, CountedComparison, Tool } from '../../src/comparisons/model.ts';
import { nameKey, topics } from '../../src/comparisons/names.ts';
import type { MailedComparison } from '../../src/issues/changes.ts';
import { compose, type Plan } from '../../src/issues/compose.ts';
import type { Told } from '../../src/issues/planned-rows.ts';
import type { Candidate, PastLead } from '../../src/issues/rank.ts';
import { directForm } from '../../src/issues/subject.ts';
import { candidate, comparison, input, tool } from './compose.ts';

/** Weeks of a site by a seed, composed one after the other, with what each issue told. Pure: no clock, no database. */

export interface World {
  seed: number;
  weeks: number;
  /** New comparisons in a week: least and most. */
  fresh: [number, number];
  /** A week with a flood of new pages, and how many. */
  flood?: { week: number; pages: number };
  /** Share of the archive that changes in a week, 0 to 1. */
  churn: number;
  /** Every verdict is a split. */
  isAllSplit?: boolean;
}

export interface SimulatedWeek {
  candidates: Candidate[];
  mailed: MailedComparison[];
  plan: Plan | null;
  told: Told[];
  /** New comparisons that no issue has told yet, afterwards. */
  backlog: number;
}

/** mulberry32: numbers from 0 to 1, the same for the same seed everywhere. */
function randomBy(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const CATEGORIES = ['Coding', 'Coding', 'Coding', 'Writing', 'Writing', 'Music', 'Search'];
const FIRST = ['Brio', 'Lumen', 'Corvid', 'Tandem', 'Quillwright', 'Hemstitch', 'Marrow'];
const LAST = ['', '', '', ' Studio', ' Code', ' for Teams'];
const PANELS = [0, 25, 25, 50, 50, 50, 75, 75, 100];
const PRICES = ['Free', '$9/mo', '$20/mo', '$12 per seat', '€0.40 per 1M tokens'];

export function simulateWeeks(world: World): SimulatedWeek[] {
  const random = randomBy(world.seed);
  const pick = <Value>(all: readonly Value[]): Value => all[Math.floor(random() * all.length)] as Value;
  const archive = new Map<string, { now: Comparison; firstSeenAt: Date }>();
  const told = new Map<string, { was: CountedComparison; number: number; isRecent: boolean }>();
  const pastLeads: PastLead[] = [];
  const all: SimulatedWeek[] = [];
  let made = 0;

  const newTool = (): Tool => {
    made += 1;
    // The first word is a tool's own, so that a shortened name is still known.
    const name = `${pick(FIRST)}${String(made).padStart(4, '0')}${pick(LAST)}`;
    const panelShip = world.isAllSplit ? 50 : pick(PANELS);
    return tool(name, panelShip, {
      category: pick(CATEGORIES),
      entryPrice: pick(PRICES),
      communityShip: random() < 0.3 ? null : Math.floor(random() * 101),
    });
  };
  /** Many comparisons are of a tool that the site has already compared. */
  const someTool = (): Tool => {
    const known = [...archive.values()];
    return known.length > 0 && random() < 0.4 ? pick(pick(known).now.tools) : newTool();
  };
  const changed = (side: Tool): Tool => {
    const dice = random();
    if (dice < 0.15 && !world.isAllSplit) return { ...side, panelShip: pick(PANELS) };
    if (dice < 0.35) return { ...side, entryPrice: pick(PRICES) };
    // A community goes to and fro.
    const share = (side.communityShip ?? 50) + Math.round((random() - 0.5) * 12);
    return { ...side, communityShip: Math.min(100, Math.max(0, share)) };
  };

  for (let week = 0; week < world.weeks; week += 1) {
    const date = new Date(Date.UTC(2027, 0, 5 + 7 * week));
    const [least, most] = world.fresh;
    const count =
      world.flood?.week === week ? world.flood.pages : least + Math.floor(random() * (most - least + 1));
    for (const [slug, each] of archive) {
      if (random() >= world.churn) continue;
      const [a, b] = each.now.tools;
      archive.set(slug, { ...each, now: { ...each.now, tools: [changed(a), b] } });
    }
    for (let added = 0; added < count; added += 1) {
      const [a, b] = [someTool(), newTool()];
      const slug = `c-${String(archive.size).padStart(5, '0')}`;
      archive.set(slug, { now: comparison(slug, a, b), firstSeenAt: new Date(date.getTime() - 86_400_000) });
    }

    const candidates = [...archive]
      .filter(([slug]) => !told.has(slug))
      .map(([, { now, firstSeenAt }]) => candidate(now, { firstSeenAt }));
    const mailed = [...told].map(([slug, { was, number, isRecent }]) => ({
      ...{ was, now: archive.get(slug)?.now ?? was, mailedIn: number, isRecent },
    }));
    const day = date.toISOString().slice(0, 10);
    const number = 1 + all.filter(({ plan }) => plan !== null).length;
    const composed = compose(
      input(candidates, { number, slug: day, date: day, mailed, pastLeads: [...pastLeads] }),
    );
    if (composed.kind === 'skipped') {
      all.push({ candidates, mailed, plan: null, told: [], backlog: candidates.length });
      continue;
    }
    for (const each of told.values()) each.isRecent = false;
    for (const { slug, section, told: how } of composed.told) {
      const was = archive.get(slug)?.now;
      if (was !== undefined)
        told.set(slug, { was, number, isRecent: section === 'changed' && how === 'row' });
    }
    const { plan } = composed;
    const lead = plan.comparisons[0]?.comparison;
    if (lead !== undefined)
      pastLeads.unshift({
        tools: lead.tools.map(({ name }) => nameKey(name)),
        topics: topics(lead),
        kind: directForm(lead),
        form: plan.form ?? null,
      });
    const backlog = [...archive.keys()].filter((slug) => !told.has(slug)).length;
    all.push({ candidates, mailed, plan, told: composed.told, backlog });
  }
  return all;
}
