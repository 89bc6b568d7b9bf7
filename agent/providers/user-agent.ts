/**
 * The User-Agent that No-IP demands (noip.com/integrate/request): `Company Program/OSVersion-Release contact`.
 * The contact is the operator's e-mail address from `option contact`, when there is one.
 */
export function userAgentOf(openwrtRelease: string | undefined, version: string, contact: string): string {
  const release = /^DISTRIB_RELEASE='?([\w.~-]{1,40})/m.exec(openwrtRelease ?? '')?.[1];
  const system = release === undefined ? 'Linux' : `OpenWrt${release}`;
  return `Holdfast DDNS-Agent/${system}-${version} ${contact}`.trim();
}
