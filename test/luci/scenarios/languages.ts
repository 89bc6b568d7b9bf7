import { FULL_STATUS } from '../hostile.ts';
import { cardOf, openPage, PAGES } from '../pages.ts';
import { CONFIGURED, type Scenario } from '../scenario.ts';
import { check, same } from '../stage.ts';
import { readCatalogue } from '../web/translations.ts';

/** Every text on the page, and what labels it for those who do not see it. */
const TEXTS = `(() => {
  const found = [];
  const walker = document.createTreeWalker(document.querySelector('#maincontent') || document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode())
    if (!node.parentElement.closest('script, style')) found.push(node.data.trim());
  for (const node of document.querySelectorAll('[title], [placeholder], [aria-label]'))
    for (const name of ['title', 'placeholder', 'aria-label']) found.push((node.getAttribute(name) || '').trim());
  return [...new Set(found)].filter(Boolean);
})()`;

/** The sentence of a card and of each of its axes; what is below them in the agent's own words is marked so. */
const SAID = `Array.from(document.querySelectorAll('[data-role=sentence], details[data-axis] > p:nth-of-type(2)'), (node) => node.textContent.trim())`;

export const languages: Scenario = {
  name: 'languages',
  title: 'French and German pages have no English left that the catalogue translates',
  stage: { config: CONFIGURED, begin: 'published' },
  async run(stage) {
    const reply = {
      mode: 'resident',
      running: true,
      state: 'running',
      sentence: null,
      ddns: true,
      undo: false,
    };
    for (const language of ['fr', 'de']) {
      const own = stage.kit.checkout.catalogues(language).at(-1) ?? '';
      const entries = readCatalogue(own).filter(({ id, texts }) => id !== '' && texts[0] && texts[0] !== id);
      check(`a catalogue for ${language}`, entries.length > 50, entries.length);
      const english = new Set(entries.map(({ id }) => id));
      const translated = new Set(entries.flatMap(({ texts }) => texts));
      const visit = await stage.visit('root', {}, { language });
      let count = 0;
      for (const name of PAGES) {
        stage.router.replyFor('status', name === 'overview' ? { ...reply, status: FULL_STATUS } : undefined);
        await openPage(visit, name);
        await visit.page.waitForLoadState('networkidle');
        const texts = await visit.page.evaluate<string[]>(TEXTS);
        same(
          `English on the page ${name}`,
          texts.filter((text) => english.has(text) && !translated.has(text)),
          [],
        );
        count += texts.filter((text) => translated.has(text)).length;
        await visit.picture(`language-${language}-${name}`);
      }
      check(`texts in ${language} are found`, count > 40, count);
      await openPage(visit, 'overview');
      await visit.page.waitForSelector(cardOf('home'));
      const said: string[] = await visit.page.evaluate(SAID);
      const { hostnames = [], events = [] } = stage.router.status() ?? {};
      const spoken = hostnames.flatMap(({ sentence, axes }) => [
        sentence,
        ...Object.values(axes).map((axis) => axis.sentence),
      ]);
      same(
        'what the agent says on a good day and nobody has translated',
        said.filter((text) => spoken.includes(text)),
        [],
      );
      const told: string[] = await visit.page.locator('#holdfast-timeline [data-event]').allInnerTexts();
      check('the agent has something to tell', told.length >= 3, told);
      same(
        'events that nobody has translated',
        told.filter((text) => events.some(({ sentence }) => text.includes(sentence))),
        [],
      );
      check('the four axes and the card say something', said.length === 5, said);
      await visit.picture(`language-${language}-good-day`);
      stage.say(`${language}: ${count} translated texts seen, ${entries.length} in the catalogue`);
    }
  },
};
