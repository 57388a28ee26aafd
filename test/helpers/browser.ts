import { accessSync, constants } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';

/**
 * Why browser tests cannot run here, or null when they can. With `REQUIRE_SERVICES=1` it is null even without a
 * browser: {@link launchBrowser} then fails with the same text.
 */
export const noBrowser: string | null =
  canRun(executablePath) || process.env.REQUIRE_SERVICES === '1'
    ? null
    : `no Chromium at ${executablePath}; set CHROMIUM_PATH to run the browser tests`;

/** The system's Chromium, headless and without network access. The caller closes it. */
export async function launchBrowser(): Promise<Browser> {
  if (!canRun(executablePath)) {
    throw new Error(`REQUIRE_SERVICES=1, but there is no Chromium at ${executablePath}; set CHROMIUM_PATH.`);
  }
  return await chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
