/**
 * Parses a URL as the URL standard says; null when it is invalid. Do not use `URL.canParse`: on Node 20 and 22 it
 * starts, after some thousand calls, to refuse non-ASCII host names, so its result depends on the age of the process.
 */
export function parseUrl(text: string, base?: string): URL | null {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
}
