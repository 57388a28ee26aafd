/**
 * Whether a comparison is still on its site. It is *gone* when its page answers 404 or 410, or when its sitemap or folder
 * has not listed it for {@link GONE_AFTER} gatherings running. It comes back with its page.
 */

/** For so many gatherings running a listing must be without it: one may have been made at the wrong moment. */
export const GONE_AFTER = 3;

/**
 * More than so many comparisons of a source, and more than this share of them, do not go at once by themselves: the site
 * is being rebuilt, or answers wrongly. Then none of them is gone until a person says so, or they are back.
 */
export const TOO_MANY = { comparisons: 5, share: 0.25 } as const;

/** What one gathering saw of one source. */
export interface SourceListing {
  source: string;
  /** Whether it lists everything that it has: a feed does not, nor does a listing that was read in part. */
  isComplete: boolean;
  entries: ListedEntry[];
}

export interface ListedEntry {
  /** The URL of the page, or the name of the file. */
  entry: string;
  /** `pairKey` of its comparison; null when it could not be read. */
  pairKey: string | null;
  /**
   * `page`: its page was requested and is there. `inline`: the file or the feed contains it; nobody asked its page.
   * `listed`: it was not read this time. `gone`: its page answered 404 or 410.
   */
  state: 'page' | 'inline' | 'listed' | 'gone';
  /** Of a page that is gone: "answered 404". */
  reason?: string;
}

/** A comparison of the database. */
export interface KnownComparison {
  id: string;
  pairKey: string;
  /** null for a pushed one. */
  source: string | null;
  entry: string | null;
  missed: number;
  /** null while it is there. */
  goneBy: GoneBy | null;
}

/** `page`: its page answered so; `listing`: its source does not list it. */
export type GoneBy = 'page' | 'listing';

export interface Presence {
  /** Found in another place than before, or again after it was missed. */
  found: { id: string; source: string; entry: string }[];
  /** Not there this time: for how many gatherings running. */
  missed: { id: string; missed: number }[];
  /** `reason` follows "it": "answered 404". */
  gone: { id: string; by: GoneBy; reason: string }[];
  back: string[];
  /** Sources that miss too many at once. */
  withheld: WithheldSource[];
}

export interface WithheldSource {
  source: string;
  missing: number;
  /** How many comparisons it had. */
  of: number;
  /** It lists nothing at all. */
  isEmpty: boolean;
}

export function isTooMany(missing: number, of: number): boolean {
  return missing > TOO_MANY.comparisons && missing > TOO_MANY.share * of;
}

/**
 * What a gathering says about every comparison. Only a source that was read says that something is missing, and only what
 * is known to come from it. Pure; linear in both lists.
 * @param listings each source once, in the order of the settings: the first that has a comparison counts.
 */
export function decidePresence(
  known: readonly KnownComparison[],
  listings: readonly SourceListing[],
): Presence {
  const seen = lookUp(listings);
  const bySource = new Map(listings.map((each) => [each.source, each]));
  const presence: Presence = { found: [], missed: [], gone: [], back: [], withheld: [] };
  const missing = new Map<string, { comparison: KnownComparison; reason: string | null }[]>();
  const members = new Map<string, number>();

  for (const comparison of known) {
    const { id, source, goneBy } = comparison;
    const at = seen(comparison);
    const owner = at?.source ?? source;
    if (owner !== null && goneBy === null) members.set(owner, (members.get(owner) ?? 0) + 1);
    if (at !== undefined && at.state !== 'gone') {
      if (source !== at.source || comparison.entry !== at.entry || comparison.missed > 0)
        presence.found.push({ id, source: at.source, entry: at.entry });
      if (goneBy !== null && isProof(at.state, goneBy)) presence.back.push(id);
      continue;
    }
    const isMissed = at !== undefined || (source !== null && (bySource.get(source)?.isComplete ?? false));
    if (goneBy !== null || owner === null || !isMissed) continue;
    const ofOwner = missing.get(owner) ?? [];
    ofOwner.push({ comparison, reason: at?.reason ?? null });
    missing.set(owner, ofOwner);
  }

  for (const [source, ofSource] of missing) {
    const of = members.get(source) ?? ofSource.length;
    const isEmpty = bySource.get(source)?.entries.length === 0;
    const isWithheld = isEmpty || isTooMany(ofSource.length, of);
    for (const { comparison, reason } of ofSource) {
      const { id } = comparison;
      const missed = comparison.missed + 1;
      presence.missed.push({ id, missed });
      if (isWithheld) continue;
      if (reason !== null) presence.gone.push({ id, by: 'page', reason });
      else if (missed >= GONE_AFTER)
        presence.gone.push({
          id,
          by: 'listing',
          reason: `was not in ${source} for ${GONE_AFTER} gatherings running`,
        });
    }
    if (isWithheld) presence.withheld.push({ source, missing: ofSource.length, of, isEmpty });
  }
  return presence;
}

/** Whether it proves that a comparison is back: a file does not prove that a page is. */
function isProof(state: ListedEntry['state'], goneBy: GoneBy): boolean {
  return state === 'page' || (state === 'inline' && goneBy === 'listing');
}

/** Finds a comparison by its pair, or by the place of an entry whose comparison is not known. */
function lookUp(listings: readonly SourceListing[]) {
  type Place = ListedEntry & { source: string };
  const byPair = new Map<string, Place>();
  const byPlace = new Map<string, Place>();
  const keep = (map: Map<string, Place>, key: string, place: Place) => {
    // A page that is there outweighs one that is gone: a comparison may have moved.
    const earlier = map.get(key);
    if (earlier === undefined || (earlier.state === 'gone' && place.state !== 'gone')) map.set(key, place);
  };
  for (const { source, entries } of listings)
    for (const each of entries) {
      if (each.pairKey !== null) keep(byPair, each.pairKey, { ...each, source });
      else keep(byPlace, `${source}\n${each.entry}`, { ...each, source });
    }
  return ({ pairKey, source, entry }: KnownComparison): Place | undefined =>
    byPair.get(pairKey) ?? byPlace.get(`${source}\n${entry}`);
}
