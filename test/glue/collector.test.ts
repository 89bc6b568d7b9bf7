/** The collector for OpenWrt's Prometheus exporter, in the Lua of OpenWrt, against `holdfast status --prometheus`. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { prometheusText } from '../../agent/cli/prometheus.ts';
import { readExposition } from '../cli/exposition.ts';
import { statusSample } from '../cli/status-sample.ts';
import { FILES } from './router-shell.ts';

/**
 * What the exporter gives a collector: `metric` writes the type and returns a printer, which writes labels as
 * they are. A collector that fails costs its own samples.
 */
const EXPORTER = `
function metric(name, mtype, labels, value)
	io.write("# TYPE ", name, " ", mtype, "\\n")
	local function printer(given, number)
		local parts = {}
		for label, text in pairs(given or {}) do
			parts[#parts + 1] = label .. '="' .. text .. '"'
		end
		io.write(name, given and "{" .. table.concat(parts, ",") .. "}" or "", " ", number, "\\n")
	end
	if value then
		printer(labels, value)
	end
	return printer
end
local collector = dofile(arg[1])
assert(pcall(collector.scrape))
`;

function router(): { folder: string; stateDir: string } {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-collector-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const stateDir = join(folder, 'holdfast');
  mkdirSync(stateDir);
  return { folder, stateDir };
}

function scrape(stateDir: string): string {
  const { status, stdout, stderr, error } = spawnSync(
    'lua5.1',
    ['-', join(FILES, 'holdfast.lua')],
    // Its clock must not matter: times are in UTC.
    {
      input: EXPORTER,
      encoding: 'utf8',
      env: { ...process.env, HOLDFAST_STATE_DIR: stateDir, TZ: 'Asia/Tokyo' },
    },
  );
  expect({ status, stderr, error }).toEqual({ status: 0, stderr: '', error: undefined });
  return stdout;
}

function scraped(text: string | undefined): Map<string, number> {
  const { stateDir } = router();
  if (text !== undefined) {
    writeFileSync(join(stateDir, 'status.json'), text);
  }
  return readExposition(scrape(stateDir)).samples;
}

const DOWN = new Map([['holdfast_up{}', 0]]);

describe('the collector', () => {
  test('gives the same samples as the command', () => {
    const expected = readExposition(prometheusText(statusSample(), false)).samples;

    const samples = scraped(JSON.stringify(statusSample()));

    expect(Object.fromEntries(samples)).toEqual(Object.fromEntries(expected));
  });

  test('gives the same for a status that is written for people', () => {
    const samples = scraped(JSON.stringify(statusSample(), null, '\t'));

    expect(samples).toEqual(scraped(JSON.stringify(statusSample())));
  });

  test.each([
    { name: 'the agent runs', verb: 'run', program: 'holdfast', up: 1 },
    { name: 'the agent was started by an event', verb: 'once', program: 'holdfast', up: 1 },
    { name: 'another program has its number', verb: 'run', program: 'sleep', up: 0 },
  ])('sees by the file of procd that $name', ({ verb, program, up }) => {
    const { folder, stateDir } = router();
    const child = spawn('sleep', ['60'], { argv0: program, stdio: 'ignore' });
    onTestFinished(() => void child.kill());
    writeFileSync(join(stateDir, 'status.json'), JSON.stringify(statusSample()));
    writeFileSync(join(folder, `holdfast.${verb}.pid`), `${child.pid}\n`);

    const { samples } = readExposition(scrape(stateDir));

    expect(samples.get('holdfast_up{}')).toBe(up);
    expect(samples.has('holdfast_resident_memory_bytes{}')).toBe(up === 1);
  });

  test.each([
    ['no status', undefined],
    ['half a status', JSON.stringify(statusSample()).slice(0, 900)],
    ['no JSON', 'hello'],
    ['nothing', ''],
    ['another JSON', '[1,2,'],
    ['a text', '"status"'],
    ['deep nesting', '['.repeat(100_000)],
    ['a broken escape', '{"agent":"\\u12'],
  ])('%s: down, and nothing else', (_, text) => {
    expect(scraped(text)).toEqual(DOWN);
  });

  test('an older status: what it did not know is missing', () => {
    const { incidents: _, aliases: _a, notifications: _n, ...older } = statusSample();

    const samples = scraped(JSON.stringify(older));

    expect(samples.get('holdfast_open_incidents{}')).toBe(0);
  });

  test('texts of every script and every escape', () => {
    const status = statusSample();
    const [first] = status.hostnames;
    const hostname = 'münchen.例え.😀 \b\f\r\t/\u0001"\\';
    const text = JSON.stringify({ ...status, hostnames: [{ ...first, hostname }] });
    const escaped = text.replace(
      /[^\x20-\x7e]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );

    const { samples } = readExposition(prometheusText(JSON.parse(text), false));

    expect(Object.fromEntries(scraped(text))).toEqual(Object.fromEntries(samples));
    expect(Object.fromEntries(scraped(escaped))).toEqual(Object.fromEntries(samples));
  });

  test('a link in place of the file is not followed', () => {
    const { folder, stateDir } = router();
    writeFileSync(join(folder, 'elsewhere'), JSON.stringify(statusSample()));
    symlinkSync(join(folder, 'elsewhere'), join(stateDir, 'status.json'));

    expect(readExposition(scrape(stateDir)).samples).toEqual(DOWN);
  });

  test('a pipe in place of the file holds nothing up', () => {
    const { stateDir } = router();
    expect(spawnSync('mkfifo', [join(stateDir, 'status.json')]).status).toBe(0);

    expect(readExposition(scrape(stateDir)).samples).toEqual(DOWN);
  });
});
