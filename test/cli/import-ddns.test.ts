import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../agent/cli/cli.ts';
import { nodeHost } from '../../agent/hosts/node.ts';
import { packCatalogue } from '../../schemas/pack-catalogue.mjs';

const THEIRS = `# by hand
config ddns 'global'
	option ddns_loglines '250'

config service 'home'
	option enabled '1'
	option service_name 'no-ip.com'
	option domain 'home.ddns.net'
	option username 'key-user'
	option password 's3cret-word'

config service 'mine'
	option enabled '1'
	option update_script '/root/mine.sh'
	option domain 'mine.example.org'
`;
const OURS = `# kept
config agent 'agent'
	option contact 'admin@example.org'
`;
const UNDO = '/etc/config/.holdfast.import-undo.json';

const CATALOGUE_FILE = await packCatalogue();

const real = nodeHost([], {});

/** A router whose files stand under a folder of the test. */
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'holdfast-import-'));
  mkdirSync(join(root, 'etc/config'), { recursive: true });
  mkdirSync(join(root, 'etc/init.d'));
  mkdirSync(join(root, 'usr/lib/holdfast'), { recursive: true });
  put('/etc/init.d/ddns', '#!/bin/sh /etc/rc.common\n');
  put('/etc/init.d/holdfast', '#!/bin/sh /etc/rc.common\n');
  put('/usr/lib/holdfast/catalogue.json', CATALOGUE_FILE);
  put('/etc/config/ddns', THEIRS);
  put('/etc/config/holdfast', OURS);
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path: string, text: string): void {
  writeFileSync(join(root, path), text, { mode: 0o600 });
}

function textOf(path: string): string | undefined {
  return existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined;
}

async function holdfast(
  words: string[],
  { serviceStatus = 0, failWrite = '' }: { serviceStatus?: number; failWrite?: string } = {},
) {
  let stdout = '';
  let stderr = '';
  const ran: string[] = [];
  const host = {
    ...real,
    argv: words,
    programFolder: '/usr/lib/holdfast',
    listFolder: (path: string) => real.listFolder(join(root, path)),
    readText: (path: string) => real.readText(join(root, path)),
    async writeAtomic(path: string, text: string, mode?: number) {
      if (path === failWrite) {
        throw new Error('no space left');
      }
      await real.writeAtomic(join(root, path), text, mode);
    },
    remove: (path: string) => real.remove(join(root, path)),
    async run(argv: readonly string[]) {
      ran.push(argv.join(' '));
      return { status: serviceStatus, stdout: '', stderr: '' };
    },
    writeOut(text: string) {
      stdout += text;
    },
    writeErr(text: string) {
      stderr += text;
    },
  };
  const status = await runCommandLine(host, {
    version: '0.0.0',
    startAgent: () => Promise.reject(new Error('import-ddns starts no agent')),
  });
  return { status, stdout, stderr, ran };
}

describe('without an option', () => {
  it('shows what would be done and writes nothing', async () => {
    const { status, stdout, stderr, ran } = await holdfast(['import-ddns']);

    expect({ status, stderr, ran }).toEqual({ status: 0, stderr: '', ran: [] });
    expect(stdout).toContain('/etc/config/ddns: 2 sections, 1 can be taken, 1 cannot.');
    expect(stdout).toContain("home (home.ddns.net): taken with changes as hostname 'home'\n  - ");
    expect(stdout).toContain('mine (mine.example.org): not taken\n  - ');
    expect(stdout).toContain("\toption hostname 'home.ddns.net'\n");
    expect(stdout).toContain("\toption password '(hidden)'\n");
    expect(stdout).not.toContain('s3cret-word');
    expect(readdirSync(join(root, 'etc/config'))).toEqual(['ddns', 'holdfast']);
    expect([textOf('/etc/config/ddns'), textOf('/etc/config/holdfast')]).toEqual([THEIRS, OURS]);
  });

  it('says the same to programs', async () => {
    const { status, stdout } = await holdfast(['import-ddns', '--json']);

    expect(status).toBe(0);
    expect(stdout).not.toContain('s3cret-word');
    expect(JSON.parse(stdout)).toMatchObject({
      from: '/etc/config/ddns',
      to: '/etc/config/holdfast',
      applied: false,
      sections: [
        { section: 'home', into: 'home', verdict: 'changed' },
        { section: 'mine', verdict: 'refused' },
      ],
      problems: [],
    });
  });
});

