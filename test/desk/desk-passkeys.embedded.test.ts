import { describe } from 'vitest';
import { describePasskeySteps, describePasskeys } from '../conformance/desk-passkeys.ts';
import { embedded } from '../helpers/desk.ts';

describePasskeys('PGlite', embedded);
describe('what a session lacks', describePasskeySteps);
