import type { Migration } from 'kysely';
import * as foundation from './0001-foundation.ts';
import * as revisions from './0002-revisions.ts';
import * as gathering from './0003-gathering.ts';
import * as signUp from './0004-sign-up.ts';
import * as events from './0005-events.ts';
import * as desk from './0006-desk.ts';
import * as circuit from './0007-circuit.ts';
import * as votes from './0008-votes.ts';
import * as scale from './0009-scale.ts';
import * as deskLists from './0010-desk-lists.ts';
import * as checks from './0011-checks.ts';
import * as frozenInPages from './0012-frozen-in-pages.ts';
import * as deskPlans from './0013-desk-plans.ts';
import * as consent from './0015-consent.ts';
import * as inPlace from './0017-in-place.ts';
import * as mailRequests from './0018-mail-requests.ts';
import * as links from './0019-links.ts';
import * as consentChain from './0020-consent-chain.ts';
import * as passkeys from './0021-passkeys.ts';
import * as hidden from './0022-hidden.ts';
import * as freshLinks from './0023-fresh-links.ts';
import * as countedVotes from './0024-votes.ts';
import * as duties from './0025-duties.ts';
import * as told from './0026-told.ts';
import * as siteChanges from './0027-site-changes.ts';
import * as late from './0028-late.ts';
import * as storedChecks from './0030-stored-checks.ts';
import * as openPlans from './0031-open-plans.ts';
import * as refusals from './0034-refusals.ts';
import * as clocks from './0035-clocks.ts';
import * as sendingMark from './0036-sending-mark.ts';
import * as evidenceOfReaders from './0038-evidence-of-readers.ts';
import * as arrivalOfRequests from './0039-arrival-of-requests.ts';
import * as stoppedIssues from './0045-stopped-issues.ts';
import * as layouts from './0046-layouts.ts';
import * as faults from './0047-faults.ts';
import * as halves from './0048-halves.ts';

/** A static list, so that the build, the tests and both databases use the same migrations. */
export const migrations: Record<string, Migration> = {
  '0001-foundation': foundation,
  '0002-revisions': revisions,
  '0003-gathering': gathering,
  '0004-sign-up': signUp,
  '0005-events': events,
  '0006-desk': desk,
  '0007-circuit': circuit,
  '0008-votes': votes,
  '0009-scale': scale,
  '0010-desk-lists': deskLists,
  '0011-checks': checks,
  '0012-frozen-in-pages': frozenInPages,
  '0013-desk-plans': deskPlans,
  '0015-consent': consent,
  '0017-in-place': inPlace,
  '0018-mail-requests': mailRequests,
  '0019-links': links,
  '0020-consent-chain': consentChain,
  '0021-passkeys': passkeys,
  '0022-hidden': hidden,
  '0023-fresh-links': freshLinks,
  '0024-votes': countedVotes,
  '0025-duties': duties,
  '0026-told': told,
  '0027-site-changes': siteChanges,
  '0028-late': late,
  '0030-stored-checks': storedChecks,
  '0031-open-plans': openPlans,
  '0034-refusals': refusals,
  '0035-clocks': clocks,
  '0036-sending-mark': sendingMark,
  '0038-evidence-of-readers': evidenceOfReaders,
  '0039-arrival-of-requests': arrivalOfRequests,
  '0045-stopped-issues': stoppedIssues,
  '0046-layouts': layouts,
  '0047-faults': faults,
  '0048-halves': halves,
};
