/** What every page says about the newsletter it belongs to. */
export interface Site {
  /** Absolute, no trailing slash. */
  publicUrl: string;
  newsletterName: string;
  /** One line; empty where none is set. */
  postalAddress: string;
  /** `addr` or `Name <addr>`. */
  replyTo: string;
}

/** A comparison's page with us, absolute. Slugs have letters of every script. */
export function comparisonUrl(site: Pick<Site, 'publicUrl'>, slug: string): string {
  return `${site.publicUrl}/comparisons/${encodeURIComponent(slug)}`;
}

/** The bare address behind `Name <addr>`. */
export function replyAddress(site: Pick<Site, 'replyTo'>): string {
  return /<([^>]+)>$/.exec(site.replyTo)?.[1] ?? site.replyTo;
}

/**
 * An address its owner recognises and nobody else can use: `j***@d***.org`. Always three stars, so that
 * its length is not told either.
 */
export function maskAddress(email: string): string {
  const at = email.lastIndexOf('@');
  const domain = email.slice(at + 1);
  const ending = domain.slice(domain.lastIndexOf('.') + 1);
  return `${[...email][0]}***@${[...domain][0]}***.${ending}`;
}

/** An issue in the archive, as other pages name it. */
export interface ArchivedIssue {
  slug: string;
  number: number;
  subject: string;
  /** Local date of its slot, "2026-11-24". */
  date: string;
  /** When its page changed last. */
  changedAt: Date;
}
