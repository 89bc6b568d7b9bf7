/** How large the programs are on the disk or on the way to it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Size {
  what: string;
  bytes: number;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export function measureSizes(): Size[] {
  const out = mkdtempSync(join(tmpdir(), 'holdfast-package-'));
  try {
    execFileSync(process.execPath, ['firmware-glue/package.mjs', '--out', out], { cwd: ROOT, stdio: 'pipe' });
    const packages = readdirSync(out)
      .filter((name) => /^holdfast.*\.(ipk|apk)$/.test(name))
      .map((name) => ({ what: `package ${name}`, bytes: statSync(join(out, name)).size }));
    return [
      ...['holdfast.cjs', 'holdfast-agent.mjs', 'catalogue.json'].map((name) => ({
        what: `dist/${name}`,
        bytes: statSync(join(ROOT, 'dist', name)).size,
      })),
      ...packages,
      ...['inadyn', 'ddclient'].flatMap(debianSize),
    ];
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** Of the package as downloaded, where apt knows it; without what it depends on. */
function debianSize(name: string): Size[] {
  try {
    const text = execFileSync('apt-cache', ['show', '--no-all-versions', name], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const bytes = Number(/^Size: (\d+)$/m.exec(text)?.[1]);
    return bytes > 0 ? [{ what: `Debian's package ${name}`, bytes }] : [];
  } catch {
    return [];
  }
}
