import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const TSX = fileURLToPath(new URL('../../node_modules/.bin/tsx', import.meta.url));
/** About a minute on a quiet machine. */
const TIMEOUT_MS = 600_000;

test('2014: told in time, told once, and nothing done that would not help', { timeout: TIMEOUT_MS }, async ({
  onTestFinished,
}) => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const child = spawn(process.execPath, [TSX, MAIN, '--replay', '2014', '--json'], {
    env: { ...process.env, TMPDIR: folder },
  });
  onTestFinished(() => void child.kill('SIGTERM'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  const { ok, findings, incidents, aliasTargets } = JSON.parse(stdout);

  expect(findings.filter(({ holds }: { holds: boolean }) => !holds)).toEqual([]);
  expect(findings).toHaveLength(7);
  expect(incidents).toHaveLength(4);
  expect(aliasTargets).toHaveLength(3);
  expect(ok).toBe(true);
  expect(stderr).toContain('ALARM: ddns.example was handed over');
  expect(stderr.match(/ALARM: /g)).toHaveLength(4);
  expect(stderr.match(/ALL-CLEAR: /g)).toHaveLength(4);
  expect(stderr).toContain('The web site of No-IP does not answer. That');
  expect(status).toBe(0);
  expect(readdirSync(folder).filter((name) => name.startsWith('holdfast-'))).toEqual([]);
});
