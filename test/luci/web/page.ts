/**
 * The page around a view: what LuCI's dispatcher sends before its own scripts take over. Only the elements
 * that the scripts and the style sheets of a theme look for are there.
 */

export const THEME_NAMES = ['bootstrap', 'material', 'openwrt2020'] as const;
export type Theme = (typeof THEME_NAMES)[number];

export interface PageOptions {
  theme: Theme;
  language: string;
  title: string;
  /** Path of the page and of the request, without `/cgi-bin/luci`. */
  path: readonly string[];
  requestPath: readonly string[];
  /** Name of the view, e.g. `holdfast/overview`. */
  view: string;
  sessionId: string;
  token: string;
  nodeSpec: unknown;
  css?: string | undefined;
  pollSec: number;
  /** Seconds: wait after an apply, time to show that it worked. */
  holdoffSec: number;
  displaySec: number;
}

const SCRIPT_NAME = '/cgi-bin/luci';
const RESOURCE = '/luci-static/resources';

export function pageHtml(options: PageOptions): string {
  const { theme, language, title, path, css } = options;
  const media = `/luci-static/${theme}`;
  const sheets = [`${media}/cascade.css`, ...(css === undefined ? [] : [`${RESOURCE}/${css}`])];
  const darkMode = `
    var query = window.matchMedia('(prefers-color-scheme: dark)');
    var follow = function() { document.documentElement.setAttribute('data-darkmode', query.matches) };
    query.addEventListener('change', follow);
    follow();`;
  return `<!DOCTYPE html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<title>${escaped(`OpenWrt | ${title}`)}</title>
${theme === 'bootstrap' ? `<script>${darkMode}</script>` : ''}
<meta name="viewport" content="width=device-width, initial-scale=1">
${sheets.map((sheet) => `<link rel="stylesheet" href="${sheet}">`).join('\n')}
${theme === 'bootstrap' ? `<link rel="stylesheet" media="only screen and (max-device-width: 854px)" href="${media}/mobile.css">` : ''}
<link rel="icon" href="${media}/logo.svg">
<script src="${SCRIPT_NAME}/admin/translations/${language}"></script>
<script src="${RESOURCE}/cbi.js"></script>
</head>
<body class="lang_${language} logged-in" data-page="${path.join('-')}">
${BODIES[theme](bodyOf(options), media)}
<script>L.require('menu-${theme}')</script>
</body>
</html>
`;
}

/** The scripts come inside the content, as in LuCI: the menu needs them. */
function bodyOf(options: PageOptions): string {
  const environment = {
    media: `/luci-static/${options.theme}`,
    resource: RESOURCE,
    scriptname: SCRIPT_NAME,
    pathinfo: `/${options.requestPath.join('/')}`,
    documentroot: '/www',
    requestpath: options.requestPath,
    dispatchpath: options.path,
    pollinterval: options.pollSec,
    ubuspath: '/ubus/',
    sessionid: options.sessionId,
    token: options.token,
    nodespec: options.nodeSpec,
    apply_rollback: 90,
    apply_holdoff: options.holdoffSec,
    apply_timeout: 5,
    apply_display: options.displaySec,
    rollback_token: null,
  };
  return `<script src="${RESOURCE}/luci.js?v=test"></script>
<script>L = new LuCI(${JSON.stringify(environment).replaceAll('/', '\\/')});</script>
<div id="view">
<div class="spinning">Loading view…</div>
<script>L.require('ui').then(function(ui) { ui.instantiateView('${options.view}'); });</script>
</div>`;
}

const BODIES: Record<Theme, (content: string, media: string) => string> = {
  bootstrap: (content) => `<header>
<a class="brand" href="/">OpenWrt</a>
<ul class="nav" id="topmenu" style="display:none"></ul>
<div id="indicators" class="pull-right"></div>
</header>
<div id="maincontent" class="container">
<div id="tabmenu" style="display:none"></div>
${content}
</div>
<footer><span>LuCI</span><ul class="breadcrumb pull-right" id="modemenu" style="display:none"></ul></footer>`,
  material: (content) => `<header><div class="fill"><div class="container">
<span class="showSide"></span>
<a class="brand" href="#">OpenWrt</a>
<span class="status" id="indicators"></span>
</div></div></header>
<div class="main">
<div class="loading"><span><div class="loading-img"></div>Collecting data...</span></div>
<div class="main-left" id="mainmenu" style="display:none"></div>
<div class="main-right">
<div class="modemenu-buttons" style="display:none"><ul id="modemenu"></ul></div>
<div class="darkMask"></div>
<div id="maincontent"><div class="container">
<div id="tabmenu" style="display:none"></div>
${content}
</div><footer class="mobile-hide">LuCI</footer></div>
</div>
</div>`,
  openwrt2020: (content) => `<div id="menubar">
<h2 class="navigation"><a id="navigation" name="navigation">Navigation</a></h2>
<span class="hostname"><a href="/">OpenWrt</a></span>
<span class="distversion">test</span>
<span id="indicators"></span>
</div>
<div id="modemenu" style="display:none"></div>
<div id="maincontainer">
<div id="mainmenu"></div>
<div id="maincontent">
<div id="tabmenu" style="display:none"></div>
${content}
</div>
</div>
<p class="luci">LuCI</p>`,
};

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
