/** Two timelines side by side: what the world is told, and what Holdfast knows. */
import type { StatusDocument, StatusEvent } from '../../agent/engine/status.ts';
import { dateText } from './history.ts';
import { type Finding, HOME, type Replay, STANDBY, type Watcher } from './replay.ts';

export interface ReplayScreen extends Watcher {
  opening(): void;
  closing(replay: Replay, findings: readonly Finding[]): void;
}

const STYLES = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33' } as const;
type Style = keyof typeof STYLES;

/** Events worth a line; the rest is in the log of the agent. */
const SHOWN: Record<string, Style> = {
  'incident/OPENED': 'red',
  'incident/CLOSED': 'green',
  'alias/MOVED': 'yellow',
  'alias/FAILED': 'red',
  'provider/WEB_DOWN': 'yellow',
  'provider/WEB_UP': 'green',
  'wan/CHANGED': 'dim',
};
const DATE_CHARS = 16;
const LEAST_COLUMN_CHARS = 30;
const USUAL_WIDTH = 120;

export function createReplayScreen(out: NodeJS.WriteStream): ReplayScreen {
  const coloured = out.isTTY === true && process.env.NO_COLOR === undefined;
  const width = out.columns ?? USUAL_WIDTH;
  const columnChars = Math.max(LEAST_COLUMN_CHARS, Math.floor((width - DATE_CHARS - 6) / 2));

  function paint(style: Style | undefined, text: string): string {
    return coloured && style ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;
  }

  function row(date: string, left: string, right: string, style?: Style): void {
    const lefts = wrapped(left, columnChars);
    const rights = wrapped(right, columnChars);
    for (let line = 0; line < Math.max(lefts.length, rights.length); line++) {
      const cells = [
        (line === 0 ? date : '').padEnd(DATE_CHARS),
        (lefts[line] ?? '').padEnd(columnChars),
        paint(style, rights[line] ?? ''),
      ];
      out.write(`${cells.join(' | ').trimEnd()}\n`);
    }
  }

  return {
    opening() {
      const lines = [
        '30 June to 3 July 2014: four zones of a dynamic-DNS provider are taken away, and given back.',
        'The built agent as a real process, real servers on loopback, and a clock that runs some thousand times',
        'as fast while nothing is awaited. What was said in public is told in our own words.',
        '',
      ];
      out.write(`${lines.join('\n')}\n`);
      row('', 'WHAT THE WORLD IS TOLD', 'WHAT HOLDFAST KNOWS', 'bold');
      out.write(`${'-'.repeat(DATE_CHARS)} | ${'-'.repeat(columnChars)} | ${'-'.repeat(columnChars)}\n`);
    },
    told: (atMs, text, known) => row(dateText(atMs), text, knownText(known)),
    replied: (atMs, text) => row(dateText(atMs), `Update interface: ${text}`, ''),
    event({ at, code, sentence }: StatusEvent) {
      const style = SHOWN[code];
      // One line for one move of the line, not one for each name.
      const repeated = code === 'wan/CHANGED' && !sentence.startsWith(`${HOME}:`);
      if (style !== undefined && !repeated) {
        row(dateText(Date.parse(at)), '', `${titleOf(code)}${sentence}`, style);
      }
    },
    closing({ requests }, findings) {
      const sent = Object.entries(requests).map(([account, count]) => `${account} ${count}`);
      out.write(`\nUpdate requests in these three days: ${sent.join(', ')}.\n\n`);
      for (const { what, holds } of findings) {
        out.write(`${paint(holds ? 'green' : 'red', holds ? 'yes' : 'NO ')}  ${what}\n`);
      }
    },
  };
}

const WORKS = { yes: 'works', no: 'does not work', unknown: 'cannot be checked' } as const;

/** The two names that the alias chooses from. */
function knownText({ hostnames }: StatusDocument): string {
  const words = hostnames
    .filter(({ hostname }) => hostname === HOME || hostname === STANDBY)
    .map(({ hostname, works }) => `${hostname} ${WORKS[works]}`);
  return `${words.join(', ')}.`;
}

function titleOf(code: string): string {
  return code === 'incident/OPENED' ? 'ALARM: ' : code === 'incident/CLOSED' ? 'ALL-CLEAR: ' : '';
}

/** Lines of at most so many characters; a longer word stands alone. */
function wrapped(text: string, maxChars: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > maxChars) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return line === '' && lines.length > 0 ? lines : [...lines, line];
}
