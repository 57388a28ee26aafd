import fc from 'fast-check';

/**
 * Property tests draw the same values in every run, so that a red test is red for everybody. Set
 * FC_SEED to another number, or to `random`, to look further.
 */
const { FC_SEED: given = '20261122' } = process.env;
fc.configureGlobal({ seed: given === 'random' ? Date.now() : Number(given) });
