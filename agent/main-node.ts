/** Where Node begins. */
import { nodeHost } from './hosts/node.ts';
import { main } from './main.ts';

void main(nodeHost(process.argv.slice(2), process.env));
