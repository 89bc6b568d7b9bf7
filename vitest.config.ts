import { defineConfig } from 'vitest/config';

/** `arch`: the shape of the house. `unit`: decisions and parsers, no socket. `net`: real sockets on loopback.
 *  `system`: the built bundle as real processes. */
export default defineConfig({
  test: {
    reporters: ['default'],
    projects: [
      { test: { name: 'arch', include: ['test/arch/**/*.test.ts'] } },
      {
        test: {
          name: 'unit',
          include: ['test/{core,config,openwrt,sources,providers,scenario,store,cli,engine}/**/*.test.ts'],
        },
      },
      {
        test: {
          name: 'net',
          include: ['test/{net,hosts,service,demo,glue}/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'system',
          include: ['test/system/**/*.test.ts'],
          globalSetup: 'test/system/bundle.ts',
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
