/**
 * A real `qjs` for the tests: the system's own, or Debian 13's unpacked beside its C library into a cache, where
 * it touches nothing of the system. apt checks both packages against Debian's keys.
 */
import { execFile, spawnSync } from 'node:child_process';
import { access, chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const exec = promisify(execFile);

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/quickjs/', import.meta.url));
const SUITE = 'trixie';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const PACKAGES = ['quickjs', 'libc6'];
const DOWNLOAD_LIMIT_MS = 300_000;

/**
 * Flags for a version: before September 2025 QuickJS ended the program when a promise was rejected a moment
 * before somebody looked at it.
 */
export function qjsFlags(version: string): string[] {
  return version < '2025-09' ? ['--no-unhandled-rejection'] : [];
}

export interface Qjs {
  path: string;
  /** A date, e.g. `2025-04-26`. */
  version: string;
}

/** The first call on a machine takes some seconds and needs the network. */
export async function findQjs(): Promise<Qjs> {
  const own = versionOf('qjs');
  if (own !== undefined) {
    return { path: (await exec('sh', ['-c', 'command -v qjs'])).stdout.trim(), version: own };
  }
  const path = join(CACHE, 'qjs');
  const cached = versionOf(path);
  if (cached !== undefined) {
    return { path, version: cached };
  }
  await unpack();
  const version = versionOf(path);
  if (version === undefined) {
    throw new Error(`${path} does not run`);
  }
  return { path, version };
}

/** Undefined for what is no QuickJS of Bellard's. */
function versionOf(program: string): string | undefined {
  const { stdout } = spawnSync(program, ['--help'], { encoding: 'utf8' });
  return /^QuickJS version (\d{4}-\d\d-\d\d)/.exec(stdout ?? '')?.[1];
}

async function unpack(): Promise<void> {
  await mkdir(join(CACHE, '..'), { recursive: true });
  const folder = await mkdtemp(join(CACHE, '..', 'quickjs-'));
  try {
    for (const part of [
      'state/lists/partial',
      'cache/archives/partial',
      'debs',
      'etc/preferences.d',
      'root',
    ]) {
      await mkdir(join(folder, part), { recursive: true });
    }
    await writeFile(
      join(folder, 'etc/sources.list'),
      `deb [signed-by=${KEYRING}] http://deb.debian.org/debian ${SUITE} main\n`,
    );
    await writeFile(
      join(folder, 'etc/apt.conf'),
      [
        `Dir "${folder}";`,
        `Dir::State "${folder}/state";`,
        'Dir::State::status "/dev/null";',
        `Dir::Cache "${folder}/cache";`,
        `Dir::Etc::sourcelist "${folder}/etc/sources.list";`,
        'Dir::Etc::sourceparts "/dev/null";',
        `Dir::Etc::preferencesparts "${folder}/etc/preferences.d";`,
        'Acquire::Languages "none";',
        'APT::Sandbox::User "root";',
        '',
      ].join('\n'),
    );
    const options = {
      cwd: join(folder, 'debs'),
      env: { ...process.env, APT_CONFIG: join(folder, 'etc/apt.conf') },
      timeout: DOWNLOAD_LIMIT_MS,
    };
    await exec('apt-get', ['-qq', 'update'], options);
    await exec('apt-get', ['-qq', 'download', ...PACKAGES], options);
    for (const file of await readdir(join(folder, 'debs'))) {
      await exec('dpkg', ['-x', join(folder, 'debs', file), join(folder, 'root')]);
    }
    await finish(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The program is started through its own loader; a copy that somebody else made meanwhile is as good. */
async function finish(folder: string): Promise<void> {
  const entries = await readdir(join(folder, 'root'), { recursive: true });
  const loader = entries.find((path) => /^usr\/lib(64|32|x32)?\/ld-linux[^/]*\.so\.\d$/.test(path));
  const library = entries.find((path) => /\/libc\.so\.6$/.test(path))?.replace(/\/libc\.so\.6$/, '');
  if (loader === undefined || library === undefined) {
    throw new Error('the C library of the package has another shape than expected');
  }
  const root = join(CACHE, 'root');
  const script = `#!/bin/sh\nexec '${root}/${loader}' --library-path '${root}/${library}' '${root}/usr/bin/qjs' "$@"\n`;
  const made = join(folder, 'made');
  await mkdir(made);
  await rename(join(folder, 'root'), join(made, 'root'));
  await writeFile(join(made, 'qjs'), script);
  await chmod(join(made, 'qjs'), 0o755);
  await rename(made, CACHE).catch(() => access(join(CACHE, 'qjs')));
}
