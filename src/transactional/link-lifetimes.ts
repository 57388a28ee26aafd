/**
 * How long the links of transactional emails work. Each lifetime is defined here only: the database, the pages and the
 * emails take it from here, so that changing it changes the texts too.
 */

/** The link that confirms a subscription. */
export const CONFIRM_LINK_HOURS = 72;

/** The link that confirms a new address. */
export const CHANGE_LINK_HOURS = 72;

/** The link that allows a reader what a link in an issue may not. */
export const FRESH_LINK_MINUTES = 15;

/** The link that signs an editor in. */
export const SIGN_IN_LINK_MINUTES = 15;
