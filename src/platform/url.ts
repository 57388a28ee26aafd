/**
 * An address as the URL standard reads it; null where it is none. `URL.canParse` is not asked: on Node 20 and 22 it
 * begins, after some thousand calls, to refuse host names that are not ASCII, so that what it says depends on how long
 * the process has been running.
 */
export function parseUrl(text: string, base?: string): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
