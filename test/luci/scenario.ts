/** The shape of a scenario, and the configuration most of them begin with. */
import type { Service } from '../service/service.ts';
import type { Stage, StageOptions } from './stage.ts';

export interface Scenario {
  name: string;
  /** What must hold, as a sentence. */
  title: string;
  stage?: StageOptions;
  run(stage: Stage): Promise<void>;
}

export const HOME = 'home.ddns.example';

/** One account with one hostname, as after a first use of the page. */
export const CONFIGURED = `config agent 'agent'
\toption contact 'admin@example.org'

config account 'noip'
\toption provider 'no-ip.com'
\toption username 'demo'
\toption password 'demo-password'

config hostname 'home'
\toption hostname '${HOME}'
\toption account 'noip'
\tlist network 'wan'
`;

/** No account and no hostname, as on a router on which nobody has set up anything. */
export const EMPTY = `config agent 'agent'
\toption enabled '1'
`;

export function addressOf(service: Pick<Service, 'values'>, hostname = HOME): string {
  return service.values(hostname, 'A').join();
}
