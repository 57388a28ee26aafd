/**
 * How long the links of transactional emails work. Each stands here alone: the database, the pages and the emails that
 * mention one are given it, so that changing it changes what people read.
 */

/** The link that confirms a subscription. */
export const CONFIRM_LINK_HOURS = 72;

/** The link that a new address is sent. */
export const CHANGE_LINK_HOURS = 72;

/** The link that a reader is sent for what a link in an issue may not do. */
export const FRESH_LINK_MINUTES = 15;

/** The link that signs an editor in. */
export const SIGN_IN_LINK_MINUTES = 15;
