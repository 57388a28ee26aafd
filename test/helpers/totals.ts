import type {
  Reporter,
  SerializedError,
  TestCase,
  TestModule,
  TestProject,
  TestSpecification,
  Vitest,
} from 'vitest/node';

/**
 * The end of a test run: skipped tests with the reason, then one line for people and scripts, `N passed, N failed` (and
 * `, N skipped` when there were any). It is the last line of the output.
 */
export default class Totals implements Reporter {
  private planned = 0;
  private watching = false;

  onInit(vitest: Vitest): void {
    this.watching = vitest.config.watch;
  }

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.planned = specifications.length;
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const count = (state: 'passed' | 'failed' | 'skipped') =>
      tests.filter((test) => test.result().state === state).length;
    // A file that does not load, an error outside any test and a failed set-up have no test to count, but are failures
    // too.
    const unloaded = modules.filter((module) => module.errors().length > 0).length;
    // The same for a failed hook around a group.
    const hooks = modules.flatMap((module) =>
      [...module.children.allSuites()].flatMap((suite) => suite.errors()),
    );
    const brokenOff = modules.length < this.planned ? 1 : 0;
    const failed = count('failed') + unloaded + hooks.length + errors.length + brokenOff;
    const skipped = count('skipped');

    const totals = `${count('passed')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    const lines = [...skippedLines(tests), totals, ''].join('\n');
    const print = () => process.stdout.write(lines);
    // Vitest still reports its own errors after this call; only at the exit is the last line the last.
    if (this.watching) print();
    else process.once('exit', print);
  }
}

/** One line for each project and reason: `skipped: <reason>; the <project> project ran N of M tests`. */
function skippedLines(tests: readonly TestCase[]): string[] {
  const projects = new Map<TestProject, { all: number; skipped: number; reasons: Set<string> }>();
  for (const test of tests) {
    const tally = projects.get(test.project) ?? { all: 0, skipped: 0, reasons: new Set() };
    projects.set(test.project, tally);
    tally.all += 1;
    if (test.result().state !== 'skipped') continue;
    tally.skipped += 1;
    tally.reasons.add(reasonOf(test));
  }
  return [...projects].flatMap(([project, { all, skipped, reasons }]) =>
    [...reasons].map(
      (reason) => `skipped: ${reason}; the ${project.name} project ran ${all - skipped} of ${all} tests`,
    ),
  );
}

/** The reason in `context.skip(reason)`, the missing service of its project, or at least its place. */
function reasonOf(test: TestCase): string {
  const result = test.result();
  if (result.state === 'skipped' && result.note) return result.note;
  const missing: string | undefined = test.project.getProvidedContext().servicesMissing;
  return missing || `switched off in ${test.module.relativeModuleId}`;
}
