/** What the sources are made of. */

import type { OutsideSettings } from '../core/source-key.ts';
import type { AddressSource, Clock, Host, Log, Processes } from '../ports.ts';

export interface AskingModule {
  askingSource(settings: OutsideSettings, base: AddressSource, parts: SourceParts): AddressSource;
}

export interface SourceParts {
  host: Clock & Processes & Pick<Host, 'http' | 'dns' | 'datagrams' | 'random' | 'limits' | 'interfaces'>;
  log: Log;
  /** The interfaces as netifd knows them. */
  network: AddressSource;
  userAgent(): string;
  /** Loads the ways to ask somebody outside; virtual time cannot wait for a real file. */
  loadAsking?(): Promise<AskingModule>;
}
