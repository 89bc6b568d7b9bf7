/** What people do on the pages of the app, in the attributes that CONTRACT.md promises. */
import type { Visit } from './browser.ts';
import { check, until } from './stage.ts';

export const BASE = 'admin/services/holdfast';
export const PAGES = ['overview', 'add', 'hostnames', 'accounts', 'aliases', 'settings', 'import'] as const;
export const AXES = ['update', 'delegation', 'authority', 'publicView'] as const;

export function openPage(visit: Visit, page: (typeof PAGES)[number]): Promise<void> {
  return visit.open(`${BASE}/${page}`);
}

export function cardOf(id: string): string {
  return `[data-host="${id}"]`;
}

/** Verdict of each axis of a card, as the page shows it. */
export async function axesOf({ page }: Visit, id: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const axis of AXES) {
    const node = page.locator(`${cardOf(id)} [data-axis="${axis}"]`);
    found[axis] = (await node.getAttribute('data-verdict')) ?? '';
    const [words = ''] = await node.locator('summary').allInnerTexts();
    check(`the axis ${axis} is named and judged in words`, /[\p{L}]{2,}.*\s[\p{L}]{2,}/u.test(words), words);
  }
  return found;
}

/** Waits until every axis of a card is good. */
export function untilGreen(visit: Visit, id: string): Promise<true> {
  return until(`all axes of ${id} good on the page`, async () => {
    const axes = await axesOf(visit, id);
    return Object.values(axes).every((verdict) => verdict === 'ok') || JSON.stringify(axes);
  }) as Promise<true>;
}

/** As people see it: hidden text is left out, and lines are lines. */
export async function textOf({ page }: Visit, selector: string): Promise<string> {
  await page.waitForSelector(selector, { state: 'attached' });
  const [text = ''] = await page.locator(selector).allInnerTexts();
  return text.trim();
}

export function untilText(visit: Visit, selector: string, wanted: string | RegExp): Promise<string> {
  return until(`${selector} with ${wanted}`, async () => {
    const all = await visit.page.locator(selector).allInnerTexts();
    const found = all.find((text) =>
      typeof wanted === 'string' ? text.includes(wanted) : wanted.test(text),
    );
    return found === undefined ? all.join(' | ') || 'nothing' : { found };
  }).then(({ found }) => found);
}

export function untilState(visit: Visit, state: string): Promise<unknown> {
  return visit.page.waitForSelector(`#holdfast-service[data-state="${state}"]`);
}

/** Chooses a provider of the catalogue by typing a part of its name. */
export async function chooseProvider({ page }: Visit, typed: string, id: string): Promise<void> {
  await page.fill('#hf-provider', typed);
  await page.click(`#hf-provider-list [role="option"][data-value="${id}"]`);
}

/** The page's own button where it has one, else LuCI's. */
export async function saveAndApply({ page }: Visit): Promise<void> {
  await page.locator('button[data-action="apply"], .cbi-page-actions .cbi-button-apply').first().click();
}

/** The dialog of a section in one of LuCI's grids. */
export async function edit({ page }: Visit, section: string): Promise<void> {
  await page.click(`[data-sid="${section}"] .cbi-button-edit`);
  await page.waitForSelector('.modal .cbi-section-node, .modal .cbi-map');
  // It fades in.
  await page.waitForFunction("getComputedStyle(document.querySelector('.modal')).opacity === '1'");
}

export async function saveDialog({ page }: Visit): Promise<void> {
  await page.click('.modal .button-row .cbi-button-positive, .modal .right .cbi-button-positive');
}

export function fieldOf(section: string, option: string): string {
  return `[id="widget.cbid.holdfast.${section}.${option}"]`;
}
