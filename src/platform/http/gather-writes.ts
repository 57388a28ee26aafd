/**
 * Combines values that arrive during a write into the next write: a burst of requests needs a few statements instead of
 * one each, and a single request does not wait. Each caller waits for the write with its value, and fails with it.
 * @param write stores all values or none.
 * @param limit values in one write.
 */
export function gatherWrites<Value>(
  write: (values: Value[]) => Promise<unknown>,
  limit: number,
): (value: Value) => Promise<void> {
  let waiting: { value: Value; done: () => void; failed: (error: unknown) => void }[] = [];
  let isWriting = false;

  async function writeAll(): Promise<void> {
    isWriting = true;
    while (waiting.length > 0) {
      const now = waiting.slice(0, limit);
      waiting = waiting.slice(limit);
      await write(now.map(({ value }) => value)).then(
        () => {
          for (const { done } of now) done();
        },
        (error) => {
          for (const { failed } of now) failed(error);
        },
      );
    }
    isWriting = false;
  }

  return (value) =>
    new Promise<void>((done, failed) => {
      waiting.push({ value, done, failed });
      if (!isWriting) void writeAll();
    });
}
