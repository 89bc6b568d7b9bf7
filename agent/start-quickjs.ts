/**
 * Where QuickJS begins. Compiling takes memory that the C library keeps: the whole agent at once would leave half
 * a megabyte of it unused for good. So the build cuts the agent into scripts, which are compiled one after another.
 */
import * as os from 'quickjs:os';
import * as std from 'quickjs:std';

declare global {
  /** Scripts cannot import. */
  var quickjs: { os: object; std: object };
}

globalThis.quickjs = { os, std };
runPieces(`${os.realpath(scriptArgs[0] ?? '')[0].replace(/[^/]*$/, '')}holdfast-agent.mjs`);

/** Between two pieces is a line of two slashes. */
function runPieces(path: string): void {
  const file = std.open(path, 'r', {});
  if (file === null) {
    std.err.puts(`holdfast: ${path} cannot be read. Install the agent again.\n`);
    std.exit(1);
  }
  let piece = '';
  for (let line = file.getline(); line !== null; line = file.getline()) {
    if (line === '//') {
      std.evalScript(piece);
      piece = '';
    } else {
      piece += `${line}\n`;
    }
  }
  file.close();
  std.evalScript(piece);
}
