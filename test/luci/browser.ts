/**
 * Debian's Chromium, driven over playwright-core. Every page is watched: a message of the console that is an
 * error, an exception, a dialog and a request to anywhere but the emulated router are faults of the page.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { Web } from './web/server.ts';

export const CHROMIUM = '/usr/bin/chromium';
const SCREENSHOTS = fileURLToPath(new URL('screenshots', import.meta.url));
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];
/** Far more than any page here takes on a busy machine; only a failing test waits so long. */
export const PATIENCE_MS = 30_000;

export interface Look {
  width: number;
  height: number;
  dark: boolean;
}

export const DESKTOP: Look = { width: 1200, height: 900, dark: false };

export interface Visit {
  page: Page;
  /** What the page did that no page may do, in words. */
  faults(): readonly string[];
  /** Goes to a page of LuCI, e.g. `admin/services/holdfast/overview`. */
  open(path: string): Promise<void>;
  /** Keeps a picture of the whole page. */
  picture(name: string): Promise<void>;
  close(): Promise<void>;
}

export interface Driver {
  visit(web: Web, session: string, look?: Partial<Look>): Promise<Visit>;
  close(): Promise<void>;
}

export async function startChromium(options: { headed: boolean; screenshots: boolean }): Promise<Driver> {
  const browser: Browser = await chromium.launch({
    executablePath: CHROMIUM,
    headless: !options.headed,
    args: FLAGS,
  });
  mkdirSync(SCREENSHOTS, { recursive: true });

  return {
    async visit(web, session, look = {}) {
      const { width, height, dark } = { ...DESKTOP, ...look };
      const context: BrowserContext = await browser.newContext({
        viewport: { width, height },
        // Some style sheets ask for the width of the device and not of the window.
        screen: { width, height },
        colorScheme: dark ? 'dark' : 'light',
        locale: web.options.language,
        timezoneId: 'UTC',
        reducedMotion: 'reduce',
      });
      await context.addCookies([{ name: 'sysauth_http', value: session, url: web.url }]);
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      const faults: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') {
          faults.push(`console: ${message.text()} (${message.location().url})`);
        }
      });
      page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
      page.on('dialog', (dialog) => {
        faults.push(`dialog: ${dialog.message()}`);
        dialog.dismiss().catch(() => {});
      });
      await context.route('**', (route) => {
        const url = route.request().url();
        if (url.startsWith(web.url) || url.startsWith('data:') || url.startsWith('blob:')) {
          return route.continue();
        }
        faults.push(`request to ${url}`);
        return route.abort();
      });

      return {
        page,
        faults: () => faults,
        async open(path) {
          await page.goto(`${web.url}/cgi-bin/luci/${path}`);
          await page.waitForSelector('#view:not(:has(> .spinning))', { state: 'attached' });
          await page.waitForFunction('window.L?.loaded === true');
        },
        async picture(name) {
          if (options.screenshots) {
            await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
          }
        },
        close: () => context.close(),
      };
    },
    close: () => browser.close(),
  };
}