describe('--apply', () => {
  it('enables ours, disables theirs, and both services hear of it', async () => {
    const { status, stdout, ran } = await holdfast(['import-ddns', '--apply']);

    expect(status).toBe(0);
    expect(stdout).not.toContain('s3cret-word');
    expect(textOf('/etc/config/holdfast')).toBe(`${OURS}
config account 'no_ip_com'
	option provider 'no-ip.com'
	option username 'key-user'
	option password 's3cret-word'

config hostname 'home'
	option enabled '1'
	option hostname 'home.ddns.net'
	option account 'no_ip_com'
	option family 'ipv4'
	option source 'network'
	list network 'wan'
`);
    expect(textOf('/etc/config/ddns')).toContain("config service 'home'\n\toption enabled '0'\n");
    expect(textOf('/etc/config/ddns')).toContain("config service 'mine'\n\toption enabled '1'\n");
    expect(ran).toEqual(['/etc/init.d/ddns restart', '/etc/init.d/holdfast reload']);
    expect((await holdfast(['check-config'])).status).toBe(0);
  });

  it('leaves files that only root can read', async () => {
    chmodSync(join(root, 'etc/config/ddns'), 0o644);

    await holdfast(['import-ddns', '--apply']);

    const modes = ['/etc/config/ddns', '/etc/config/holdfast', UNDO].map(
      (path) => statSync(join(root, path)).mode & 0o777,
    );
    expect(modes).toEqual([0o600, 0o600, 0o600]);
  });

  it('makes the configuration where there is none', async () => {
    rmSync(join(root, 'etc/config/holdfast'));

    const { status } = await holdfast(['import-ddns', '--apply']);

    expect(status).toBe(0);
    expect((await holdfast(['check-config'])).status).toBe(0);
  });

  it('tells when a service did not start again', async () => {
    const { status, stdout } = await holdfast(['import-ddns', '--apply'], { serviceStatus: 1 });

    expect(status).toBe(0);
    expect(stdout).toContain('/etc/init.d/ddns restart did not work; run it yourself.');
  });

  it('asks nobody to restart a service that was removed', async () => {
    rmSync(join(root, 'etc/init.d/ddns'));

    const { status, stdout, ran } = await holdfast(['import-ddns', '--apply'], { serviceStatus: 1 });

    expect(status).toBe(0);
    expect(stdout).not.toContain('/etc/init.d/ddns');
    expect(stdout).toContain('/etc/init.d/holdfast reload did not work; run it yourself.\n');
    expect(ran).toEqual(['/etc/init.d/holdfast reload']);
  });

  it('another file is not the running service’s', async () => {
    put('/etc/copy', THEIRS);

    const { status, ran } = await holdfast(['import-ddns', '--from', '/etc/copy', '--apply']);

    expect({ status, ran }).toEqual({ status: 0, ran: [] });
    expect(textOf('/etc/copy')).toContain("config service 'home'\n\toption enabled '0'\n");
    expect(textOf('/etc/config/ddns')).toBe(THEIRS);
  });

  it.each([
    [
      'nothing can be taken',
      () => put('/etc/config/ddns', "config service 'a'\n"),
      'No section can be taken',
    ],
    [
      'their file has a broken line',
      () => put('/etc/config/ddns', `${THEIRS}option\n`),
      'lines that cannot be read',
    ],
    [
      'our file has a mistake',
      () => put('/etc/config/holdfast', "config account 'a'\n"),
      'holdfast check-config',
    ],
    ['an import can still be undone', () => put(UNDO, '{}'), UNDO],
  ])('writes nothing when %s', async (_, arrange, says) => {
    arrange();
    const before = readdirSync(join(root, 'etc/config')).map((name) => [name, textOf(`/etc/config/${name}`)]);

    const { status, stderr, ran } = await holdfast(['import-ddns', '--apply']);

    expect({ status, ran }).toEqual({ status: 1, ran: [] });
    expect(stderr).toContain(says);
    expect(
      readdirSync(join(root, 'etc/config')).map((name) => [name, textOf(`/etc/config/${name}`)]),
    ).toEqual(before);
  });
});

