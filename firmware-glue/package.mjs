/**
 * Makes the installable packages from the built agent: `node firmware-glue/package.mjs` writes
 * dist/NAME_VERSION_all.ipk for opkg, dist/NAME-VERSION.apk for apk-tools v3, and dist/overlay/ for the
 * FILES= of ImageBuilder. The agent in the .ipk is for Node, in the .apk for QuickJS. Equal sources give equal bytes; SOURCE_DATE_EPOCH sets the time in them.
 * Options: `--out FOLDER` for what is made, `--built FOLDER` for what build.mjs made; both are dist.
 */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { apkOf } from './pack/apk.mjs';
import { agentContent, BUILT, foldersOf, OVERLAY_EXTRA, webContent } from './pack/contents.mjs';
import { ipkOf } from './pack/ipk.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** What a router's flash may spend on the agent, compressed. */
const BUDGET_BYTES = 224 * 1024;
/** 2026-01-01, for sources without a history. */
const FALLBACK_TIME_SEC = 1767225600;

const { values: options } = parseArgs({
  options: { out: { type: 'string' }, built: { type: 'string' } },
});
const out = resolve(options.out ?? join(ROOT, 'dist'));
const timeSec = sourceTimeSec();
const version = await packageVersion();
const built = resolve(options.built ?? join(ROOT, BUILT));
const onNode = await agentContent(version, built, ['node']);
const onQuickjs = await agentContent(version, built, ['quickjs']);
const web = await webContent(version);

await mkdir(out, { recursive: true });
showContents(onNode);
await writePackage(`holdfast_${version}_all.ipk`, ipkOf(onNode, timeSec), true);
showContents(onQuickjs);
await writePackage(`holdfast-${version}.apk`, apkOf(onQuickjs, timeSec), true);
if (web !== undefined) {
  showContents(web);
  await writePackage(`${web.name}_${version}_all.ipk`, ipkOf(web, timeSec), false);
  await writePackage(`${web.name}-${version}.apk`, apkOf(web, timeSec), false);
} else {
  console.log('luci-app-holdfast: skipped, there is no folder firmware-glue/luci-app-holdfast.');
}
await writeOverlay([...(await agentContent(version, built)).files, ...(web?.files ?? []), ...OVERLAY_EXTRA]);
console.log(
  'note: the .ipk of the agent runs on Node (OpenWrt 24.10), the .apk on QuickJS (OpenWrt 25.12); dist/overlay ' +
    'has both and takes what the image has.',
);

/** As OpenWrt writes it: the version of the software, then the release of the package in the Makefile. */
async function packageVersion() {
  const { version: software } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const makefile = await readFile(join(ROOT, 'firmware-glue/holdfast/Makefile'), 'utf8');
  const release = /^PKG_RELEASE:=(\d+)$/m.exec(makefile)?.[1];
  if (release === undefined) {
    throw new Error('firmware-glue/holdfast/Makefile has no PKG_RELEASE');
  }
  return `${software}-r${release}`;
}

function sourceTimeSec() {
  const text = process.env.SOURCE_DATE_EPOCH ?? lastCommitTime();
  if (!/^\d{1,10}$/.test(text)) {
    throw new Error(`SOURCE_DATE_EPOCH is '${text}' but must be seconds since 1970`);
  }
  return Number(text);
}

function lastCommitTime() {
  try {
    const log = ['log', '-1', '--format=%ct'];
    return execFileSync('git', log, {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return String(FALLBACK_TIME_SEC);
  }
}

async function writePackage(name, bytes, isAgent) {
  await writeFile(join(out, name), bytes);
  console.log(`${name}: ${bytes.length} bytes${isAgent ? ` (budget ${BUDGET_BYTES})` : ''}`);
  if (isAgent && bytes.length > BUDGET_BYTES) {
    console.error(`${name} is ${bytes.length - BUDGET_BYTES} bytes over its budget.`);
    process.exitCode = 1;
  }
}

function showContents({ name, depends, user, files }) {
  console.log(`${name} ${version}, needs ${depends.join(', ')}${user === undefined ? '' : `, user ${user}`}`);
  for (const { path, mode, content } of files) {
    console.log(`  0${mode.toString(8)} root:root ${String(content.length).padStart(7)} ${path}`);
  }
}

async function writeOverlay(files) {
  const overlay = join(out, 'overlay');
  await rm(overlay, { recursive: true, force: true });
  for (const folder of ['', ...foldersOf(files)]) {
    await mkdir(join(overlay, folder));
    // Past the umask.
    await chmod(join(overlay, folder), 0o755);
  }
  for (const { path, mode, content } of files) {
    const target = join(overlay, path);
    await writeFile(target, content);
    await chmod(target, mode);
    await utimes(target, timeSec, timeSec);
  }
  for (const folder of [...foldersOf(files)].reverse()) {
    await utimes(join(overlay, folder), timeSec, timeSec);
  }
  console.log(`${dirname(overlay) === join(ROOT, 'dist') ? 'dist/overlay' : overlay}: ${files.length} files`);
}
