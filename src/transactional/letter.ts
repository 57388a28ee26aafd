/**
 * What a transactional mail says, whatever its kind: all of them are drawn by one template, so that they
 * look like one hand wrote them. No text in it comes from a form: a sign-up form that mails strangers what
 * somebody typed is a way to send spam.
 */
export interface Letter {
  newsletter: {
    name: string;
    /** Absolute, without a trailing slash. */
    url: string;
    /** One line; empty where none is set. */
    postalAddress: string;
  };
  subject: string;
  /** 40 to 90 characters that the subject does not say. */
  preheader: string;
  heading: string;
  paragraphs: string[];
  /** The one thing to do. */
  action: { label: string; url: string } | null;
  /** Lines with a link each: what is in the latest issue. */
  list: { title: string; rows: { text: string; url: string }[] } | null;
  /** Smaller, below: what happens if nothing is done, and other ways out. */
  notes: { text: string; link: { label: string; url: string } | null }[];
  /** Where one press ends the subscription; only in mail to people who have one. It is in the header, too. */
  unsubscribe?: string;
  /** Why this person gets this. */
  why: string;
}