describe('--undo', () => {
  it('puts both files back to the letter', async () => {
    await holdfast(['import-ddns', '--apply']);

    const { status, stdout, ran } = await holdfast(['import-ddns', '--undo']);

    expect(status).toBe(0);
    expect(stdout).toContain('Both files are as they were');
    expect(ran).toEqual(['/etc/init.d/ddns restart', '/etc/init.d/holdfast reload']);
    expect([textOf('/etc/config/ddns'), textOf('/etc/config/holdfast'), textOf(UNDO)]).toEqual([
      THEIRS,
      OURS,
      undefined,
    ]);
  });

  it('removes the configuration that was not there', async () => {
    rmSync(join(root, 'etc/config/holdfast'));
    await holdfast(['import-ddns', '--apply']);

    await holdfast(['import-ddns', '--undo']);

    expect(readdirSync(join(root, 'etc/config'))).toEqual(['ddns']);
    expect(textOf('/etc/config/ddns')).toBe(THEIRS);
  });

  it('after a power cut between the two files', async () => {
    const cut = await holdfast(['import-ddns', '--apply'], { failWrite: '/etc/config/ddns' });
    expect(cut.status).toBe(1);
    expect(textOf('/etc/config/holdfast')).not.toBe(OURS);

    const { status } = await holdfast(['import-ddns', '--undo']);

    expect(status).toBe(0);
    expect([textOf('/etc/config/ddns'), textOf('/etc/config/holdfast')]).toEqual([THEIRS, OURS]);
  });

  it('loses no change that was made since', async () => {
    await holdfast(['import-ddns', '--apply']);
    const edited = `${textOf('/etc/config/holdfast')}# mine\n`;
    put('/etc/config/holdfast', edited);

    const { status, stderr } = await holdfast(['import-ddns', '--undo']);

    expect(status).toBe(1);
    expect(stderr).toContain('/etc/config/holdfast was changed since the import');
    expect(textOf('/etc/config/holdfast')).toBe(edited);
    expect(textOf('/etc/config/ddns')).not.toBe(THEIRS);
  });

  it.each([undefined, '', '{}', '{"files":[{"path":1}]}'])(
    'without an import there is nothing to undo: %s',
    async (text) => {
      if (text !== undefined) {
        put(UNDO, text);
      }

      const { status, stderr } = await holdfast(['import-ddns', '--undo']);

      expect(status).toBe(1);
      expect(stderr).toContain('There is no import to undo');
      expect(textOf('/etc/config/ddns')).toBe(THEIRS);
    },
  );
});

describe('usage', () => {
  it.each([
    [['import-ddns', '--apply', '--undo']],
    [['import-ddns', '--from']],
    [['import-ddns', 'word']],
    [['import-ddns', '--from', '/etc/nothing']],
    [['status', '--apply']],
  ])('%j is status 2', async (words) => {
    const { status, stderr, stdout } = await holdfast(words);

    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^holdfast: /);
    expect(textOf('/etc/config/ddns')).toBe(THEIRS);
  });

  it('a file out of reach is told', async () => {
    rmSync(join(root, 'etc/config/ddns'));
    mkdirSync(join(root, 'etc/config/ddns'));

    const { status, stderr } = await holdfast(['import-ddns']);

    expect(status).toBe(1);
    expect(stderr).toContain('Run this as root.');
  });

  it('the help names its options', async () => {
    const { status, stdout } = await holdfast(['import-ddns', '--help']);

    expect(status).toBe(0);
    expect(stdout).toContain('Usage: holdfast import-ddns [--from FILE] [--apply] [--undo]');
  });
});
