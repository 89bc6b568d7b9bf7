/** Serves LuCI's pages, files and JSON-RPC of an emulated router on loopback, as uhttpd does. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import type { Router } from '../router/router.ts';
import { NOBODY, type Session } from '../router/sessions.ts';
import type { Checkout } from './checkout.ts';
import { findPage, type MenuNode, menuTree } from './menu.ts';
import { pageHtml, type Theme } from './page.ts';
import { STATUS_INDEX } from './status-index.ts';
import { translationScript } from './translations.ts';

export interface WebOptions {
  theme: Theme;
  language: string;
  /** LuCI's own defaults where nothing is said. */
  pollSec: number;
  holdoffSec: number;
  displaySec: number;
}

export interface Web {
  url: string;
  options: WebOptions;
  /** Requests that were answered with 404, which no page should make. */
  missing(): readonly string[];
  close(): Promise<void>;
}

export const LUCI_DEFAULTS: WebOptions = {
  theme: 'bootstrap',
  language: 'en',
  pollSec: 5,
  holdoffSec: 4,
  displaySec: 1.5,
};

const LUCI = '/cgi-bin/luci';
const TYPES: Readonly<Record<string, string>> = {
  '.js': 'application/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.json': 'application/json',
  '.woff2': 'font/woff2',
};
const UBUS_HTTP: Readonly<Record<number, number>> = { 0: 200, 2: 400, 4: 404, 5: 204, 6: 403 };
const CONFIRM_SEC = 90;

export function startWeb(router: Router, checkout: Checkout, options: WebOptions): Promise<Web> {
  const missing: string[] = [];
  const tokens = new Map<string, string>();

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://router');
    const body = await bodyOf(request);
    if (pathname.startsWith('/ubus') || pathname.startsWith(`${LUCI}/admin/ubus`)) {
      send(response, 200, 'application/json', JSON.stringify(await router.rpcd.answer(body)));
    } else if (pathname.startsWith(`${LUCI}/admin/uci/`)) {
      const form = new URLSearchParams([...searchParams, ...new URLSearchParams(body)]);
      applyRequest(pathname.slice(`${LUCI}/admin/uci/`.length), form, sessionOf(request), response);
    } else if (pathname === '/cgi-bin/cgi-exec') {
      // Before an apply LuCI asks through which interface the browser comes in.
      send(
        response,
        200,
        TYPES['.json'],
        JSON.stringify({ remote_addr: '127.0.0.1', inbound_interfaces: [] }),
      );
    } else if (pathname.startsWith(`${LUCI}/admin/translations/`)) {
      const language = pathname.slice(pathname.lastIndexOf('/') + 1);
      send(response, 200, TYPES['.js'], translationScript(checkout.catalogues(language)));
    } else if (pathname === `${LUCI}/admin/menu`) {
      send(response, 200, TYPES['.json'], JSON.stringify(treeFor(sessionOf(request))));
    } else if (pathname.startsWith(LUCI)) {
      page(pathname.slice(LUCI.length), sessionOf(request), response);
    } else {
      file(pathname, response);
    }
  }

  function sessionOf(request: IncomingMessage): Session | undefined {
    const id = /(?:^|; )sysauth_http=([0-9a-f]{32})/.exec(request.headers.cookie ?? '')?.[1];
    return id === undefined || id === NOBODY ? undefined : router.sessions.find(id);
  }

  function treeFor(session: Session | undefined): MenuNode {
    const groups = session?.grants.get('access-group');
    return menuTree(checkout.menus, {
      levels: (group) => [...(groups?.get(group) ?? [])],
      hasConfig: (config) => router.uci.sections(config).length > 0,
      hasFile: (path) => existsSync(join(router.root, path)),
    });
  }

  function page(path: string, session: Session | undefined, response: ServerResponse): void {
    const requestPath = path.split('/').filter(Boolean);
    const found = session === undefined ? undefined : findPage(treeFor(session), requestPath);
    if (session === undefined || found === undefined) {
      send(response, session === undefined ? 403 : 404, 'text/plain', 'Not here, or not without a login.');
      return;
    }
    const allowed = session.grants.get('access-group');
    const writable =
      found.groups.length === 0 || found.groups.some((group) => allowed?.get(group)?.has('write'));
    const { type, path: view = '' } = found.node.action ?? { type: 'none' };
    const html = pageHtml({
      ...options,
      title: found.node.title ?? '',
      path: found.path,
      requestPath,
      view: type === 'view' ? view : 'status/index',
      sessionId: session.id,
      token: session.token,
      nodeSpec: { ...found.node, readonly: !writable },
      css: found.node.css,
    });
    send(response, 200, 'text/html; charset=UTF-8', html);
  }

  /** What `ui.changes` of LuCI asks for; not JSON-RPC. */
  function applyRequest(
    action: string,
    form: URLSearchParams,
    session: Session | undefined,
    response: ServerResponse,
  ): void {
    if (action === 'confirm') {
      const owner = tokens.get(form.get('token') ?? '');
      const reply =
        owner === undefined ? { status: 5 } : (router.uci.call('confirm', {}, owner) ?? { status: 5 });
      finish(reply.status, response);
      return;
    }
    if (session === undefined || form.get('token') !== session.token) {
      send(response, 403, 'text/plain', 'Permission denied');
      return;
    }
    if (action === 'revert') {
      const reverted = Object.keys(router.uci.changes(session.id)).map((config) =>
        router.uci.call('revert', { config }, session.id),
      );
      finish(reverted.find((reply) => reply?.status !== 0)?.status ?? 0, response);
      return;
    }
    const rollback = action === 'apply_rollback';
    const reply = router.uci.call('apply', { rollback, timeout: CONFIRM_SEC }, session.id);
    if (rollback && reply?.status === 0) {
      const token = randomBytes(16).toString('hex');
      tokens.set(token, session.id);
      send(response, 200, TYPES['.json'], JSON.stringify({ token }));
    } else {
      finish(reply?.status ?? 3, response);
    }
  }

  function file(pathname: string, response: ServerResponse): void {
    const relative = normalize(decodeURIComponent(pathname));
    if (relative === '/luci-static/resources/view/status/index.js') {
      send(response, 200, TYPES['.js'], STATUS_INDEX);
      return;
    }
    const path = checkout.htdocs
      .map((folder) => join(folder, relative))
      .find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile());
    if (path === undefined || relative.includes('..')) {
      missing.push(pathname);
      send(response, 404, 'text/plain', 'Not found');
      return;
    }
    response.writeHead(200, { 'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream' });
    response.end(readFileSync(path));
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      process.stderr.write(
        `The stand-in for uhttpd failed: ${error instanceof Error ? error.stack : error}\n`,
      );
      response.writeHead(500).end();
    });
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      resolve({
        url: `http://127.0.0.1:${port}`,
        options,
        missing: () => missing,
        close: () =>
          new Promise((done) => {
            server.closeAllConnections();
            server.close(() => done());
          }),
      });
    });
  });
}

function finish(status: number, response: ServerResponse): void {
  const code = UBUS_HTTP[status] ?? 500;
  send(response, code, 'text/plain', code === 204 ? '' : `ubus ${status}`);
}

function send(response: ServerResponse, status: number, type: string | undefined, text: string): void {
  response.writeHead(status, { 'Content-Type': type ?? 'text/plain', 'Cache-Control': 'no-cache' }).end(text);
}

function bodyOf(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    request.on('end', () => resolve(text)).on('error', reject);
  });
}
