/** The newsletter's data that every page shows. */
export interface Site {
  /** Absolute, no trailing slash. */
  publicUrl: string;
  newsletterName: string;
  /** One line; empty when none is set. */
  postalAddress: string;
  /** `addr` or `Name <addr>`. */
  replyTo: string;
}

/** The absolute URL of a comparison's page on this site. Slugs have letters of every script. */
export function comparisonUrl(site: Pick<Site, 'publicUrl'>, slug: string): string {
  return `${site.publicUrl}/comparisons/${encodeURIComponent(slug)}`;
}

/** The plain address of `Name <addr>`. */
export function replyAddress(site: Pick<Site, 'replyTo'>): string {
  return /<([^>]+)>$/.exec(site.replyTo)?.[1] ?? site.replyTo;
}

/** An address that only its owner recognises: `j***@d***.org`. Always three stars, so that the length is hidden too. */
export function maskAddress(email: string): string {
  const at = email.lastIndexOf('@');
  const domain = email.slice(at + 1);
  const ending = domain.slice(domain.lastIndexOf('.') + 1);
  return `${[...email][0]}***@${[...domain][0]}***.${ending}`;
}

/** An issue in the archive, as other pages refer to it. */
export interface ArchivedIssue {
  slug: string;
  number: number;
  subject: string;
  /** Local date of its slot, "2026-11-24". */
  date: string;
  /** When its page last changed. */
  changedAt: Date;
}
