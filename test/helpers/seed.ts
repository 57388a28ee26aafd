import fc from 'fast-check';

/**
 * Property tests use the same values in every run, so that a failure is the same for everybody. Set FC_SEED to another
 * number, or to `random`, to try others.
 */
const { FC_SEED: given = '20261122' } = process.env;
fc.configureGlobal({ seed: given === 'random' ? Date.now() : Number(given) });
